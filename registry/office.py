"""What the registry does: import, issue, publish, reissue, block, hand over the roster, mark.

Each act is safe to repeat, and acts run one after the other. The secret of a credential exists here only between its
making and the outbox.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from typing_extensions import TypedDict

from registry.core import Import, Known, read_roll
from registry.places import urn_of
from registry.settings import RegistrySettings
from registry.store import Blocked, Enrolled, RegistryStore, Reissue
from registry.tables import COMPONENT
from vemre import messages
from vemre.checks import Check
from vemre.crypto.credential import Credential
from vemre.election import drafts
from vemre.election.rules.view import View
from vemre.errors import Refused
from vemre.messages import RemoteProblem
from vemre.records import bundle
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.service.node import Appended, ElectionNode
from vemre.service.outbox import Delivery, Outbox, send_by_settings
from vemre.service.station import Station

Reason = Literal["post", "in-person", "withdrawn"]
BATCH: Final = 500
"""Credentials that become durable together."""
COMPONENTS: Final = (COMPONENT,)


class RosterEntry(TypedDict):
    """What the ballot box learns of a voter."""

    pseudonym: str
    urn: str
    contact: str
    phone: str
    credential: str


@dataclass(frozen=True)
class Issued:
    """What issuing did: new credentials, deliveries that were sent, and those that wait in the outbox."""

    issued: int
    sent: int
    waiting: int


class Office:
    """The registry's acts over its rows and its log."""

    def __init__(self, station: Station[ElectionNode], settings: RegistrySettings) -> None:
        self._station = station
        self._settings = settings
        self._node = station.node
        self._election_id = station.identity.election_id
        self.store = RegistryStore(station.engine)
        self._outbox = Outbox(settings.outbox)
        self._ballot = station.client("ballot") if settings.ballot_url else None
        self._one_act = asyncio.Lock()

    # --- the roll -----------------------------------------------------------------------------------------------

    async def import_roll(self, data: bytes, request: str) -> Import:
        """Take a roll file whole. Raises RollRefused, Refused("roll-published") for new voters after the roll."""

        def read(known: Known) -> Import:
            urns = self._node.look(lambda view: [u.id for u in view.offer.urns] if view.tally.records else None)
            found = read_roll(data, known, urns)
            if found.new and self._node.own.first("roll") is not None:
                raise Refused("roll-published")
            return found

        async with self._one_act:
            await run_in_threadpool(self._node.sync)
            found = await run_in_threadpool(self.store.import_roll, read, lambda: secrets.token_hex(16))
            await self._note("import", len(found.new) + found.unchanged, request)
            return found

    async def issue(self, request: str) -> Issued:
        """A credential for every voter with the Internet modality who has none; deliveries go out.

        Raises Refused("roll-published") where the roll is out and somebody has none.
        """
        async with self._one_act:
            lacking = [voter for voter in await run_in_threadpool(self.store.enrolled) if voter.credential is None]
            if lacking and self._node.own.first("roll") is not None:
                raise Refused("roll-published")
            await self._note("issue", len(lacking), request)
            for start in range(0, len(lacking), BATCH):
                await run_in_threadpool(self._issue, lacking[start : start + BATCH])
            sent, waiting = await run_in_threadpool(self._send)
            return Issued(len(lacking), sent, waiting)

    def _issue(self, voters: list[Enrolled]) -> None:
        """The deliveries are durable before the credentials count: a secret may be made in vain, never be lost."""
        made = [(voter.voter, self._deliver(voter)) for voter in voters]
        self._outbox.sync()
        self.store.add_credentials(made, self._station.clock())

    def _deliver(self, voter: Enrolled) -> bytes:
        """Make a credential and put it into the outbox; gives its public half."""
        credential = Credential.generate(self._station.random)
        shown = credential.shown()
        texts = [messages.text("mail-credential", language, credential=shown) for language in messages.LANGUAGES]
        subject = " / ".join(messages.text("mail-credential-subject", language) for language in messages.LANGUAGES)
        self._outbox.put(Delivery(voter.pseudonym, voter.email, subject, "\n\n".join(texts), shown))
        return credential.signing_key(self._election_id).public

    def _send(self) -> tuple[int, int]:
        """Send what waits through the mail server, if there is one; gives how many were sent and how many wait."""
        current = {voter.pseudonym: voter.credential for voter in self.store.enrolled()}
        waiting = 0
        for delivery in self._outbox.waiting():
            public = Credential.parse(delivery.secret).signing_key(self._election_id).public
            if current.get(delivery.name) == public:
                waiting += 1
            else:
                # Made by an act that did not come to its end.
                self._outbox.remove(delivery.name)
        return send_by_settings(self._outbox, self._settings) or (0, waiting)

    async def publish(self, request: str) -> Appended:
        """Put the roll of public credentials into the log.

        Raises Refused: "no-manifest", "credentials-missing", "entity-without-urn", "roll-empty".
        """
        async with self._one_act:
            published = self._standing("roll")
            if published is not None:
                return published
            voters = await run_in_threadpool(self.store.enrolled)
            await self._note("roll", len(voters), request)
            if not voters:
                raise Refused("roll-empty")
            lacking = sum(voter.credential is None for voter in voters)
            if lacking:
                raise Refused("credentials-missing", count=lacking)

            def make(view: View) -> drafts.Draft:
                if not view.tally.records:
                    raise Refused("no-manifest")
                return drafts.roll(view.offer, _by_urn(voters, [urn.id for urn in view.offer.urns]))

            return await self._node.append_own(make)

    async def reissue(self, folio: str, identifier: str, request: str) -> Appended | None:
        """A new credential for a voter in place of the old; None where the roll is not out yet, so that no record
        tells of it. The same `identifier` again changes nothing.

        Raises Refused: "voter-unknown", "request-used", "credentials-missing", "roll-frozen" once the setup stands.
        """
        async with self._one_act:
            voter = await self._voter(folio)
            done = await run_in_threadpool(self.store.reissued, identifier)
            if done is not None:
                if done.voter != voter.voter:
                    raise Refused("request-used")
                return self._replacement(done)
            old = voter.credential
            if old is None:
                raise Refused("credentials-missing", count=1)
            await run_in_threadpool(self._node.sync)
            self._node.look(_not_frozen)
            await self._note("reissue", 1, request)
            new = await run_in_threadpool(self._deliver, voter)
            await run_in_threadpool(self._outbox.sync)
            try:
                appended = await self._replace(voter, identifier, Reissue(voter.voter, old, new))
            except Exception:
                self._outbox.remove(voter.pseudonym)
                raise
            await run_in_threadpool(self._send)
            return appended

    async def _replace(self, voter: Enrolled, identifier: str, change: Reissue) -> Appended | None:
        now = self._station.clock()

        def rows(connection: Connection) -> None:
            self.store.reissue(identifier, change, now, connection)

        def make(view: View) -> drafts.Draft:
            _not_frozen(view)
            urn = _urn(voter, [urn.id for urn in view.offer.urns])
            return drafts.Draft(s.RollReplace(urn, change.old.hex(), change.new.hex()))

        if self._node.own.first("roll") is None:
            await run_in_threadpool(self.store.reissue, identifier, change, now)
            return None
        return await self._node.append_own(make, rows)

    def _replacement(self, done: Reissue) -> Appended | None:
        """Where the record of an earlier reissue stands."""

        def find(view: View) -> Appended | None:
            for index, record, body in view.registry.of(s.RollReplace):
                if body.new == done.new.hex():
                    return Appended(index, record.leaf_hash, new=False)
            return None

        return self._node.look(find)

    # --- while voting goes on -------------------------------------------------------------------------------------

    async def block(self, folio: str, reason: Reason, request: str) -> int:
        """Use a voter's credential up, since the vote came by another channel; gives the place in the ballot log.

        Raises Refused: "voter-unknown", "credentials-missing", "no-setup", "already-blocked" for another reason,
        "already-voted-online" where the ballot came first, "box-not-open"; Unreachable.
        """
        async with self._one_act:
            voter = await self._voter(folio)
            order = await run_in_threadpool(self.store.blocked, voter.voter)
            if order is None:
                await run_in_threadpool(self._node.sync)
                order = await run_in_threadpool(self._order, voter, reason)
            if order.reason != reason:
                raise Refused("already-blocked", reason=order.reason)
            if order.position is not None:
                return order.position
            await self._note("block", 1, request)
            position = await run_in_threadpool(self._submit_block, order)
            await run_in_threadpool(self.store.place_block, voter.voter, position)
            return position

    def _order(self, voter: Enrolled, reason: Reason) -> Blocked:
        if voter.credential is None:
            raise Refused("credentials-missing", count=1)
        context, urns = self._node.look(lambda view: (drafts.context_of(view), [u.id for u in view.offer.urns]))
        body = v.Block(context, _urn(voter, urns), voter.credential.hex(), reason)
        log, identity = self._station.anchors.logs["ballot"].name, self._station.identity
        entry = drafts.sign_entry(body, log=log, signer=identity.role, key=identity.sign)
        order = Blocked(voter.voter, reason, entry, None)
        self.store.add_block(order)
        return order

    def _submit_block(self, order: Blocked) -> int:
        if self._ballot is None:
            raise Refused("settings-unusable", fields="ballot_url")
        try:
            return int(self._ballot.submit(bundle.encode(order.entry))["index"])
        except RemoteProblem as problem:
            if problem.code in ("already-voted", f"check-{Check.BALLOT_ONCE.lower()}"):
                raise Refused("already-voted-online") from None
            if problem.code in ("box-not-open", "voting-closed"):
                raise Refused("box-not-open") from None
            raise

    async def roster(self, request: str) -> list[RosterEntry]:
        """What the ballot box needs to know of every voter. Raises Refused("roll-not-published")."""
        voters = await run_in_threadpool(self.store.enrolled)
        if self._node.own.first("roll") is None:
            raise Refused("roll-not-published")
        if not self._node.look(lambda view: view.tally.records):
            await run_in_threadpool(self._node.sync)
        urns = self._node.look(lambda view: [urn.id for urn in view.offer.urns])
        await self._note("roster", len(voters), request)
        return [
            RosterEntry(
                pseudonym=voter.pseudonym,
                urn=_urn(voter, urns),
                contact=voter.email,
                phone=voter.phone,
                credential=voter.credential.hex(),
            )
            for voter in voters
            if voter.credential is not None
        ]

    # --- after the close ------------------------------------------------------------------------------------------

    async def mark(self, request: str) -> Appended:
        """Mark who voted, and publish the counts. Raises Refused: "box-not-closed", "not-cosigned-yet"."""
        async with self._one_act:
            marked = self._standing("marks")
            if marked is not None:
                return marked
            await run_in_threadpool(self._node.sync)
            close, signers = self._node.look(_closed)
            checkpoint = await run_in_threadpool(self._node.cosigned_checkpoint_of, "ballot", close + 1)
            known = await run_in_threadpool(self.store.voters_of, signers)
            await self._note("marks", len(signers), request)
            unknown = len(set(signers) - set(known))
            if unknown:
                raise Refused("ballots-unknown", count=unknown)
            countries = drafts.countries_of([known[signer][1] for signer in signers])
            marks = [(known[signer][0], position) for signer, position in signers.items()]
            return await self._node.append_own(
                lambda view: drafts.marks(view, ballot=checkpoint, countries=countries),
                lambda connection: self.store.add_marks(connection, marks),
            )

    # --- shared ---------------------------------------------------------------------------------------------------

    def _standing(self, type_: str) -> Appended | None:
        """Where the one record of a type stands in our log."""

        def find(view: View) -> Appended | None:
            index = view.registry.first(type_)
            return None if index is None else Appended(index, view.registry.records[index].leaf_hash, new=False)

        return self._node.look(find)

    async def _voter(self, folio: str) -> Enrolled:
        voter = await run_in_threadpool(self.store.by_folio, folio)
        if voter is None:
            raise Refused("voter-unknown")
        return voter

    async def _note(self, act: str, voters: int, request: str) -> None:
        await run_in_threadpool(self.store.note_access, act, voters, request, self._station.clock())


def _not_frozen(view: View) -> None:
    if view.setup_index is not None:
        raise Refused("roll-frozen")


def _closed(view: View) -> tuple[int, dict[bytes, int]]:
    """The place of `close`, and of every ballot by its credential."""
    close = view.ballot.first("close")
    if close is None:
        raise Refused("box-not-closed")
    return close, {bytes.fromhex(record.signer): index for index, record, _ in view.ballot.of(v.Ballot)}


def _urn(voter: Enrolled, urns: list[str]) -> str:
    urn = urn_of(voter.entity, urns)
    if urn is None:
        raise Refused("entity-without-urn", count=1)
    return urn


def _by_urn(voters: list[Enrolled], urns: list[str]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = defaultdict(list)
    lost = 0
    for voter in voters:
        urn = urn_of(voter.entity, urns)
        if urn is None:
            lost += 1
        elif voter.credential is not None:
            found[urn].append(voter.credential)
    if lost:
        raise Refused("entity-without-urn", count=lost)
    return found
