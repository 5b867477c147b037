"""One log of the election as a witness follows it: signed checkpoints that fit what was verified, and the next entries.

What is taken from a log is authenticated, and no more of it is held than one portion. A checkpoint that contradicts
another one is a `Contradiction`, which carries the proof of it; anything else that is wrong is a CheckFailed that may
heal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from audit.witness.evidence import Part, Split
from audit.witness.mirror import LogMirror
from audit.witness.store import Store
from vemre.checks import Check
from vemre.errors import CheckFailed, VemreError
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, OpenedCheckpoint, SignedCheckpoint, open_checkpoint
from vemre.log.merkle import HashReader
from vemre.log.note import Vkey
from vemre.log.reader import LogReader
from vemre.log.witness import log_line_only
from vemre.messages import Unreachable
from vemre.records.bundle import check_blob
from vemre.records.fields import Blob
from vemre.service.sources import MAX_BLOB_BYTES, LogSource
from vemre.types import WRITERS, LogName

PORTION_ENTRIES: Final = 4096
PORTION_BYTES: Final = 32 << 20
"""An entry or a bundle more may be in memory, but no further portion before this one is verified."""
MAX_LOG_BYTES: Final = 8 << 30
"""More than the entries of any election; a log that goes on and on is not followed beyond."""
Fetch = Callable[[], bytes]
_SLOW: Final = frozenset({"ReadTimeout", "WriteTimeout", "PoolTimeout"})


class Contradiction(Exception):
    """Two checkpoints with the log's own signature that exclude each other."""

    def __init__(self, failure: CheckFailed, split: Split) -> None:
        super().__init__(failure, split)
        self.failure = failure
        self.split = split


@dataclass(frozen=True)
class Signed:
    """A checkpoint that the log signed: with its line alone, and the hashes under it where they are at hand."""

    checkpoint: Checkpoint
    note: bytes
    read: HashReader | None = None


