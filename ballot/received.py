"""Tells voters that their vote was received, so that whoever did not vote learns that somebody did in their name.

Casting never waits for it: a walker goes over the entries that are committed, behind the casts, and puts a letter for
each ballot into the outbox. Up to where it went is kept in the database, after the letters are durable: a crash between
the two makes it write the last letters again, and none is left out.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

import structlog
from sqlalchemy import select, update

from ballot.node import BallotNode
from ballot.store import Account, BallotStore
from ballot.tables import account, told
from vemre.crypto import tracker
from vemre.election.rules.view import View
from vemre.records.fields import format_time
from vemre.records.record import Record
from vemre.service.delivery import Courier, Message, name_of
from vemre.service.station import Station
from vemre.service.threads import seen_through
from vemre.storage.engine import writing

BATCH: Final = 200
"""Entries that are walked over together."""
LOOK_SECONDS: Final = 30.0
"""How often the log is looked at even if nobody says that it grew."""
_PAUSE: Final = 5.0
_REST: Final = 4
"""The walker rests so many times as long as it worked."""
_logger = structlog.get_logger(__name__)


class Received:
    """The walker of one ballot box; goes as long as the station serves."""

    def __init__(self, station: Station[BallotNode], store: BallotStore, courier: Courier) -> None:
        self._station = station
        self._store = store
        self._courier = courier
        self._news = asyncio.Event()
        station.writer.on_commit(self._news.set)
        station.alongside(self.run)

    async def run(self) -> None:
        """Walk, until cancelled."""
        while True:
            self._news.clear()
            begun = time.monotonic()
            try:
                more = await seen_through(self.walk)
            except Exception as error:
                # A fault of ours, such as a full disk, must not end it: what was not told is told later.
                _logger.error("received-not-told", exc_info=error)
                await asyncio.sleep(_PAUSE)
                continue
            # A letter costs the disk more than its ballot did: where many vote at once, letters are late, not ballots.
            await asyncio.sleep(_REST * (time.monotonic() - begun))
            if not more:
                # Not `wait_for`: before Python 3.12 it swallows a cancellation that comes together with the news.
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._news.wait()

    def walk(self) -> bool:
        """Write the letters about the next entries; gives whether there are more. Blocking."""
        if not self._station.sequencer.holds:
            # The instance that writes the log writes the letters.
            return False
        start = self._position()
        stop = min(start + BATCH, self._station.store.size)
        if start >= stop:
            return False
        ballots = self._station.node.look(lambda view: _ballots(view, start, stop))
        voters = self._voters([bytes.fromhex(ballot.signer) for ballot in ballots])
        for ballot in ballots:
            voter = voters.get(ballot.signer)
            if voter is None:
                _logger.warning("received-without-account")
            else:
                self._courier.outbox.put(self._letter(ballot, voter))
        self._courier.outbox.sync()
        with writing(self._store.engine) as connection:
            # Another instance may have walked over the same entries.
            connection.execute(update(told).where(told.c.position == start).values(position=stop))
        self._courier.wake()
        return stop < self._station.store.size

    def _position(self) -> int:
        with self._store.engine.connect() as connection:
            return int(connection.execute(select(told.c.position)).scalar_one())

    def _voters(self, credentials: list[bytes]) -> dict[str, Account]:
        found = self._store.accounts(select(account).where(account.c.credential.in_(credentials)))
        return {voter.credential.hex(): voter for voter in found}

    def _letter(self, ballot: Record, voter: Account) -> Message:
        name = self._station.node.look(lambda view: view.manifest.name)
        values = {
            "tracker": tracker.shown(ballot.leaf_hash),
            "time": format_time(self._station.clock()),
            "election_es": name.es,
            "election_en": name.en,
        }
        return Message(name_of("received", ballot.leaf_hash.hex()), "mail", voter.contact, "received", values)


def _ballots(view: View, start: int, stop: int) -> list[Record]:
    return [record for record in view.ballot.records[start:stop] if record.type == "ballot"]
