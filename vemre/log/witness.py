"""What a witness decides about a checkpoint that a log submits: the pure part of tlog-witness.

`decide` follows the order of the checks that clients rely on. Persisting the new size, atomically with the check
of the old one, and signing come after it and belong to the caller; a VeMRE witness also verifies the new entries
in between. Source: docs/spec/log.md; C2SP tlog-witness v1.0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.encoding import decode_text, format_base64, malformed, parse_decimal, parse_hash
from vemre.log.note import Note, Vkey

MAX_PROOF_HASHES: Final = 63
MAX_REQUEST_BYTES: Final = 65_536
SIZE_CONTENT_TYPE: Final = "text/x.tlog.size"


@dataclass(frozen=True)
class AddCheckpoint:
    """The body of an add-checkpoint request: the size that the witness is thought to have, the consistency proof
    from there, and the checkpoint with the log's own line alone."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: SignedCheckpoint

    @classmethod
    def parse(cls, data: bytes) -> AddCheckpoint:
        """A body of at most 64 KiB. Raises CheckFailed(NOTE)."""
        text = decode_text(data, limit=MAX_REQUEST_BYTES, name="add-checkpoint")
        head, separator, note = text.partition("\n\n")
        first, *hashes = head.split("\n")
        if not separator or not first.startswith("old "):
            raise malformed("add-checkpoint: no old size")
        if len(hashes) > MAX_PROOF_HASHES:
            raise malformed(f"add-checkpoint: more than {MAX_PROOF_HASHES} hashes")
        old = parse_decimal(first.removeprefix("old "), "old size")
        proof = tuple(parse_hash(line, "consistency proof") for line in hashes)
        return cls(old, proof, SignedCheckpoint.parse(note))

    def encode(self) -> bytes:
        """The bytes that `parse` takes."""
        return add_checkpoint_body(self.old, self.proof, self.checkpoint.encode())


def add_checkpoint_body(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The request for a signed checkpoint `note`, which carries the log's line and no cosignature."""
    lines = [f"old {old}", *map(format_base64, proof)]
    return "\n".join(lines).encode() + b"\n\n" + note


def log_line_only(note: bytes, log: Vkey) -> bytes:
    """The signed checkpoint without cosignatures, which would swell requests beyond witnesses' limits."""
    parsed = Note.parse(note)
    line = parsed.line_of(log)
    if line is None:
        raise malformed(f"checkpoint: no signature of the log {log.name}")
    return Note(parsed.text, (line,)).encode()


@dataclass(frozen=True)
class Cosigned:
    """The last checkpoint of a log that a witness cosigned."""

    size: int
    root: bytes


NOTHING_COSIGNED: Final = Cosigned(0, merkle.EMPTY_ROOT)


@dataclass(frozen=True)
class Decision:
    """The answer to a request.

    With status 200, `checkpoint` is to be persisted and cosigned, in that order, and the body is the lines. Else
    `body` is the answer. `evidence` says that the log signed something that contradicts what it signed before:
    keep the request.
    """

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    checkpoint: Checkpoint | None = None
    evidence: bool = False


def decide(body: bytes, logs: Mapping[str, Vkey], last: Callable[[str], Cosigned]) -> Decision:
    """The decision on a request `body`, for a witness that knows `logs` (by origin).

    `last(origin)` gives what it cosigned last, or `NOTHING_COSIGNED`.
    """
    try:
        request = AddCheckpoint.parse(body)
    except CheckFailed as failure:
        return _refuse(400, failure.detail)
    checkpoint = request.checkpoint.checkpoint
    log = logs.get(checkpoint.origin)
    if log is None:
        return _refuse(404, "an unknown log")
    try:
        request.checkpoint.log_line(log)
    except CheckFailed as failure:
        return _refuse(403, failure.detail)
    if request.old > checkpoint.size:
        return _refuse(400, "the old size is larger than the checkpoint's")
    known = last(checkpoint.origin)
    if request.old != known.size:
        return _other_size(known, checkpoint)
    return _decide_consistency(request, known)


def _other_size(known: Cosigned, checkpoint: Checkpoint) -> Decision:
    split = checkpoint.size == known.size and checkpoint.root != known.root
    return Decision(409, f"{known.size}\n".encode(), SIZE_CONTENT_TYPE, evidence=split)


def _decide_consistency(request: AddCheckpoint, known: Cosigned) -> Decision:
    checkpoint = request.checkpoint.checkpoint
    if checkpoint.size == 0 and checkpoint.root != merkle.EMPTY_ROOT:
        return _refuse(422, "size 0 with a root that is not the empty tree's", evidence=True)
    try:
        merkle.verify_consistency(known.size, checkpoint.size, known.root, checkpoint.root, request.proof)
    except CheckFailed as failure:
        # A wrong proof alone proves nothing against the log; two roots of one size do.
        split = checkpoint.size == known.size and checkpoint.root != known.root
        return _refuse(422, failure.detail, evidence=split)
    return Decision(200, checkpoint=checkpoint)


def _refuse(status: int, detail: str, *, evidence: bool = False) -> Decision:
    return Decision(status, f"{detail}\n".encode(), evidence=evidence)
