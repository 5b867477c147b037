"""Which ballots came too late to be cosigned. Source: protocol, section 12; docs/spec/interpretations.md.

After the end (close and grace of the manifest) a witness cosigns no further ballot: none beyond what it had seen signed
by then, unless another auditor's cosignature shows that it was there in time, or the auditor's people admit it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from audit.witness.election import Election
from audit.witness.store import InTime, Store
from vemre.log.checkpoint import OpenedCheckpoint
from vemre.log.note import Vkey
from vemre.records.fields import parse_time
from vemre.types import LogName

_BALLOT: Final[LogName] = "ballot"


class Lateness:
    """Judges the ballot log. Any thread may ask; `hear` is for the thread that follows."""

    def __init__(self, election: Election, store: Store, own_role: str | None) -> None:
        self._election = election
        self._store = store
        auditors = election.anchors.witnesses
        own = {key.public for key in auditors.get(own_role or "", ())}
        self._auditor_of: Mapping[Vkey, str] = {
            key: role for role, keys in auditors.items() for key in keys if key.public not in own
        }
        self._origin = election.anchors.logs[_BALLOT].name

    @property
    def end(self) -> int | None:
        """The second from which ballots are late; None while no manifest is verified."""
        if self._election.size("tally") == 0:
            return None
        manifest = self._election.view.manifest
        return parse_time(manifest.timeline.closes) + manifest.policy.grace_seconds

    def refuses(self, size: int, now: int) -> bool:
        """Whether a checkpoint of `size` verified entries holds a late ballot."""
        end = self.end
        if end is None or now < end:
            return False
        ballots = self._election.view.ballot.indices("ballot")
        place = bisect_left(ballots, self.in_time(end))
        return place < len(ballots) and ballots[place] < size

    def in_time(self, end: int) -> int:
        """How many entries of the ballot log count as in time."""
        known = self._election.size(_BALLOT)
        seen = self._store.seen_before(self._origin, end, known)
        own = seen[0] if seen is not None and self._election.root(_BALLOT, seen[0]) == seen[1] else 0
        return max([own, *(noted.size for noted in self._store.in_time())])

    def hear(self, opened: OpenedCheckpoint, now: int) -> None:
        """Take other auditors' cosignatures on a checkpoint of the ballot log into account."""
        end = self.end
        if end is None or now < end or opened.size > self._election.size(_BALLOT):
            return
        if self._election.root(_BALLOT, opened.size) != opened.root or opened.size <= self.in_time(end):
            return
        for key, time in opened.cosigners.items():
            role = self._auditor_of.get(key)
            if role is not None and time < end:
                self._store.note_in_time(InTime("auditor", opened.size, now, f"{role}: {time}"))
                return
