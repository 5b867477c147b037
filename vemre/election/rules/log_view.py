"""The records of one log, in memory, as rules look at them."""

from __future__ import annotations

import heapq
import itertools
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar, cast

from vemre.log.merkle import Tree
from vemre.records.fields import Body
from vemre.records.kinds import KIND_OF_BODY
from vemre.records.record import Record
from vemre.types import WRITERS, LogName

B = TypeVar("B", bound=Body)


class Mark(NamedTuple):
    """A size of a log, and which of the entries that ever stood there is the last (0 where there is none)."""

    size: int
    serial: int


NOTHING: Final = Mark(0, 0)
"""The mark of every log before its first entry."""


class LogView:
    """The records of one log, in order, from the first."""

    def __init__(self, name: LogName, records: Iterable[Record] = ()) -> None:
        self.name = name
        self.records: list[Record] = []
        self._by_type: dict[str, list[int]] = {}
        self._by_leaf: dict[bytes, int] = {}
        self._tree = Tree()
        self._serials = array("Q")
        self._appended = 0
        for record in records:
            self.append(record)

    def __len__(self) -> int:
        return len(self.records)

    @property
    def writer(self) -> str:
        """The role that writes this log."""
        return WRITERS[self.name]

    def append(self, record: Record) -> None:
        """Add the next record."""
        index, leaf = len(self.records), record.leaf_hash
        self.records.append(record)
        self._by_type.setdefault(record.kind.name, []).append(index)
        self._by_leaf.setdefault(leaf, index)
        self._tree.append(leaf)
        self._appended += 1
        self._serials.append(self._appended)

    def extend(self, records: Sequence[Record]) -> None:
        """Add the next records, at a fraction of the cost of one after the other."""
        start, stop = len(self.records), len(self.records) + len(records)
        leaves = [record.leaf_hash for record in records]
        self.records += records
        self._tree.extend(leaves)
        self._serials.extend(range(self._appended + 1, self._appended + 1 + len(records)))
        self._appended += len(records)
        for index, leaf in zip(range(start, stop), leaves, strict=True):
            self._by_leaf.setdefault(leaf, index)
        for name, run in itertools.groupby(range(start, stop), lambda index: self.records[index].kind.name):
            self._by_type.setdefault(name, []).extend(run)

    def pop(self) -> None:
        """Take the last record away again (a candidate that was refused)."""
        record = self.records.pop()
        self._by_type[record.type].pop()
        if self._by_leaf.get(record.leaf_hash) == len(self.records):
            del self._by_leaf[record.leaf_hash]
        self._tree.truncate(len(self.records))
        self._serials.pop()

    def where(self, index: int) -> str:
        """The place of an entry, as reports write it."""
        return f"{self.name}/{index}"

    # --- finding records -----------------------------------------------------------------------------------

    def since(self, start: int, *types: str) -> Iterable[int]:
        """Positions from `start` on, in log order: of the records of these types, or of all where none is named.

        Costs by what it gives, whatever the log's size. The log must not change meanwhile.
        """
        if not types:
            return range(start, len(self.records))
        found = [places[bisect_left(places, start) :] for name in types if (places := self._by_type.get(name))]
        return found[0] if len(found) == 1 else heapq.merge(*found)

    def indices(self, *types: str) -> list[int]:
        """Positions of the records of these types, in log order."""
        return list(self.since(0, *types))

    def of(self, body: type[B]) -> Iterator[tuple[int, Record, B]]:
        """(position, record, body) of the records of the type that has this body, in log order."""
        for index in self._by_type.get(KIND_OF_BODY[body].name, ()):
            record = self.records[index]
            yield index, record, cast(B, record.body)

    def one(self, body: type[B]) -> B | None:
        """The body of the one record of a type, or None while there is none."""
        return next((found for _, _, found in self.of(body)), None)

    def first(self, type_: str) -> int | None:
        """Position of the first record of a type."""
        found = self._by_type.get(type_)
        return found[0] if found else None

    def last(self, *types: str) -> int | None:
        """Position of the last record that is of one of these types."""
        return max((places[-1] for name in types if (places := self._by_type.get(name))), default=None)

    def has(self, *types: str) -> bool:
        """Whether there is a record of one of these types."""
        return any(self._by_type.get(name) for name in types)

    def ordinal(self, index: int) -> int:
        """Which of the records of its type an entry is, counted from 1."""
        return bisect_right(self._by_type[self.records[index].type], index)

    def find(self, leaf_hash: bytes) -> int | None:
        """Position of the first entry with this leaf hash."""
        return self._by_leaf.get(leaf_hash)

    # --- what the log was ----------------------------------------------------------------------------------

    def root(self, size: int) -> bytes:
        """The RFC 6962 root of the first `size` entries. Raises ValueError where there are fewer."""
        return self._tree.root(size)

    def subtree(self, level: int, index: int) -> bytes:
        """The root of the entries from index * 2^level up to (index + 1) * 2^level - 1. Raises IndexError."""
        return self._tree.read(level, index)

    def mark(self, size: int) -> Mark:
        """A mark of the first `size` entries, by which `holds` knows them."""
        return Mark(size, self._serials[size - 1]) if size else NOTHING

    def holds(self, mark: Mark) -> bool:
        """Whether the log still has the entries of a mark: none of them was taken away since."""
        return mark.size <= len(self.records) and (not mark.size or self._serials[mark.size - 1] == mark.serial)
