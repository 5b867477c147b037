"""What the ballot box does: take the roster, issue tokens, take ballots, give receipts, close.

Every act is safe to repeat; official acts run one after the other. A ballot is answered only after its commit.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from ballot import core
from ballot.node import BallotNode
from ballot.sessions import Session
from ballot.settings import BallotSettings
from ballot.store import Account, BallotStore
from ballot.tables import COMPONENT
from vemre import group as groups
from vemre import messages
from vemre.crypto import tracker
from vemre.election import drafts
from vemre.election.rules import ballots as rules
from vemre.election.rules import engine, keygen, roll
from vemre.election.rules.view import View
from vemre.errors import CheckFailed, Refused
from vemre.log.checkpoint import SignedCheckpoint
from vemre.log.note import Note
from vemre.records.fields import format_time
from vemre.records.record import Record, plain
from vemre.service import official
from vemre.service.node import Appended
from vemre.service.outbox import Delivery, Outbox, send_by_settings
from vemre.service.station import Station

COMPONENTS: Final = (COMPONENT,)
BATCH: Final = 500
MAX_ROSTER_BYTES: Final = 512 << 20
_REFRESH_SECONDS: Final = 3


@dataclass(frozen=True)
class Taken:
    """A ballot in the log, and its receipt as it was first given."""

    appended: Appended
    receipt: bytes

    @property
    def tracker(self) -> str:
        """The short form of the leaf hash."""
        return tracker.shown(self.appended.leaf_hash)


@dataclass(frozen=True)
class TokensIssued:
    """What issuing did: new tokens, deliveries that were sent, and those that wait in the outbox."""

    issued: int
    sent: int
    waiting: int


class BallotBox:
    """The ballot box's acts over its rows and its log."""

    def __init__(self, station: Station[BallotNode], settings: BallotSettings) -> None:
        self._station = station
        self._settings = settings
        self._node = station.node
        self.store = BallotStore(station.engine, settings.vault)
        self._outbox = Outbox(settings.outbox)
        self._one_act = asyncio.Lock()
        # Proofs are arithmetic: more threads than processors would only make everybody wait longer.
        self._checkers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="checker")
        self._refreshed = 0

    # --- accounts -------------------------------------------------------------------------------------------------

    async def take_roster(self, accounts: list[Account] | None) -> int:
        """Take the registry's roster, fetched where none is given; gives the number of new accounts.

        It must be the published roll, voter by voter: Refused("roster-mismatch"), Refused("roll-not-published").
        """
        async with self._one_act:
            await run_in_threadpool(self._node.sync)
            found = accounts if accounts is not None else await run_in_threadpool(self._fetch_roster)
            self._node.look(lambda view: _check_roster(view, found))
            return await run_in_threadpool(self.store.take_roster, found)

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

    async def issue_tokens(self) -> TokensIssued:
        """A token for every account that has none; deliveries go out."""
        async with self._one_act:
            lacking = await run_in_threadpool(self.store.without_token)
            for start in range(0, len(lacking), BATCH):
                await run_in_threadpool(self._issue, lacking[start : start + BATCH])
            sent, waiting = await run_in_threadpool(self._send)
            return TokensIssued(len(lacking), sent, waiting)

    def _issue(self, accounts: list[Account]) -> None:
        made = []
        for account in accounts:
            token = official.new_token(self._station.random)
            texts = [messages.text("mail-token", language, token=token) for language in messages.LANGUAGES]
            subject = " / ".join(messages.text("mail-token-subject", language) for language in messages.LANGUAGES)
            self._outbox.put(Delivery(account.pseudonym, account.contact, subject, "\n\n".join(texts), token))
            made.append((account.pseudonym, official.digest(token)))
        self._outbox.sync()
        self.store.add_tokens(made, self._station.clock())

    def _send(self) -> tuple[int, int]:
        digests = self.store.digests()
        waiting = 0
        for delivery in self._outbox.waiting():
            if digests.get(delivery.name) == official.digest(delivery.secret):
                waiting += 1
            else:
                # Made by an act that did not come to its end.
                self._outbox.remove(delivery.name)
        return send_by_settings(self._outbox, self._settings) or (0, waiting)

    # --- casting --------------------------------------------------------------------------------------------------

    async def cast(self, entry: bytes, session: Session) -> Taken:
        """Take a ballot; the same bytes again get the same receipt. Raises CheckFailed and Refused."""
        loop = asyncio.get_running_loop()
        record = await loop.run_in_executor(self._checkers, core.read_ballot, entry, self._station.store.origin)
        core.check_account(record, session)
        known = self._node.find(record)
        if known is None:
            known = await self._take(record, session)
        return Taken(known, await run_in_threadpool(self._first_receipt, known.index))

    async def _take(self, record: Record, session: Session) -> Appended:
        state, window = await run_in_threadpool(self._node.begin)
        try:
            core.check_open(self._node.own)
            window.check(self._station.clock(), session)
            self._node.check_early(record)
            group, random = groups.load(), self._station.random
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._checkers, core.check_alone, group, random, state, record)
            return await self._node.cast(record, session)
        except Refused as refused:
            if refused.code == "voting-closed":
                await run_in_threadpool(self._note_late, state, record)
            raise

    def _note_late(self, state: rules.BallotState, record: Record) -> None:
        """Count a ballot that was in order but for the time, once for each credential. It is not kept."""
        try:
            core.check_free(self._node.own, state, record)
            rules.check_context(state, record)
            rules.check_signature(state, record)
        except (CheckFailed, Refused):
            return
        self.store.note_late(bytes.fromhex(record.signer), self._station.clock())

    def _first_receipt(self, index: int) -> bytes:
        """The receipt with the log's signature alone: what was sent first, byte by byte."""
        store = self._station.store
        receipt = store.receipt(index)
        signed = SignedCheckpoint.parse(receipt.checkpoint)
        own = Note(signed.note.text, (signed.log_line(store.vkey),))
        return replace(receipt, checkpoint=own.encode(), extra=store.leaf_hash(index)).encode()

    def receipt(self, leaf_hash: bytes, size: int | None = None) -> tuple[bytes, bool]:
        """The best receipt there is by now, and whether a quorum of auditors stands behind it. Blocking.

        It is that of the latest checkpoint with a quorum, else of the one with the most auditors. `size` names another
        checkpoint. Raises Refused("not-found"), Refused("no-such-receipt") for a size that was not signed or does not
        cover the ballot.
        """
        store = self._station.store
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
        if not view.tally.records:
            raise Refused("no-manifest")
        manifest, key = view.manifest, keygen.joint_key(view) if view.context else None
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
        self._checkers.shutdown(wait=False, cancel_futures=True)


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


def _closed(view: View) -> Appended | None:
    index = view.ballot.first("close")
    return None if index is None else Appended(index, view.ballot.records[index].leaf_hash, new=False)
