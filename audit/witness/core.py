"""What a verifying witness decides, without any input or output.

A checkpoint is cosigned only if it is new, continues what was cosigned before, and every entry below it was verified.
The last is the caller's part: it gives the entries that the rules accepted. Source: protocol, section 12; C2SP
tlog-witness v1.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.checkpoint import OpenedCheckpoint
from vemre.log.merkle import EMPTY_ROOT, Frontier
from vemre.log.note import Vkey
from vemre.records.record import Record


@dataclass(frozen=True)
class Kept:
    """What a witness remembers of a log: the last checkpoint it cosigned, the note itself, and when."""

    origin: str
    size: int
    root: bytes
    note: str
    time: int


def nothing_kept(origin: str) -> Kept:
    """The memory of a witness that has not cosigned this log yet."""
    return Kept(origin, 0, EMPTY_ROOT, "", 0)


class Roots:
    """The roots of a growing log at the sizes asked for, each entry hashed once as long as the sizes grow."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._frontier = Frontier()

    def at(self, size: int) -> bytes:
        """The root of the first `size` entries. Raises IndexError where there are fewer."""
        if size < self._frontier.size:
            self._frontier = Frontier()
        while self._frontier.size < size:
            self._frontier.append(self._records[self._frontier.size].leaf_hash)
        return self._frontier.root()


def decide(kept: Kept, offered: OpenedCheckpoint, verified: Roots, own: Vkey) -> bool:
    """Whether to cosign the offered checkpoint, whose entries were all verified.

    False where it bears this witness's cosignature already, or says nothing new. Raises CheckFailed(CHECKPOINT) where
    it contradicts what was cosigned before, or its own entries: then it must never be cosigned.
    """
    if offered.origin != kept.origin:
        raise CheckFailed(Check.CHECKPOINT, "a checkpoint of another log")
    if offered.size < kept.size:
        problem = f"the log went back from {kept.size} to {offered.size} entries"
        raise CheckFailed(Check.CHECKPOINT, problem)
    if verified.at(kept.size) != kept.root:
        problem = f"the log of {offered.size} entries does not continue the one of {kept.size} that was cosigned"
        raise CheckFailed(Check.CHECKPOINT, problem)
    if verified.at(offered.size) != offered.root:
        raise CheckFailed(Check.CHECKPOINT, f"the root is not that of the {offered.size} entries")
    return own not in offered.cosigners


def keep(kept: Kept, offered: OpenedCheckpoint, now: int) -> Kept:
    """The memory after cosigning. A witness's times never go back, whatever its clock does."""
    note = offered.note.encode().decode()
    return Kept(kept.origin, offered.size, offered.root, note, max(now, kept.time))
