"""The three logs of an election as a witness verifies them: portion by portion, each rule, durable before it counts.

Entries are taken from the logs in portions, brought to a state in which no record cites what is not there, verified
together with everything before them, and written to the mirror. Only then are they verified for anybody else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from audit.witness.evidence import Part
from audit.witness.feed import Contradiction, Feed
from audit.witness.mirror import Mirror
from audit.witness.store import Store
from vemre.checks import Check
from vemre.election.rules import cited
from vemre.election.rules.incremental import Incremental
from vemre.election.rules.view import Anchors, View
from vemre.errors import CheckFailed, Refused, StoreError, VemreError
from vemre.group import Group
from vemre.records.bundle import blob_refs
from vemre.records.record import Record, parse
from vemre.service.sources import LogSource
from vemre.types import LOG_NAMES, WRITERS, LogName, Random

_DIGEST_SHARE: Final = 20
"""The digest of the whole state is computed anew for at most one twentieth of the time."""


@dataclass(frozen=True)
class Shown:
    """The beginning of a log with what shows that the log signed it."""

    part: Part
    entries: list[bytes]


class Violated(Exception):
    """A signed entry breaks a rule. `shown` is what the logs signed; empty where that cannot be shown now."""

    def __init__(self, failure: CheckFailed, shown: Mapping[LogName, Shown]) -> None:
        super().__init__(failure)
        self.failure = failure
        self.shown = shown


@dataclass
class Round:
    """What came of one round of following. `waits` are the reasons why a log could not be followed further."""

    new: list[tuple[LogName, int, Record]] = field(default_factory=list)
    waits: dict[LogName, VemreError | OSError] = field(default_factory=dict)
    contradictions: list[tuple[LogName, Contradiction]] = field(default_factory=list)


class Election:
    """The verified election of one witness. `round` is for one thread; sizes and roots may be asked by any."""

    def __init__(
        self,
        anchors: Anchors,
        sources: Mapping[LogName, LogSource],
        mirror: Mirror,
        store: Store,
        group: Group,
        random: Random,
    ) -> None:
        """Takes up what the mirror holds, without verifying it again. Raises StoreError where it cannot be read."""
        self.anchors = anchors
        self.mirror = mirror
        self._store = store
        self.view = View(anchors, mirror.blob, group, random)
        for name in LOG_NAMES:
            for entry in mirror.logs[name].entries():
                try:
                    self.view.logs[name].append(parse(entry))
                except CheckFailed as failure:
                    raise StoreError(f"the mirror of the {name} log holds what is no record: {failure}") from None
        self._incremental = Incremental(self.view, verified={name: len(log) for name, log in self.view.logs.items()})
        witnesses = [key for keys in anchors.witnesses.values() for key in keys]
        self.feeds = {
            name: Feed(name, anchors.logs[name], witnesses, sources[name], mirror.logs[name], store)
            for name in LOG_NAMES
            if name in sources
        }
        self._digest_due = 0.0

    def size(self, name: LogName) -> int:
        """How many entries of a log are verified and durable."""
        return self.mirror.logs[name].tree.size

    def root(self, name: LogName, size: int) -> bytes:
        """The root of the first `size` verified entries. Raises ValueError where there are fewer."""
        return self.mirror.logs[name].tree.root(size)

    def advance(self, found: Round, pause: Callable[[], bool] = lambda: False) -> None:
        """Take and verify everything up to the feeds' targets. `pause` says whether to stop between two portions.

        Raises Violated. What keeps one log waiting is noted in `found`, and the others go on.
        """
        while not pause():
            for name, feed in self.feeds.items():
                if name not in found.waits:
                    self._take(name, feed, found)
            self._close_gaps(found)
            new = self._new()
            if not any(new.values()):
                return
            try:
                self._incremental.verify()
            except CheckFailed as failure:
                self._give_up(failure, found)
                return
            self._commit(new, found)

    def drop(self) -> None:
        """Forget what was taken and not verified."""
        for name, feed in self.feeds.items():
            self._cut(name, self.size(name))
            feed.pending.clear()

    def keep_digest(self) -> None:
        """Compute and keep the digest of the verified state, for a replay to compare with."""
        started = time.monotonic()
        self._store.keep_digest(self.mirror.id, self._incremental.digest(), self._incremental.verified)
        now = time.monotonic()
        self._digest_due = now + _DIGEST_SHARE * (now - started)

    # --- taking ---------------------------------------------------------------------------------------------

    def _take(self, name: LogName, feed: Feed, found: Round) -> bool:
        """The next portion of one log, parsed, with its blobs; gives whether there was anything."""
        log = self.view.logs[name]
        try:
            if len(log) == self.size(name) + len(feed.pending) and not feed.take():
                return False
        except (VemreError, OSError) as error:
            found.waits[name] = error
            return False
        for entry in feed.pending[len(log) - self.size(name) :]:
            try:
                record = parse(entry)
                refs = [] if record.type == "ballot" else blob_refs(record.body)
            except CheckFailed as failure:
                del feed.pending[len(log) - self.size(name) + 1 :]
                located = CheckFailed(failure.check, failure.detail, where=log.where(len(log)), party=WRITERS[name])
                shown = self._shown()
                self.drop()
                raise Violated(located, shown) from None
            try:
                for ref in refs:
                    if not self.mirror.blobs.has(ref.sha256):
                        self.mirror.blobs.put(feed.blob(ref))
            except (VemreError, OSError) as error:
                found.waits[name] = error
                del feed.pending[len(log) - self.size(name) :]
                break
            log.append(record)
        return True

    def _close_gaps(self, found: Round) -> None:
        """Take more of every log of which a record cites a later state; leave out for now what cites what is not to be
        had."""
        try:
            while ahead := cited.beyond(self.view):
                grown = [
                    name
                    for name in sorted(ahead)
                    if name in self.feeds and name not in found.waits and self._take(name, self.feeds[name], found)
                ]
                if not grown:
                    self._leave_out(found)
        except CheckFailed:
            # A checkpoint inside a record that cannot be read: verification says so, with everything before it.
            return

    def _leave_out(self, found: Round) -> None:
        for citation in cited.citations(self.view):
            if citation.checkpoint.size > len(self.view.logs[citation.cited]):
                name = citation.log.name
                self._cut(name, citation.index)
                del self.feeds[name].pending[max(0, citation.index - self.size(name)) :]
                found.waits.setdefault(name, Refused("logs-out-of-step"))
                return

    def _cut(self, name: LogName, size: int) -> None:
        log = self.view.logs[name]
        while len(log) > max(size, self.size(name)):
            log.pop()

    # --- verified -------------------------------------------------------------------------------------------

    def _new(self) -> dict[LogName, list[Record]]:
        if not self.view.tally.records:
            # Without a manifest there are no keys to judge anything by.
            for name in LOG_NAMES:
                self._cut(name, self.size(name))
            return {}
        return {name: self.view.logs[name].records[self.size(name) :] for name in LOG_NAMES}

    def _commit(self, new: Mapping[LogName, list[Record]], found: Round) -> None:
        """Durable in the mirror, then in the database, then told. Raises OSError, StoreError."""
        start = {name: self.size(name) for name in new}
        changed = {name: records for name, records in new.items() if records}
        for name, records in changed.items():
            self.mirror.logs[name].append([record.entry for record in records])
            self.feeds[name].pending = self.feeds[name].pending[len(records) :]
        sizes = {self.anchors.logs[name].name: (self.size(name), self.root(name, self.size(name))) for name in changed}
        self._store.advance(self.mirror.id, sizes)
        if time.monotonic() >= self._digest_due:
            self.keep_digest()
        for name, records in changed.items():
            found.new += [(name, start[name] + place, record) for place, record in enumerate(records)]

    def _give_up(self, failure: CheckFailed, found: Round) -> None:
        """A rule does not hold. A blob that is not there may come; everything else was signed. Raises Violated."""
        shown = {} if failure.check is Check.BLOB_DIGEST else self._shown()
        self.drop()
        if failure.check is Check.BLOB_DIGEST:
            for name in self.feeds:
                found.waits.setdefault(name, failure)
            return
        raise Violated(failure, shown)

    def _shown(self) -> dict[LogName, Shown]:
        """What shows that the logs signed what is at hand; nothing where that lacks for one of them."""
        found: dict[LogName, Shown] = {}
        for name, feed in self.feeds.items():
            if self.size(name) + len(feed.pending) == 0:
                continue
            part = feed.part()
            if part is None:
                return {}
            found[name] = Shown(part, [*self.mirror.logs[name].entries(), *feed.pending])
        return found
