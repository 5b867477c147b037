"""What the registry does with the roll: import, issue, publish, reissue, hand over the roster, mark.

Each act is safe to repeat, and acts run one after the other. The secret of a credential exists here only between its
making and the outbox.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from typing_extensions import TypedDict

from registry import enrolment
from registry.channels import Channels, closed, urn_of_voter
from registry.core import Import, Known, Voter, read_roll
from registry.enrolling import Enrolling
from registry.node import RegistryNode
from registry.places import urn_of
from registry.roles import By
from registry.settings import RegistrySettings
from registry.store import Enrolled, RegistryStore, Reissue
from registry.tables import COMPONENT
from vemre.crypto.credential import Credential
from vemre.election import drafts
from vemre.election.rules.view import View
from vemre.errors import CheckFailed, Refused
from vemre.records import setup_bodies as s
from vemre.service.node import Appended
from vemre.service.station import Station

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
    """What issuing did: new credentials, and how many letters wait in the outbox now."""

    issued: int
    waiting: int


class Office:
    """The registry's acts over its rows and its log."""

    def __init__(self, station: Station[RegistryNode], settings: RegistrySettings) -> None:
        self._station = station
        self._node = station.node
        self.store = RegistryStore(station.engine, settings.vault)
        self.enrolling = Enrolling(station, settings, self.store)
        self.letters = self.enrolling.letters
        self._one_act = asyncio.Lock()
        self.channels = Channels(station, settings, self.store, self._one_act)

    # --- the roll -----------------------------------------------------------------------------------------------

    async def import_roll(self, data: bytes, by: By) -> Import:
        """Take a roll file whole. Raises RollRefused; Refused("roll-published") or Refused("enrolment-frozen") for new
        voters."""

        def read(known: Known) -> Import:
            urns = self._node.look(lambda view: [u.id for u in view.offer.urns] if view.tally.records else None)
            found = read_roll(data, known, urns)
            if found.new and self._node.own.first("roll") is not None:
                raise Refused("roll-published")
            if found.new:
                enrolment.check_not_frozen(self.enrolling.frozen() is not None)
            return found

        def commit(connection: Connection, voters: Sequence[tuple[int, Voter]]) -> None:
            self.enrolling.commit_voters(connection, voters, "imported")

        async with self._one_act:
            await run_in_threadpool(self._node.sync)
            found = await run_in_threadpool(self.store.import_roll, read, lambda: secrets.token_hex(16), commit)
            await self.enrolling.ledger.write_some(everything=True)
            await self._note("import", len(found.new) + found.unchanged, by)
            return found

    async def issue(self, by: By) -> Issued:
        """A credential for every voter with the Internet modality who has none; deliveries go out.

        Raises Refused("roll-published") where the roll is out and somebody has none.
        """
        async with self._one_act:
            lacking = [voter for voter in await run_in_threadpool(self.store.enrolled) if voter.credential is None]
            if lacking and self._node.own.first("roll") is not None:
                raise Refused("roll-published")
            await self._note("issue", len(lacking), by)
            for start in range(0, len(lacking), BATCH):
                await run_in_threadpool(self._issue, lacking[start : start + BATCH])
            return Issued(len(lacking), await run_in_threadpool(self.letters.outbox.count))

    def _issue(self, voters: list[Enrolled]) -> None:
        """The letters are durable before the credentials count: a secret may be made in vain, never be lost."""
        made = [(voter.voter, self._deliver(voter)) for voter in voters]
        self.letters.outbox.sync()
        self.store.add_credentials(made, self._station.clock())
        self.letters.courier.wake()

    def _deliver(self, voter: Enrolled) -> bytes:
        """Make a credential and put it into the outbox; gives its public half."""
        return self.letters.credential(voter, Credential.generate(self._station.random))

    async def publish(self, by: By) -> Appended:
        """Put the roll of public credentials into the log. It is frozen then, all commitments before it.

        Raises Refused: "no-manifest", "credentials-missing", "entity-without-urn", "roll-empty",
        "applications-undecided" where it is not frozen yet and some have no answer.
        """
        async with self._one_act:
            published = self._standing("roll")
            if published is not None:
                return published
            voters = await run_in_threadpool(self.store.enrolled)
            await self._note("roll", len(voters), by)
            if not voters:
                raise Refused("roll-empty")
            lacking = sum(voter.credential is None for voter in voters)
            if lacking:
                raise Refused("credentials-missing", count=lacking)
            if self._node.look(lambda view: not view.tally.records):
                await run_in_threadpool(self._node.sync)
            self._node.look(_has_manifest)
            self._node.look(lambda view: _byurn_of_voter(voters, [urn.id for urn in view.offer.urns]))
            await self.enrolling.freeze(undecided=0)
            # What was accepted or changed between the two looks is on the roll, or keeps it from being published.
            voters = await run_in_threadpool(self.store.enrolled)
            if any(voter.credential is None for voter in voters):
                raise Refused("credentials-missing", count=sum(voter.credential is None for voter in voters))

            def make(view: View) -> drafts.Draft:
                return drafts.roll(view.offer, _byurn_of_voter(voters, [urn.id for urn in view.offer.urns]))

            return await self._node.append_own(make)

    async def reissue(self, folio: str, identifier: str, by: By) -> Appended | None:
        """A new credential for a voter in place of the old; None where the roll is not out yet, so that no record
        tells of it. The same `identifier` again changes nothing.

        Raises Refused: "voter-unknown", "request-used", "credentials-missing", "roll-frozen" once the setup stands.
        """
        async with self._one_act:
            voter = await run_in_threadpool(self.channels.voter, folio)
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
            await self._note("reissue", 1, by, voter.voter)
            new = await run_in_threadpool(self._deliver, voter)
            await run_in_threadpool(self.letters.outbox.sync)
            try:
                appended = await self._replace(voter, identifier, Reissue(voter.voter, old, new))
            except (CheckFailed, Refused) as error:
                # Where the outcome is not known the letter stays: it goes out if the credential turns out to count.
                if not (isinstance(error, Refused) and error.code == "log-stopped"):
                    self.letters.withdraw(new)
                raise
            self.letters.withdraw(old)
            self.letters.courier.wake()
            return appended

    async def _replace(self, voter: Enrolled, identifier: str, change: Reissue) -> Appended | None:
        now = self._station.clock()

        def rows(connection: Connection) -> None:
            self.store.reissue(identifier, change, now, connection)

        def make(view: View) -> drafts.Draft:
            _not_frozen(view)
            urn = urn_of_voter(voter, [urn.id for urn in view.offer.urns])
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

    async def roster(self, by: By) -> list[RosterEntry]:
        """What the ballot box needs to know of every voter. Raises Refused("roll-not-published")."""
        voters = await run_in_threadpool(self.store.enrolled)
        if self._node.own.first("roll") is None:
            raise Refused("roll-not-published")
        if not self._node.look(lambda view: view.tally.records):
            await run_in_threadpool(self._node.sync)
        urns = self._node.look(lambda view: [urn.id for urn in view.offer.urns])
        await self._note("roster", len(voters), by)
        return [
            RosterEntry(
                pseudonym=voter.pseudonym,
                urn=urn_of_voter(voter, urns),
                contact=voter.email,
                phone=voter.phone,
                credential=voter.credential.hex(),
            )
            for voter in voters
            if voter.credential is not None
        ]

    # --- after the close ------------------------------------------------------------------------------------------

    async def mark(self, by: By) -> Appended:
        """Mark who voted, and publish the counts. Raises Refused: "box-not-closed", "not-cosigned-yet"."""
        async with self._one_act:
            marked = self._standing("marks")
            if marked is not None:
                return marked
            await run_in_threadpool(self._node.sync)
            close, signers = self._node.look(closed)
            checkpoint = await run_in_threadpool(self._node.cosigned_checkpoint_of, "ballot", close + 1)
            known = await run_in_threadpool(self.store.voters_of, signers)
            await self._note("marks", len(signers), by)
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

    async def _note(self, act: str, voters: int, by: By, number: int | None = None) -> None:
        now, subject = self._station.clock(), f"voter/{number}" if number is not None else ""
        await run_in_threadpool(
            lambda: self.store.note_access(act, voters, by.request, now, who=by.who, subject=subject)
        )


def _has_manifest(view: View) -> None:
    if not view.tally.records:
        raise Refused("no-manifest")


def _not_frozen(view: View) -> None:
    if view.setup_index is not None:
        raise Refused("roll-frozen")


def _byurn_of_voter(voters: list[Enrolled], urns: list[str]) -> dict[str, list[bytes]]:
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
