"""What the ballot box does: take the roster, take ballots, give receipts, close. `ballot.access` lets voters in.

Every act is safe to repeat; official acts run one after the other. A ballot is answered only after its commit.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

import structlog
from starlette.concurrency import run_in_threadpool

from ballot import core
from ballot.access.addresses import user_key
from ballot.access.letters import Occasion
from ballot.core import Window
from ballot.intake import Intake
from ballot.node import BallotNode
from ballot.sessions import Sessions
from ballot.settings import BallotSettings
from ballot.store import Account, BallotStore
from ballot.tables import COMPONENT
from vemre.election import drafts
from vemre.election.rules import ballots as rules
from vemre.election.rules import engine, keygen, roll
from vemre.election.rules.view import View
from vemre.errors import CheckFailed, Refused
from vemre.messages import Unreachable
from vemre.records.fields import format_time
from vemre.records.record import Record, plain
from vemre.records.setup_bodies import Manifest
from vemre.service.node import Appended
from vemre.service.station import Station
from vemre.service.threads import seen_through

COMPONENTS: Final = (COMPONENT,)
MAX_ROSTER_BYTES: Final = 512 << 20
_REFRESH_SECONDS: Final = 3
_PREPARE_SECONDS: Final = 2.0
_logger = structlog.get_logger(__name__)


class BallotBox:
    """The ballot box's acts over its rows and its log."""

    def __init__(self, station: Station[BallotNode], settings: BallotSettings, sessions: Sessions) -> None:
        self._station = station
        self._settings = settings
        self._node = station.node
        self.store = BallotStore(station.engine, settings.vault)
        self._one_act = asyncio.Lock()
        self.intake = Intake(station, sessions, self._note_late)
        self._refreshed = 0

    # --- accounts -------------------------------------------------------------------------------------------------

    async def take_roster(self, accounts: list[Account] | None) -> int:
        """Take the registry's roster, fetched where none is given; gives the number of new accounts.

        It must be the published roll, voter by voter, each with an address of their own: Refused("roster-mismatch"),
        Refused("roll-not-published"), Refused("roster-address-twice").
        """
        async with self._one_act:
            await run_in_threadpool(self._node.sync)
            found = accounts if accounts is not None else await run_in_threadpool(self._fetch_roster)
            self._node.look(lambda view: _check_roster(view, found))
            await run_in_threadpool(self._check_addresses, found)
            return await run_in_threadpool(self.store.take_roster, found)

    def _check_addresses(self, accounts: list[Account]) -> None:
        """One address, one account: it is the name that voters sign in with."""
        users = {user_key(self.store.vault, account.contact) for account in accounts}
        if len(users) < len(accounts):
            raise Refused("roster-address-twice", accounts=len(accounts), addresses=len(users))

    def _fetch_roster(self) -> list[Account]:
        path = self._settings.roster_token_file
        if path is None:
            raise Refused("settings-unusable", fields="roster_token_file")
        with self._station.client("registry", path.read_text(encoding="ascii").strip()) as registry:
            answer = registry.decode(registry.request("GET", "/official/roster", limit=MAX_ROSTER_BYTES))
        try:
            return [read_account(entry) for entry in answer["entries"]]
        except (KeyError, TypeError, ValueError):
            raise Refused("roster-unreadable") from None

    def occasion(self, base: str) -> Occasion:
        """What letters with a link say; `base` is where the request for them came to. Raises Refused("no-manifest")."""
        address = self._station.settings.public_url or base
        return self._node.look(lambda view: Occasion.of(_manifest(view), Window.of(_manifest(view)).end, address))

    def over(self) -> bool:
        """Whether the vote has ended, by the clock or by its close."""
        if self._node.own.first("close") is not None:
            return True
        end = self._node.look(lambda view: Window.of(view.manifest).end if view.tally.records else None)
        return end is not None and self._station.clock() >= end

    async def prepare(self) -> None:
        """As soon as the box is open, learn what deciding on ballots takes, so that the first ballot does not wait for
        it: not even where this instance takes over from another."""
        while True:
            try:
                await seen_through(self._node.begin)
            except Refused:
                # Not open yet.
                pass
            except (CheckFailed, Unreachable) as error:
                _logger.warning("ballots-not-prepared", reason=str(error))
            else:
                return
            await asyncio.sleep(_PREPARE_SECONDS)

    def ballot_of(self, credential: bytes) -> bytes | None:
        """The leaf hash of the credential's ballot in the log. Blocking."""
        return self._node.ballot_of(credential)

    # --- casting --------------------------------------------------------------------------------------------------

    def _note_late(self, state: rules.BallotState, record: Record) -> None:
        """Count a ballot that was in order but for the time, once for each credential. It is not kept."""
        try:
            core.check_free(self._node.own, state, record)
            rules.check_context(state, record)
            rules.check_signature(state, record)
        except (CheckFailed, Refused):
            return
        self.store.note_late(bytes.fromhex(record.signer), self._station.clock())

    def receipt(self, leaf_hash: bytes, size: int | None = None) -> tuple[bytes, bool]:
        """The best receipt there is by now, and whether a quorum of auditors stands behind it. Blocking.

        It is that of the latest checkpoint with a quorum, else of the one with the most auditors. `size` names another
        checkpoint. Raises Refused("not-found"), Refused("no-such-receipt") for a size that was not signed or does not
        cover the ballot.
        """
        store = self._station.store
        index = self._node.own.find(leaf_hash)
        if index is None:
            self._node.freshen()
            index = self._node.own.find(leaf_hash)
        if index is None or index >= store.size:
            raise Refused("not-found")
        note, reached = self._note_for(index, size)
        return replace(store.receipt(index, note), extra=leaf_hash).encode(), reached

    def _note_for(self, index: int, size: int | None) -> tuple[bytes | None, bool]:
        """The checkpoint that a receipt is given at (None: the first over the entry), and whether it has its quorum."""
        store, anchors = self._station.store, self._station.anchors
        if size is not None:
            try:
                if size > index:
                    return store.checkpoint_at(size), False
            except ValueError:
                pass
            raise Refused("no-such-receipt", size=size, latest=store.size)
        for wanted in range(anchors.quorum, 0, -1):
            opened = store.latest_cosigned(anchors.witnesses, wanted, covering=index + 1)
            if opened is not None:
                return opened.note.encode(), wanted == anchors.quorum
        return None, False

    # --- the election ---------------------------------------------------------------------------------------------

    async def close(self) -> Appended:
        """End the vote. Raises Refused("too-early-to-close"), Refused("box-not-open")."""
        async with self._one_act:
            closed = self._node.look(_closed)
            if closed is not None:
                return closed
            _, window = await run_in_threadpool(self._node.begin)
            now = self._station.clock()
            if now < window.end:
                raise Refused("too-early-to-close", end=format_time(window.end))
            return await self._node.append_own(
                lambda view: drafts.close(view, now=self._station.clock(), late=self.store.late())
            )

    def turnout(self) -> dict[str, int]:
        """Ballots by urn: all that is told while voting goes on (REQ-20). Raises Refused("box-not-open")."""

        def count(view: View) -> dict[str, int]:
            if view.open is None:
                raise Refused("box-not-open")
            return view.ballots_by_urn()

        if self._node.own.first("open") is not None:
            self._node.begin()
        return self._node.look(count)

    def election(self) -> dict[str, Any]:
        """What a client needs to find its way; it verifies all of it against the logs. Blocking.

        Raises Refused("no-manifest").
        """
        if self._node.look(lambda view: view.context is None):
            self._refresh()
        return self._node.look(self._describe)

    def _refresh(self) -> None:
        """Look at the other logs, but not for every visitor."""
        now = self._station.clock()
        if now - self._refreshed >= _REFRESH_SECONDS:
            self._refreshed = now
            self._node.sync()

    def _describe(self, view: View) -> dict[str, Any]:
        manifest, key = _manifest(view), keygen.joint_key(view) if view.context else None
        settings, anchors = self._station.settings, self._station.anchors
        urls = {"registry": settings.registry_url, "ballot": None, "tally": settings.tally_url}
        return {
            "election_id": manifest.election_id,
            "name": plain(manifest.name),
            "timeline": plain(manifest.timeline),
            "stage": engine.stage_reached(view),
            "manifest": plain(manifest),
            "offer": plain(view.offer),
            "setup": plain(view.setup) if view.setup else None,
            "context": view.context.hex() if view.context else None,
            "joint_key": key.joint.encode().hex() if key else None,
            "logs": {name: {"vkey": str(vkey), "url": urls[name]} for name, vkey in anchors.logs.items()},
        }

    def shut(self) -> None:
        """End the threads."""
        self.intake.shut()


