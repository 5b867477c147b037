"""The rows of applications and of what parties observe. Every method is part of the caller's transaction, or one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from registry.application import CLEAR, Data
from registry.enrolment import Standing, State
from registry.tables import application, observation
from vemre.service.vault import Place, Vault
from vemre.storage.engine import writing


@dataclass(frozen=True)
class Application:
    """An application. `name` stands in addresses; `note` is what was last observed, told or appealed."""

    number: int
    name: str
    folio: str
    data: Data
    standing: Standing
    reason: str
    note: dict[str, Any] = field(repr=False)
    voter: int | None
    received: int
    changed: int
    code: bytes = field(repr=False)

    def __repr__(self) -> str:
        return f"Application({self.number}, {self.standing.state})"


@dataclass(frozen=True)
class Observation:
    """What a party observed of a voter, and the officials' answer to it."""

    number: int
    party: str
    voter: int
    text: str
    answer: str | None
    time: int

    def __repr__(self) -> str:
        return f"Observation({self.number})"


class Applications:
    """The rows."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    # --- applications -------------------------------------------------------------------------------------------

    def add(self, connection: Connection, *, name: str, code: bytes, folio: str, data: Data, now: int) -> Application:
        """A new application."""
        number = (connection.scalar(select(func.max(application.c.application))) or 0) + 1
        found = Application(number, name, folio, data, Standing(), "", {}, None, now, now, code)
        connection.execute(
            insert(application).values(
                application=number,
                name=name,
                code=code,
                folio=self._vault.seal(_place("folio", number), folio),
                received=now,
                **self._values(found),
            )
        )
        return found

    def save(self, connection: Connection, found: Application) -> None:
        """Put an application's new state in place of its old one."""
        connection.execute(
            update(application).where(application.c.application == found.number).values(**self._values(found))
        )

    def _values(self, found: Application) -> dict[str, Any]:
        return {
            "data": self._vault.seal(_place("data", found.number), json.dumps(found.data)),
            "note": self._vault.seal(_place("note", found.number), json.dumps(found.note)),
            "state": found.standing.state.value,
            "appealed": found.standing.appealed,
            "reason": found.reason,
            "voter": found.voter,
            "changed": found.changed,
            **{name: found.data[name] for name in CLEAR},
        }

    def by_name(self, connection: Connection, name: str) -> Application | None:
        """The application with this name."""
        return self._one(connection, application.c.name == name)

    def by_code(self, connection: Connection, code: bytes) -> Application | None:
        """The application that a code (by its digest) opens."""
        return self._one(connection, application.c.code == code)

    def of_voter(self, connection: Connection, voter: int) -> Application | None:
        """The application that made a voter; None for one who came with an imported roll."""
        return self._one(connection, application.c.voter == voter)

    def in_state(self, state: State | None, after: int, limit: int) -> list[Application]:
        """Applications in a state (or in any), in the order in which they came, from the one after `after` on."""
        query = select(application).where(application.c.application > after).order_by(application.c.application)
        if state is not None:
            query = query.where(application.c.state == state.value)
        with self._engine.connect() as connection:
            return [self._read(row) for row in connection.execute(query.limit(limit))]

    def counts(self, connection: Connection) -> dict[State, int]:
        """How many are in each state."""
        rows = connection.execute(select(application.c.state, func.count()).group_by(application.c.state))
        found = {State(row[0]): row[1] for row in rows}
        return {state: found.get(state, 0) for state in State}

    def _one(self, connection: Connection, where: Any) -> Application | None:
        row = connection.execute(select(application).where(where)).one_or_none()
        return None if row is None else self._read(row)

    def _read(self, row: Any) -> Application:
        folio, data, note = (
            self._vault.open(_place(name, row.application), getattr(row, name)) for name in ("folio", "data", "note")
        )
        standing = Standing(State(row.state), row.appealed)
        numbers = (row.voter, row.received, row.changed, row.code)
        return Application(
            row.application, row.name, folio, Data(json.loads(data)), standing, row.reason, json.loads(note), *numbers
        )

    # --- observations of parties ----------------------------------------------------------------------------------

    def observe(self, *, request: str, party: str, voter: int, text: str, now: int) -> Observation:
        """Keep what a party observed; the same request of the same party again gives what was kept."""
        with writing(self._engine) as connection:
            row = connection.execute(select(observation).where(observation.c.request == request)).one_or_none()
            if row is not None:
                return self._observation(row)
            number = (connection.scalar(select(func.max(observation.c.observation))) or 0) + 1
            sealed = self._vault.seal(Place("observation", "text", str(number)), text)
            connection.execute(
                insert(observation).values(
                    observation=number, request=request, party=party, voter=voter, text=sealed, time=now
                )
            )
            return Observation(number, party, voter, text, None, now)

    def answer(self, number: int, text: str) -> Observation | None:
        """Answer an observation; None where there is none."""
        with writing(self._engine) as connection:
            sealed = self._vault.seal(Place("observation", "answer", str(number)), text)
            connection.execute(update(observation).where(observation.c.observation == number).values(answer=sealed))
            row = connection.execute(select(observation).where(observation.c.observation == number)).one_or_none()
            return None if row is None else self._observation(row)

    def observations(self, party: str | None, after: int, limit: int) -> Iterator[Observation]:
        """What a party observed (or all did), in order, from the one after `after` on."""
        query = select(observation).where(observation.c.observation > after).order_by(observation.c.observation)
        if party is not None:
            query = query.where(observation.c.party == party)
        with self._engine.connect() as connection:
            for row in connection.execute(query.limit(limit)):
                yield self._observation(row)

    def _observation(self, row: Any) -> Observation:
        number = row.observation
        text = self._vault.open(Place("observation", "text", str(number)), row.text)
        answer = (
            None if row.answer is None else self._vault.open(Place("observation", "answer", str(number)), row.answer)
        )
        return Observation(number, row.party, row.voter, text, answer, row.time)


def _place(column: str, number: int) -> Place:
    return Place("application", column, str(number))
