"""Applications from their arrival to the freeze: what applicants, officials and parties do with them.

Every change is one transaction with its commitment, under the lock of the roll; then the commitment goes into the log.
Doing again what was done changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import Connection, select, update
from starlette.concurrency import run_in_threadpool

from registry import application as applications
from registry import commitments, enrolment
from registry.application import CORRECTABLE, Data, voter_of
from registry.applications import Application, Applications, Observation
from registry.commitments import Change, Commitments
from registry.core import Voter
from registry.enrolment import Act, Reason, State
from registry.fields import Modality
from registry.ledger import Ledger
from registry.letters import Letters
from registry.node import RegistryNode
from registry.openings import CODE_SYMBOLS, Openings
from registry.roles import By
from registry.settings import RegistrySettings
from registry.store import RegistryStore, lock_roll
from registry.tables import roll_state, voter
from vemre.crypto import crockford
from vemre.errors import Refused
from vemre.records.enrolment import Opening
from vemre.service import official
from vemre.service.official import unauthorized
from vemre.service.station import Station
from vemre.storage.engine import writing

T = TypeVar("T")
_FOLIO_SYMBOLS: Final = 10
Edit = Callable[[Connection, Application], Application]


class Enrolling:
    """The acts over applications."""

    def __init__(self, station: Station[RegistryNode], settings: RegistrySettings, store: RegistryStore) -> None:
        self._station = station
        self._settings = settings
        self._store = store
        self._node = station.node
        self.rows = Applications(store.engine, store.vault)
        self.commitments = Commitments(store.engine, store.vault, station.identity.election_id, station.random)
        self.ledger = Ledger(station.node, self.commitments, station.clock)
        self.letters = Letters(station, settings, store, self.commitments)
        self.opened = Openings(station, store, self.commitments)

    # --- applicants ---------------------------------------------------------------------------------------------

    async def submit(self, given: Mapping[str, str], request: str) -> tuple[Application, str, bool]:
        """Take an application; gives it, the code that opens it, and whether it is new.

        `request` is a secret that the applicant's device made up: the same one again gives the same code. Raises
        FieldsRefused, Refused: "registration-closed", "enrolment-frozen", "application-conflict", "request-used".
        """
        code = self._code(request)
        data = self.check(given)

        def take(connection: Connection, frozen: bool) -> tuple[Application, bool]:
            known = self.rows.by_code(connection, official.digest(code))
            if known is not None:
                if self._submitted(known) != data:
                    raise Refused("request-used")
                return known, False
            enrolment.check_not_frozen(frozen)
            if self.registration() != "open":
                raise Refused("registration-closed")
            folio = f"S-{crockford.encode(secrets.randbits(5 * _FOLIO_SYMBOLS), _FOLIO_SYMBOLS)}"
            name, now = secrets.token_hex(16), self._station.clock()
            found = self.rows.add(connection, name=name, code=official.digest(code), folio=folio, data=data, now=now)
            self._store.claims.claim(connection, found.number, {**data, "folio": folio})
            self._commit(connection, found, State.RECEIVED, crockford.grouped(code))
            return found, True

        found, new = await self._change(take)
        return found, crockford.grouped(code), new

    def check(self, given: Mapping[str, str]) -> Data:
        """What an applicant tells, in its normal form. Raises FieldsRefused."""
        return applications.read(given, self._urns())

    def registration(self) -> Literal["early", "open", "over"]:
        """Whether applications are taken by the time it is; the freeze ends that too."""
        now, opens, closes = (
            self._station.clock(),
            self._settings.registration_opens,
            self._settings.registration_closes,
        )
        if opens and now < opens.timestamp():
            return "early"
        return "over" if closes and now >= closes.timestamp() else "open"

    def _submitted(self, found: Application) -> dict[str, Any]:
        """What the application said when it came, whatever became of it since."""
        first: dict[str, Any] = self.commitments.of(commitments.application(found.number))[0].change["data"]
        return first

    async def own(self, code: str, name: str | None = None) -> Application:
        """The application that a code opens. Raises the one 401 for a code that opens none, or not the named one."""
        wanted = official.digest(crockford.normalise(code))
        found = await run_in_threadpool(self._read, lambda connection: self.rows.by_code(connection, wanted))
        if found is None or (name is not None and found.name != name):
            raise unauthorized()
        return found

    async def named(self, name: str) -> Application:
        """The application that its applicant opened before. Raises Refused("application-unknown")."""
        return await run_in_threadpool(self._read, lambda connection: self._named(connection, name))

    async def correct(self, mine: Application, given: Mapping[str, str]) -> Application:
        """Correct what was observed, and nothing else.

        Raises FieldsRefused, Refused: "field-not-observed", "act-not-possible", "enrolment-frozen",
        "application-conflict".
        """
        data = self.check({**mine.data, **given})

        def edit(connection: Connection, found: Application) -> Application:
            changed = {field for field in data if data[field] != found.data[field]}
            if not changed <= set(found.note.get("fields", ())):
                raise Refused("field-not-observed")
            self._store.claims.claim(connection, found.number, {**data, "folio": found.folio})
            return replace(found, data=data)

        return await self._act(mine.name, Act.CORRECT, edit, lambda found: found.data == data)

    async def appeal(self, mine: Application, text: str) -> Application:
        """Appeal a refusal, once. Raises Refused: "act-not-possible", "appealed-already", "application-conflict"."""

        def edit(connection: Connection, found: Application) -> Application:
            self._store.claims.claim(connection, found.number, {**found.data, "folio": found.folio})
            return replace(found, note={"appeal": text})

        return await self._act(mine.name, Act.APPEAL, edit, lambda found: found.note == {"appeal": text})

    async def change_modality(self, name: str, modality: Modality) -> Application:
        """Another way to vote, until the freeze. Raises Refused: "act-not-possible", "enrolment-frozen"."""
        lost: list[bytes] = []

        def change(connection: Connection, frozen: bool) -> Application:
            found = self._named(connection, name)
            if found.data["modality"] == modality:
                return found
            enrolment.check_modality_may_change(found.standing, frozen=frozen)
            now = self._station.clock()
            found = replace(found, data=Data({**found.data, "modality": modality}), changed=now)
            if found.voter is not None:
                lost.extend(self._store.set_modality(connection, found.voter, modality, now))
            self.rows.save(connection, found)
            self._commit(connection, found, "modality")
            return found

        result = await self._change(change)
        self.letters.withdraw(*lost)
        return result

    async def openings(self, mine: Application) -> list[tuple[commitments.Committed, Opening | None]]:
        """The commitments about an application, each with the file that proves it once it is in the log."""
        return await run_in_threadpool(self.opened.of, commitments.application(mine.number))

    # --- officials ------------------------------------------------------------------------------------------------

    async def observe(self, name: str, fields: list[str], note: str, by: By) -> Application:
        """Ask the applicant to correct fields. Raises Refused: "application-unknown", "act-not-possible" ..."""
        told = {"fields": sorted(set(fields) & set(CORRECTABLE)), "text": note}

        def edit(_: Connection, found: Application) -> Application:
            return replace(found, note=told)

        return await self._reviewed(name, Act.OBSERVE, edit, lambda found: found.note == told, by)

    async def accept(self, name: str, by: By) -> Application:
        """Put the applicant on the roll."""

        def edit(connection: Connection, found: Application) -> Application:
            made = voter_of(found.folio, found.data)
            ((number, _),) = self._store.add_voters(connection, [made], lambda: secrets.token_hex(16))
            self._store.claims.pass_on(connection, found.number, number)
            return replace(found, voter=number, reason="", note={})

        return await self._reviewed(name, Act.ACCEPT, edit, lambda _: True, by)

    async def refuse(self, name: str, reason: Reason, note: str, by: By) -> Application:
        """Refuse an application; the values that only one person may have are free again."""

        def edit(connection: Connection, found: Application) -> Application:
            self._store.claims.release(connection, found.number)
            return replace(found, reason=reason, note={"text": note})

        def same(found: Application) -> bool:
            return (found.reason, found.note) == (reason, {"text": note})

        return await self._reviewed(name, Act.REFUSE, edit, same, by)

    async def look_at(self, name: str, by: By) -> Application:
        """One application, for an official. Raises Refused("application-unknown")."""
        found = await self.named(name)
        await self.note("review", 1, by, str(commitments.application(found.number)))
        return found

    async def list_in(self, state: State | None, after: int, limit: int, by: By) -> list[Application]:
        """Applications in a state, for officials."""
        found = await run_in_threadpool(self.rows.in_state, state, after, limit)
        await self.note("list-applications", len(found), by)
        return found

    async def change_modality_of(self, folio: str, modality: Modality, by: By) -> None:
        """Another way to vote for somebody on the roll, until the freeze. Raises Refused: "not-enrolled" ..."""

        def find(connection: Connection) -> tuple[int, str | None]:
            number = self._store.number_of(connection, folio)
            if number is None:
                raise Refused("not-enrolled")
            made_by = self.rows.of_voter(connection, number)
            return number, made_by.name if made_by is not None else None

        number, name = await run_in_threadpool(self._read, find)
        await self.note("modality", 1, by, str(commitments.voter(number)))
        if name is not None:
            await self.change_modality(name, modality)
            return
        lost: list[bytes] = []

        def change(connection: Connection, frozen: bool) -> None:
            ((_, found),) = self._store.voters(connection, voter.c.voter == number)
            if found.modality == modality:
                return
            enrolment.check_not_frozen(frozen)
            lost.extend(self._store.set_modality(connection, number, modality, self._station.clock()))
            self.commit_voters(connection, [(number, replace(found, modality=modality))], "modality")

        await self._change(change)
        self.letters.withdraw(*lost)

    async def freeze(self, undecided: int) -> int:
        """End every change of the roll; gives since when. `undecided` is how many applications the officials know to
        be left without an answer. Raises Refused("applications-undecided"), "no-manifest", Unreachable."""

        def set_frozen(connection: Connection, frozen: bool) -> int:
            if not frozen:
                counts = self.rows.counts(connection)
                left = sum(counts[state] for state in enrolment.UNDECIDED)
                if left != undecided:
                    raise Refused("applications-undecided", count=left)
                connection.execute(update(roll_state).values(frozen=self._station.clock()))
            return int(connection.scalar(select(roll_state.c.frozen)) or 0)

        since = await self._change(set_frozen)
        await self.ledger.write_all()
        return since

    async def note_addresses(self, count: int, by: By) -> None:
        """Note that addresses of letters that wait are shown."""
        await self.note("deliveries", count, by)

    async def code_for(self, folio: str, by: By) -> str:
        """The code of a voter who came with an imported roll. Raises Refused: "not-enrolled", "has-application"."""
        number, code = await run_in_threadpool(self.opened.code_for, folio)
        await self.note("enrolment-code", 1, by, str(commitments.voter(number)))
        return code

    async def note_listing(self, order: str, by: By) -> None:
        """Note that the roll is listed."""
        count = await run_in_threadpool(lambda: sum(self._store.counts().values()))
        await self.note(f"nominal-{order}", count, by)

    def frozen(self) -> int | None:
        """Since when the roll is frozen, or None. Blocking."""
        return self._read(lambda connection: connection.scalar(select(roll_state.c.frozen)))

    def counts(self) -> dict[State, int]:
        """Applications by state. Blocking."""
        return self._read(self.rows.counts)

    def commit_voters(self, connection: Connection, voters: Sequence[tuple[int, Voter]], kind: str) -> None:
        """Commit to a change of voters who came with an imported roll."""
        changes = [
            Change(
                commitments.voter(number),
                kind,
                found.folio,
                {"data": {name: value for name, value in vars(found).items() if name != "folio"}},
            )
            for number, found in voters
        ]
        self.commitments.add_all(connection, changes, self._station.clock())

    # --- parties ----------------------------------------------------------------------------------------------------

    async def observe_entry(self, folio: str, text: str, request: str, by: By) -> Observation:
        """What a party observed of an entry of the roll. Raises Refused("not-enrolled")."""

        def keep() -> Observation:
            number = self._read(lambda connection: self._store.number_of(connection, folio))
            if number is None:
                raise Refused("not-enrolled")
            wanted = f"{by.who}/{request}"
            return self.rows.observe(request=wanted, party=by.who, voter=number, text=text, now=self._station.clock())

        found = await run_in_threadpool(keep)
        await self.note("party-observation", 1, by, str(commitments.voter(found.voter)))
        return found

    async def answer_observation(self, number: int, text: str, by: By) -> Observation:
        """Answer a party. Raises Refused("observation-unknown")."""
        found = await run_in_threadpool(self.rows.answer, number, text)
        if found is None:
            raise Refused("observation-unknown")
        await self.note("answer-observation", 1, by, str(commitments.voter(found.voter)))
        return found

    # --- shared -----------------------------------------------------------------------------------------------------

    async def _reviewed(
        self, name: str, act: Act, edit: Edit, same: Callable[[Application], bool], by: By
    ) -> Application:
        found = await self._act(name, act, edit, same)
        await self.note(act.value, 1, by, str(commitments.application(found.number)))
        return found

    async def _act(self, name: str, act: Act, edit: Edit, same: Callable[[Application], bool]) -> Application:
        """Do an act of the state machine, or nothing where `same` says that this very act is the last that was done."""

        def change(connection: Connection, frozen: bool) -> Application:
            found = self._named(connection, name)
            if found.standing.state is _RESULT[act] and same(found):
                return found
            standing = enrolment.after(found.standing, act, frozen=frozen)
            found = replace(edit(connection, found), standing=standing, changed=self._station.clock())
            self.rows.save(connection, found)
            self._commit(connection, found, standing.state)
            return found

        return await self._change(change)

    async def _change(self, act: Callable[[Connection, bool], T]) -> T:
        """Run a change in its transaction, with whether the roll is frozen; then log what it committed to."""

        def run() -> T:
            with writing(self._store.engine) as connection:
                return act(connection, lock_roll(connection) is not None)

        result = await run_in_threadpool(run)
        self.letters.courier.wake()
        await self.ledger.write_some()
        return result

    def _read(self, find: Callable[[Connection], T]) -> T:
        with self._store.engine.connect() as connection:
            return find(connection)

    def _named(self, connection: Connection, name: str) -> Application:
        found = self.rows.by_name(connection, name)
        if found is None:
            raise Refused("application-unknown")
        return found

    def _commit(self, connection: Connection, found: Application, kind: str, code: str | None = None) -> None:
        details = {
            "data": dict(found.data),
            "note": found.note,
            "reason": found.reason,
            "state": found.standing.state.value,
        }
        change = Change(commitments.application(found.number), str(kind), found.folio, details)
        made = self.commitments.add(connection, change, self._station.clock())
        self.letters.application(found, str(kind), made, code)

    def _code(self, request: str) -> str:
        made = int.from_bytes(self._store.vault.index("application-code", request), "big")
        return crockford.encode(made >> (256 - 5 * CODE_SYMBOLS), CODE_SYMBOLS)

    def _urns(self) -> list[str] | None:
        return self._node.look(lambda view: [urn.id for urn in view.offer.urns] if view.tally.records else None)

    async def note(self, act: str, voters: int, by: By, subject: str = "") -> None:
        """Note that personal data is used."""
        now = self._station.clock()
        await run_in_threadpool(
            lambda: self._store.note_access(act, voters, by.request, now, who=by.who, subject=subject)
        )


_RESULT: Final = {
    Act.OBSERVE: State.OBSERVED,
    Act.CORRECT: State.CORRECTED,
    Act.ACCEPT: State.ACCEPTED,
    Act.REFUSE: State.REFUSED,
    Act.APPEAL: State.APPEALED,
}
