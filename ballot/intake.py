"""The way of a ballot from a request to its receipt: many at a time, so that each costs little.

What waits is taken together: sessions, form and signatures one by one, the proofs of all as one equation, one turn in
the writer, one commit, one signed checkpoint, and every receipt from the same few hashes. A batch is whatever came
while the one before was under way, so a single ballot never waits for company. Nobody's ballot is judged by another's:
where an equation does not hold it is halved until each false one stands alone.

Nothing is answered before the commit. Where too many wait, the next one is refused at once and told to come again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from ballot import core
from ballot.node import BallotNode
from ballot.sessions import Session, Sessions
from vemre import group as groups
from vemre.crypto import tracker
from vemre.election.rules import ballots as rules
from vemre.election.rules.ballots import BallotState
from vemre.errors import CheckFailed, Refused
from vemre.log.checkpoint import SignedCheckpoint
from vemre.log.note import Note
from vemre.records.record import Record
from vemre.service.node import Appended
from vemre.service.official import unauthorized
from vemre.service.station import Station

MAX_BATCH: Final = 128
"""Ballots that are checked and committed together: more would only make the first wait for the last."""
MAX_WAITING: Final = 2048
"""Ballots that may wait; at the rate that is promised, some four seconds."""
_AT_ONCE: Final = 2
"""Batches under way: one is checked while the other is committed."""


@dataclass(frozen=True)
class Taken:
    """A ballot in the log, and its receipt as it was first given."""

    appended: Appended
    receipt: bytes

    @property
    def tracker(self) -> str:
        """The short form of the leaf hash."""
        return tracker.shown(self.appended.leaf_hash)


@dataclass
class _Case:
    """One request, and its result once it is decided."""

    entry: bytes
    token: str
    future: asyncio.Future[Taken]
    result: Taken | Exception | None = None

    def answer(self) -> None:
        """Tell whoever waits, if anybody still does."""
        if self.future.done():
            return
        if isinstance(self.result, Taken):
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.result or Refused("log-stopped"))


@dataclass(frozen=True)
class _Sound:
    """A ballot to which nothing is to be objected so far but what the writer decides."""

    case: _Case
    record: Record
    session: Session
    state: BallotState


class Intake:
    """Takes ballots for a node. `cast` is for the event loop."""

    def __init__(
        self, station: Station[BallotNode], sessions: Sessions, note_late: Callable[[BallotState, Record], None]
    ) -> None:
        """`note_late` counts a ballot that came after the end of voting."""
        self._sessions = sessions
        self._station = station
        self._node = station.node
        self._note_late = note_late
        self._waiting: deque[_Case] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="intake")

    async def cast(self, entry: bytes, token: str) -> Taken:
        """Take a ballot in the session of `token`; the same bytes again get the same receipt.

        Raises HTTPException 401 without a session, CheckFailed, Refused; Refused("log-busy") where too many wait,
        Refused("log-elsewhere") where another instance takes ballots.
        """
        self._node.check_writes()
        if len(self._waiting) >= MAX_WAITING:
            raise Refused("log-busy")
        case = _Case(entry, token, asyncio.get_running_loop().create_future())
        self._waiting.append(case)
        if len(self._under_way) < _AT_ONCE:
            task = asyncio.create_task(self._take_waiting())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return await case.future

    def shut(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    # --- a batch --------------------------------------------------------------------------------------------------

    async def _take_waiting(self) -> None:
        while self._waiting:
            drawn = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            # Whoever went away before the turn came is not served; after it, the ballot is committed anyhow.
            batch = [case for case in drawn if not case.future.done()]
            try:
                await self._take(batch)
            except Exception as error:
                for case in batch:
                    case.result = case.result or error
            for case in batch:
                case.answer()

    async def _take(self, batch: list[_Case]) -> None:
        """Give every case its result; what is raised is the result of those that have none."""
        loop = asyncio.get_running_loop()
        sound = await loop.run_in_executor(self._threads, self._check, batch)
        if not sound:
            return
        committed = await self._node.cast([(ballot.record, ballot.session) for ballot in sound])
        new = committed.indices
        receipts = dict(zip(new, self._node.store.receipts(new, committed.note), strict=True))
        for ballot, outcome in zip(sound, committed.value, strict=True):
            if isinstance(outcome, Exception):
                ballot.case.result = outcome
                await loop.run_in_executor(self._threads, self._count_late, ballot)
            elif outcome.index in receipts:
                receipt = replace(receipts[outcome.index], extra=outcome.leaf_hash)
                ballot.case.result = Taken(outcome, receipt.encode())
            else:
                ballot.case.result = await loop.run_in_executor(self._threads, self._known, outcome)

    def _check(self, batch: Sequence[_Case]) -> list[_Sound]:
        """In a thread: decide what can be decided without the writer; gives what is left for it."""
        sound = []
        sessions = self._sessions.find_all([case.token for case in batch])
        for case, session in zip(batch, sessions, strict=True):
            try:
                found = self._check_one(case, session)
            except Exception as error:
                case.result = error
            else:
                if found is not None:
                    sound.append(found)
        return self._proved(sound)

    def _check_one(self, case: _Case, session: Session | None) -> _Sound | None:
        """Everything about one ballot but its proofs; None where it is in the log already."""
        if session is None:
            raise unauthorized()
        record = core.read_ballot(case.entry, self._node.store.origin, groups.load())
        core.check_account(record, session)
        known = self._node.find(record)
        if known is not None:
            case.result = self._known(known)
            return None
        state, window = self._node.begin()
        ballot = _Sound(case, record, session, state)
        try:
            core.check_open(self._node.own)
            window.check(self._station.clock(), session)
        except Refused as refused:
            case.result = refused
            self._count_late(ballot)
            return None
        self._node.check_early(record)
        core.check_form(state, record)
        return ballot

    def _proved(self, sound: list[_Sound]) -> list[_Sound]:
        """Those whose proofs hold. The others get what each is refused with alone."""
        if not sound:
            return []
        try:
            rules.check_proofs(
                groups.load(), self._station.random, sound[0].state, [("", ballot.record) for ballot in sound]
            )
        except CheckFailed as failure:
            if len(sound) == 1:
                sound[0].case.result = failure
                return []
            middle = len(sound) // 2
            return self._proved(sound[:middle]) + self._proved(sound[middle:])
        return sound

    def _count_late(self, ballot: _Sound) -> None:
        result = ballot.case.result
        if isinstance(result, Refused) and result.code == "voting-closed":
            self._note_late(ballot.state, ballot.record)

    def _known(self, appended: Appended) -> Taken:
        """The receipt of a ballot that was there: with the log's signature alone, as it was first sent, byte by
        byte."""
        store = self._node.store
        receipt = store.receipt(appended.index)
        signed = SignedCheckpoint.parse(receipt.checkpoint)
        own = Note(signed.note.text, (signed.log_line(store.vkey),))
        first = replace(receipt, checkpoint=own.encode(), extra=appended.leaf_hash)
        return Taken(appended, first.encode())