class Feed:
    """Follows one log. For one thread at a time."""

    def __init__(
        self, name: LogName, vkey: Vkey, witnesses: Sequence[Vkey], source: LogSource, mirror: LogMirror, store: Store
    ) -> None:
        self.name = name
        self.vkey = vkey
        self.pending: list[bytes] = []
        """Entries that were taken and are not verified yet."""
        self._witnesses = list(witnesses)
        self._source = source
        self._mirror = mirror
        self._store = store
        self._target: OpenedCheckpoint | None = None
        self._reader: LogReader | None = None
        self._floor = mirror.tree.size
        """The size below which a served checkpoint goes back."""

    @property
    def target(self) -> OpenedCheckpoint | None:
        """The checkpoint up to which entries are taken."""
        return self._target

    @property
    def behind(self) -> bool:
        """Whether there are entries to take."""
        return self._target is not None and self._target.size > self._mirror.tree.size + len(self.pending)

    # --- checkpoints ----------------------------------------------------------------------------------------

    def look(self) -> OpenedCheckpoint | None:
        """The latest checkpoint that is served, opened; None where there is none yet.

        Raises CheckFailed, and what the source raises.
        """
        try:
            data = self._fetch(self._source.checkpoint)
        except FileNotFoundError:
            return None
        return self.opened(data)

    def look_cosigned(self) -> OpenedCheckpoint | None:
        """The latest checkpoint that the log's service holds a quorum for, opened; None where there is none."""
        try:
            return self.opened(self._fetch(lambda: self._source.checkpoint(cosigned=True)))
        except (FileNotFoundError, VemreError):
            return None

    def opened(self, note: bytes) -> OpenedCheckpoint:
        """A note of this log, its lines verified. Raises CheckFailed(NOTE)."""
        try:
            return open_checkpoint(note, self.vkey, self._witnesses)
        except CheckFailed as failure:
            raise failure.located(where=f"{self.name}/checkpoint", party=WRITERS[self.name]) from None

    def served(self, opened: OpenedCheckpoint) -> None:
        """The log went back where it serves less than it once did. Raises CheckFailed(CHECKPOINT)."""
        if opened.size < self._floor:
            raise self._failure(f"the log went back from {self._floor} to {opened.size} entries")
        self._floor = opened.size

    def aim(self, opened: OpenedCheckpoint) -> None:
        """Take entries up to this checkpoint from now on, if it is beyond the one before.

        Raises Contradiction, CheckFailed, and what the source raises.
        """
        self.compare(opened)
        size = self._mirror.tree.size
        if opened.size <= size or (self._target is not None and opened.size <= self._target.size and self._reader):
            return
        party = WRITERS[self.name]
        reader = LogReader(self._tile, opened.checkpoint, name=self.name, party=party, allow_full=True)
        if reader.root_at(size) != self._mirror.tree.root():
            self._forked(Signed(opened.checkpoint, _own_line(opened, self.vkey), reader.hash_at))
        self._target, self._reader = opened, reader

    def compare(self, opened: OpenedCheckpoint) -> None:
        """Hold a checkpoint against what was verified and seen. Raises Contradiction, or CheckFailed(CHECKPOINT) where
        it does not fit and no signature proves it."""
        checkpoint, note = opened.checkpoint, _own_line(opened, self.vkey)
        for root, other in self._store.seen_at(checkpoint.origin, checkpoint.size):
            if root != checkpoint.root:
                raise self._contradiction(Split(self.vkey.name, other, note))
        tree = self._mirror.tree
        if checkpoint.size <= tree.size and tree.root(checkpoint.size) != checkpoint.root:
            self._forked(Signed(checkpoint, note))

    def _forked(self, offered: Signed) -> None:
        """A checkpoint does not fit the verified entries: find a signed one that does, and show that they exclude each
        other. Raises Contradiction, or CheckFailed where no signed checkpoint shows it."""
        tree = self._mirror.tree
        held: list[Signed] = []
        if self._target is not None and self._reader is not None:
            held.append(Signed(self._target.checkpoint, _own_line(self._target, self.vkey), self._reader.hash_at))
        note = self._store.seen_until(self.vkey.name, tree.size)
        if note is not None:
            found = SignedCheckpoint.parse(note).checkpoint
            if found.root == tree.root(found.size):
                held.append(Signed(found, note, tree.read))
        for other in held:
            split = split_between(other, offered)
            if split is not None:
                raise self._contradiction(split)
        raise self._failure(f"the log of {offered.checkpoint.size} entries does not fit the {tree.size} verified ones")

    # --- entries --------------------------------------------------------------------------------------------

    def take(self) -> list[bytes]:
        """The next portion of entries; they are `pending` from now on. Raises CheckFailed, and what the source raises.

        What was read before something failed is given, and the failure comes the next time.
        """
        reader = self._reader
        if reader is None or not self.behind:
            return []
        taken: list[bytes] = []
        size = 0
        try:
            for entry in reader.entries(self._mirror.tree.size + len(self.pending)):
                taken.append(entry)
                size += len(entry)
                if len(taken) >= PORTION_ENTRIES or size >= PORTION_BYTES:
                    break
        except (VemreError, OSError):
            if not taken:
                raise
        if self._mirror.length + sum(map(len, self.pending)) + size > MAX_LOG_BYTES:
            raise CheckFailed(Check.LOG, "larger than the log of any election", where=self.name, party=self.party)
        self.pending += taken
        return taken

    def blob(self, ref: Blob) -> bytes:
        """A blob that a record names. Raises CheckFailed(BLOB-DIGEST) where it is not served or is another."""
        where = f"blob/{ref.sha256}"
        try:
            if ref.size > MAX_BLOB_BYTES:
                raise CheckFailed(Check.BLOB_DIGEST, "larger than any blob may be")
            data = self._fetch(lambda: self._source.blob(ref.sha256, ref.size))
            check_blob(ref, data)
        except FileNotFoundError:
            raise CheckFailed(Check.BLOB_DIGEST, "not served", where=where, party=self.party) from None
        except CheckFailed as failure:
            raise failure.located(where=where, party=self.party) from None
        return data

    @property
    def party(self) -> str:
        """The role that writes the log."""
        return WRITERS[self.name]

    def part(self) -> Part | None:
        """What shows that the log signed all entries at hand, pending ones included; None where nothing does now."""
        size = self._mirror.tree.size + len(self.pending)
        try:
            if self._target is not None and self._reader is not None and size <= self._target.size:
                proof = self._reader.consistency_proof(size)
                return Part(size, _own_line(self._target, self.vkey), tuple(proof))
        except (VemreError, OSError):
            return None
        note = self._store.seen_until(self.vkey.name, size)
        if note is None or SignedCheckpoint.parse(note).checkpoint.size != size:
            return None
        return Part(size, note)

    def _tile(self, path: str) -> bytes:
        return self._fetch(lambda: self._source.tile(path))

    def _fetch(self, fetch: Fetch) -> bytes:
        try:
            return fetch()
        except Unreachable as error:
            if error.reason in _SLOW:
                detail = f"an answer took too long ({error.reason})"
                raise CheckFailed(Check.LOG, detail, where=self.name, party=self.party) from None
            raise

    def _failure(self, detail: str) -> CheckFailed:
        return CheckFailed(Check.CHECKPOINT, detail, where=f"{self.name}/checkpoint", party=self.party)

    def _contradiction(self, split: Split) -> Contradiction:
        return contradiction(split, f"{self.name}/checkpoint", self.party)


def split_between(first: Signed, second: Signed) -> Split | None:
    """The proof that two signed checkpoints exclude each other; None where they do not, or the hashes that would show
    it are not at hand. Raises what reading the hashes raises."""
    older, newer = sorted((first, second), key=lambda signed: signed.checkpoint.size)
    old, new, origin = older.checkpoint, newer.checkpoint, newer.checkpoint.origin
    if old.size == new.size:
        return None if old.root == new.root else Split(origin, older.note, newer.note)
    if old.size == 0 or newer.read is None:
        return None
    proof = merkle.prefix_proof(old.size, new.size, newer.read)
    if merkle.prefix_root(old.size, new.size, proof, new.root) == old.root:
        return None
    return Split(origin, older.note, newer.note, tuple(proof))


def contradiction(split: Split, where: str | None, party: str | None) -> Contradiction:
    """The finding that a split is."""
    sizes = [SignedCheckpoint.parse(note).checkpoint.size for note in (split.older, split.newer)]
    detail = f"two checkpoints are signed that exclude each other, of {sizes[0]} and {sizes[1]} entries"
    return Contradiction(CheckFailed(Check.CHECKPOINT, detail, where=where, party=party), split)


def _own_line(opened: OpenedCheckpoint, log: Vkey) -> bytes:
    return log_line_only(opened.note.encode(), log)
