"""Follows another authority's log without trusting who serves it.

`refresh` takes the latest checkpoint and accepts it only if the log's key signed it, the required auditors cosigned
it, and the log accepted before is its beginning. `new_entries` then gives the entries that were not given yet, in
order, each authenticated.

What is wrong raises CheckFailed and changes nothing: NOTE for the checkpoint's text and signatures, CHECKPOINT where
the log went back or forked, LOG for tiles, BLOB-DIGEST for blobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from vemre.checks import Check
from vemre.errors import CheckFailed, Refused
from vemre.group import Group
from vemre.log.checkpoint import OpenedCheckpoint, auditors_of, open_checkpoint, require_quorum
from vemre.log.note import Vkey
from vemre.log.reader import LogReader
from vemre.messages import RemoteProblem
from vemre.records.bulk import parse_all
from vemre.records.bundle import blob_refs, check_blob
from vemre.records.fields import Blob
from vemre.records.record import Record
from vemre.service.sources import MAX_BLOB_BYTES, LogSource
from vemre.types import WRITERS, LogName

PORTION: Final = 4_096
"""Entries that are read and parsed together: bounds memory."""


class Follower:
    """One followed log. Synchronous, for one thread at a time; a service runs it in its thread pool.

    `auditors` are the witness keys by auditor, of whom `quorum` distinct ones make a checkpoint cosigned. With
    `cosigned_only`, only cosigned checkpoints are accepted. To go on where an earlier run ended, give the last
    checkpoint that it accepted as `seen` (`checkpoint_bytes` of then) and the number of entries that it took over as
    `position`.
    """

    def __init__(
        self,
        name: LogName,
        vkey: Vkey,
        source: LogSource,
        *,
        auditors: Mapping[str, Sequence[Vkey]] | None = None,
        quorum: int = 2,
        cosigned_only: bool = False,
        seen: bytes | None = None,
        position: int = 0,
    ) -> None:
        self.name = name
        self.vkey = vkey
        self.source = source
        self.position = position
        """The number of entries that were taken over."""
        self._auditors = auditors or {}
        self._quorum = quorum
        self._cosigned_only = cosigned_only
        self._witnesses = [key for keys in self._auditors.values() for key in keys]
        self._accepted = open_checkpoint(seen, vkey, self._witnesses) if seen is not None else None
        self._reader: LogReader | None = None
        if not 0 <= position <= self.size:
            raise ValueError("more entries were taken over than the last checkpoint covers")

    @property
    def size(self) -> int:
        """The number of entries that the accepted checkpoint covers."""
        return self._accepted.size if self._accepted else 0

    @property
    def checkpoint(self) -> OpenedCheckpoint | None:
        """The accepted checkpoint."""
        return self._accepted

    @property
    def checkpoint_bytes(self) -> bytes | None:
        """The accepted checkpoint's bytes: what to keep for the next run."""
        return self._accepted.note.encode() if self._accepted else None

    def refresh(self) -> OpenedCheckpoint:
        """Take, check and accept the latest checkpoint; gives it.

        Raises CheckFailed, with `cosigned_only` Refused("not-cosigned-yet"), and what the source raises.
        """
        opened = self._cosigned(self.size) if self._cosigned_only else self._open(self._latest())
        self._reader = self._continued(opened)
        self._accepted = opened
        return opened

    def new_entries(self) -> Iterator[tuple[int, bytes]]:
        """The entries up to the accepted checkpoint that were not taken over yet, with their indices.

        An entry counts as taken over once the next one is asked for: a consumer that fails gets it again. Raises
        CheckFailed(LOG).
        """
        if self._accepted is None:
            return
        for entry in self._reader_at(self._accepted).entries(self.position):
            yield self.position, entry
            self.position += 1

    def new_records(self, group: Group, keep: Callable[[Blob], None]) -> Iterator[list[Record]]:
        """As `new_entries`, parsed, and many at once; `keep` is called with each blob that a record names, and fetches
        it where it is missing.

        What is good comes before what fails is raised: CheckFailed(CANONICAL, LOG) with the place, and what `keep`
        raises.
        """
        if self._accepted is None:
            return
        entries = self._reader_at(self._accepted).entries(self.position)
        while portion := list(islice(entries, PORTION)):
            good: list[Record] = []
            problem: Exception | None = None
            try:
                for record in parse_all(portion, group):
                    for ref in () if record.type == "ballot" else blob_refs(record.body):
                        keep(ref)
                    good.append(record)
            except CheckFailed as failure:
                where = f"{self.name}/{self.position + len(good)}"
                problem = failure.located(where=where, party=WRITERS[self.name])
            except Exception as error:
                problem = error
            if good:
                yield good
                self.position += len(good)
            if problem is not None:
                raise problem

    def blob(self, ref: Blob) -> bytes:
        """A blob that a record names. Raises CheckFailed(BLOB-DIGEST) where it is not served or is another."""
        where = f"blob/{ref.sha256}"
        if ref.size > MAX_BLOB_BYTES:
            raise self._failure(Check.BLOB_DIGEST, "larger than any blob may be", where)
        try:
            data = self.source.blob(ref.sha256, ref.size)
            check_blob(ref, data)
        except FileNotFoundError:
            raise self._failure(Check.BLOB_DIGEST, "not served", where) from None
        except CheckFailed as failure:
            raise failure.located(where=where, party=WRITERS[self.name]) from None
        return data

    def latest_size(self) -> int:
        """The number of entries of the latest checkpoint that the log has signed, cosigned or not. It is not accepted.

        Raises CheckFailed(NOTE) and what the source raises.
        """
        return self._open(self._latest()).size

    def cosigned(self, size: int) -> str:
        """A checkpoint of at least `size` entries that a quorum cosigned, as the text that a gate carries.

        It agrees with what was accepted. Raises Refused("not-cosigned-yet"), which names the missing auditors.
        """
        opened = self._cosigned(size)
        accepted = self._accepted
        if accepted is None or opened.size > accepted.size:
            self._continued(opened)
        elif self._reader_at(accepted).root_at(opened.size) != opened.root:
            raise self._failure(Check.CHECKPOINT, f"a second log of {opened.size} entries is cosigned")
        return opened.known_lines(self.vkey).encode().decode()

    def waiting(self) -> Refused | None:
        """Refused("not-cosigned-yet"), which names the missing auditors, where the log goes on beyond what is accepted.

        None where it does not. Raises CheckFailed and what the source raises.
        """
        latest = self._open(self._latest())
        if latest.size <= self.size:
            return None
        return self._not_cosigned(latest.size)

    # --- taking checkpoints -------------------------------------------------------------------------------------

    def _latest(self) -> bytes:
        try:
            return self.source.checkpoint()
        except FileNotFoundError:
            raise self._failure(Check.NOTE, "no checkpoint is served") from None

    def _cosigned(self, size: int) -> OpenedCheckpoint:
        try:
            opened = self._open(self.source.checkpoint(cosigned=True, covering=size))
            require_quorum(opened, self._auditors, self._quorum)
        except RemoteProblem as problem:
            if problem.code != "not-cosigned-yet":
                raise
        except FileNotFoundError:
            raise self._failure(Check.NOTE, "no checkpoint is served") from None
        except CheckFailed as failure:
            # A stick holds what it holds: too few cosignatures there is a matter of waiting, not of a fault.
            if failure.check is not Check.GATE:
                raise
        else:
            if opened.size >= size:
                return opened
        raise self._not_cosigned(size)

    def _not_cosigned(self, size: int) -> Refused:
        """Names the auditors that have not cosigned the latest checkpoint."""
        missing = set(self._auditors) - auditors_of(self._open(self._latest()), self._auditors)
        return Refused("not-cosigned-yet", log=self.name, size=size, missing=", ".join(sorted(missing)) or "—")

    def _open(self, note: bytes) -> OpenedCheckpoint:
        try:
            return open_checkpoint(note, self.vkey, self._witnesses)
        except CheckFailed as failure:
            raise failure.located(where=f"{self.name}/checkpoint", party=WRITERS[self.name]) from None

    def _continued(self, opened: OpenedCheckpoint) -> LogReader:
        """A reader of the log at `opened`, after checking that what was accepted is its beginning."""
        accepted = self._accepted
        if accepted is not None and opened.size < accepted.size:
            raise self._failure(Check.CHECKPOINT, f"the log went back from {accepted.size} to {opened.size} entries")
        if accepted is not None and opened.size == accepted.size and opened.root != accepted.root:
            raise self._failure(Check.CHECKPOINT, f"two roots for {accepted.size} entries")
        reader = self._reader_at(opened)
        if accepted is not None and reader.root_at(accepted.size) != accepted.root:
            detail = f"the log of {opened.size} entries does not continue the one of {accepted.size}"
            raise self._failure(Check.CHECKPOINT, detail)
        return reader

    def _reader_at(self, opened: OpenedCheckpoint) -> LogReader:
        """A reader of exactly this checkpoint, the one at hand where it is."""
        if self._reader is not None and self._reader.checkpoint == opened.checkpoint:
            return self._reader
        party = WRITERS[self.name]
        return LogReader(self.source.tile, opened.checkpoint, name=self.name, party=party, allow_full=True)

    def _failure(self, check: Check, detail: str, where: str | None = None) -> CheckFailed:
        return CheckFailed(check, detail, where=where or f"{self.name}/checkpoint", party=WRITERS[self.name])