def read_account(entry: dict[str, str]) -> Account:
    """One entry of a roster. Raises KeyError, TypeError, ValueError."""
    if set(entry) != {"pseudonym", "urn", "contact", "phone", "credential"} or not all(
        isinstance(x, str) for x in entry.values()
    ):
        raise ValueError("not a roster entry")
    if len(entry["pseudonym"]) != 32 or len(entry["credential"]) != 64:
        raise ValueError("not a roster entry")
    bytes.fromhex(entry["pseudonym"])
    credential = bytes.fromhex(entry["credential"])
    return Account(entry["pseudonym"], entry["urn"], entry["contact"], entry["phone"], credential)


def _check_roster(view: View, accounts: list[Account]) -> None:
    """The roster names exactly the credentials of the roll, each in its urn, for distinct pseudonyms."""
    if view.registry.first("roll") is None:
        raise Refused("roll-not-published")
    if view.setup_index is not None:
        roll.check_frozen(view)
    expected = roll.current_roll(view).urn_of
    found = {account.credential: account.urn for account in accounts}
    pseudonyms = {account.pseudonym for account in accounts}
    if found != expected or not len(accounts) == len(found) == len(pseudonyms):
        raise Refused("roster-mismatch", roster=len(accounts), roll=len(expected))


def _manifest(view: View) -> Manifest:
    if not view.tally.records:
        raise Refused("no-manifest")
    return view.manifest


def _closed(view: View) -> Appended | None:
    index = view.ballot.first("close")
    return None if index is None else Appended(index, view.ballot.records[index].leaf_hash, new=False)
