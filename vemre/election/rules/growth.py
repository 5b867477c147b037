"""How rules follow logs that grow, so that each entry is looked at once.

A rule looks at what is new since every rule held the last time (`Settled`), and looks up what came before in tables
that grow with the logs (`Tables`). Entries may be taken away again, as a refused candidate is: marks tell.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from vemre.election.rules.log_view import NOTHING, LogView, Mark
from vemre.records.record import Record
from vemre.types import LogName

S = TypeVar("S")
T = TypeVar("T")


@dataclass
class _Table(Generic[S]):
    state: S
    mark: Mark
    """Just after the last record that was added."""


class Tables:
    """What rules look up about the records so far, under a name each."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table[Any]] = {}

    def follow(
        self,
        name: str,
        log: LogView,
        types: tuple[str, ...],
        start: Callable[[], S],
        add: Callable[[S, int, Record], None],
    ) -> S:
        """The table of that name, with every record of these types added in log order.

        Costs by what is new; where a record was taken away that had been added, the table is made anew. What `add`
        raises passes through. The caller must not change the table.
        """
        # Out of the way meanwhile: a table with half an entry must not stay.
        table: _Table[S] | None = self._tables.pop(name, None)
        if table is None or not log.holds(table.mark):
            table = _Table(start(), NOTHING)
        records, end = log.records, table.mark.size
        for index in log.since(end, *types):
            add(table.state, index, records[index])
            end = index + 1
        table.mark = log.mark(end)
        self._tables[name] = table
        return table.state


class Settled:
    """The prefix of the three logs in which all rules hold, and what rules keep of it.

    Rules over a settled prefix are not asked again: none of them, once it holds, can be broken by later entries
    without one of those breaking a rule itself. (DRILL alone looks back; it does so by itself.)
    """

    def __init__(self, logs: Mapping[LogName, LogView]) -> None:
        self._logs = logs
        self._marks: dict[LogName, Mark] = {}
        self._kept: dict[str, object] = {}
        self._passed: dict[Hashable, Mark] = {}

    def size(self, name: LogName) -> int:
        """How many entries of a log are settled: none of any log, once a settled entry was taken away."""
        if not all(self._logs[log].holds(mark) for log, mark in self._marks.items()):
            self._marks.clear()
            self._kept.clear()
        return self._marks.get(name, NOTHING).size

    def settle(self) -> None:
        """All rules hold in what the logs have now."""
        self._marks = {name: log.mark(len(log)) for name, log in self._logs.items()}

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What a rule keeps under a name for as long as the settled prefix stands; made anew while nothing is."""
        if name not in self._kept or not self.size("tally"):
            self._kept[name] = make()
        return cast(T, self._kept[name])

    def passed(self, fact: Hashable, log: LogView) -> int:
        """The number of entries of a log up to which a costly fact was found to hold, settled or not."""
        mark = self._passed.get(fact, NOTHING)
        return max(self.size(log.name), mark.size if log.holds(mark) else 0)

    def note_passed(self, fact: Hashable, log: LogView, size: int) -> None:
        """The fact holds for the first `size` entries. It must depend on them and on what `fact` names alone."""
        self._passed[fact] = log.mark(size)
