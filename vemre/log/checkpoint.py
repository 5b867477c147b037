"""Checkpoints: a log's signed promise of its size and root, and the witnesses who saw it.

`open_checkpoint` is the one way from untrusted bytes to a checkpoint that may be believed; `auditors_of` counts
who stands behind it. Source: docs/spec/log.md; protocol, appendix E, items 3 and 4; C2SP tlog-checkpoint v1.0.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.cosignature import verify_cosignature
from vemre.log.encoding import encode_text, format_base64, malformed, parse_decimal, parse_hash
from vemre.log.note import KeyType, Note, SignatureLine, Vkey, verify_note_signature


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says: the log's origin, the number of entries, and the 32-byte root over them."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The text of a note: exactly three lines, since readers refuse extension lines. Raises CheckFailed(NOTE)."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise malformed("checkpoint: not exactly three lines")
        origin, size, root = lines[:3]
        if not origin:
            raise malformed("checkpoint: no origin")
        return cls(origin, parse_decimal(size, "checkpoint size"), parse_hash(root, "checkpoint root"))

    def text(self) -> str:
        """The text that the log signs, final line feed included."""
        return f"{self.origin}\n{self.size}\n{format_base64(self.root)}\n"


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint with its signature lines, parsed and not yet believed."""

    checkpoint: Checkpoint
    note: Note

    @classmethod
    def parse(cls, data: bytes | str) -> SignedCheckpoint:
        """A signed note of at most 64 KiB, as bytes or as the text of a record's field. Raises CheckFailed(NOTE)."""
        note = Note.parse(encode_text(data, "checkpoint") if isinstance(data, str) else data)
        return cls(Checkpoint.parse(note.text), note)

    def log_line(self, log: Vkey) -> SignatureLine:
        """The log's own line, verified. Raises CheckFailed(NOTE)."""
        line = self.note.line_of(log)
        if line is None:
            raise malformed(f"checkpoint: no signature of the log {log.name}")
        verify_note_signature(log, self.note.text, line.signature)
        return line

    def encode(self) -> bytes:
        """The note's bytes."""
        return self.note.encode()


@dataclass(frozen=True)
class OpenedCheckpoint:
    """A checkpoint whose log signature and known cosignatures all verify.

    `cosigners` gives the time of each witness key that cosigned it. `note` is the signed note it came from.
    """

    checkpoint: Checkpoint
    cosigners: Mapping[Vkey, int]
    note: Note

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """The root over them."""
        return self.checkpoint.root

    def known_lines(self, log: Vkey) -> Note:
        """The note with the lines of the log and of the witnesses that were asked for, and no others: what a record
        carries, since whoever else signs must not make it longer."""
        keys = (log, *self.cosigners)
        return Note(self.note.text, tuple(line for line in self.note.signatures if any(map(line.is_of, keys))))


def open_checkpoint(data: bytes | str, log: Vkey, witnesses: Iterable[Vkey] = ()) -> OpenedCheckpoint:
    """Verify a signed checkpoint of the log `log` and every line of a known witness.

    Lines of unknown keys are ignored. A missing log line, a line of a known key that is wrong or stands twice, an
    origin that is not the log key's name, or a size 0 with another root than the empty tree's raise
    CheckFailed(NOTE).
    """
    signed = SignedCheckpoint.parse(data)
    checkpoint = signed.checkpoint
    if checkpoint.origin != log.name:
        raise malformed("checkpoint: another log's origin")
    if checkpoint.size == 0 and checkpoint.root != merkle.EMPTY_ROOT:
        raise malformed("checkpoint: size 0 with a root that is not the empty tree's")
    signed.log_line(log)
    cosigners: dict[Vkey, int] = {}
    for witness in dict.fromkeys(witnesses):
        line = signed.note.line_of(witness)
        if line is not None:
            cosigners[witness] = verify_cosignature(witness, checkpoint, line.signature)
    # A log's own key is no witness, under whatever name and type it comes back.
    own = {witness for witness in cosigners if witness.type != KeyType.ML_DSA_44 and witness.public == log.public}
    return OpenedCheckpoint(checkpoint, {key: time for key, time in cosigners.items() if key not in own}, signed.note)


def auditors_of(opened: OpenedCheckpoint, auditors: Mapping[str, Sequence[Vkey]]) -> set[str]:
    """The auditors with a cosignature by any of their witness keys. A quorum counts auditors, never keys.

    A public key that is listed for two auditors counts for the first alone.
    """
    found: set[str] = set()
    used: set[bytes] = set()
    for auditor, witnesses in auditors.items():
        keys = {key.public for key in witnesses if key in opened.cosigners}
        if keys - used:
            found.add(auditor)
        used |= {key.public for key in witnesses}
    return found


def require_quorum(
    opened: OpenedCheckpoint, auditors: Mapping[str, Sequence[Vkey]], quorum: int, check: Check = Check.GATE
) -> None:
    """At least `quorum` distinct auditors cosigned. Raises CheckFailed(check): NOTE for the record's published
    checkpoints, GATE for those inside records (protocol, appendix E, item 4)."""
    found = auditors_of(opened, auditors)
    if len(found) < quorum:
        raise CheckFailed(check, f"{opened.origin} at {opened.size}: {len(found)} auditors cosigned, {quorum} needed")
