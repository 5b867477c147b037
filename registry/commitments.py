"""Commitments to every change of the roll: made with the change, put into the log as soon as the election has one.

A change and its commitment are one transaction. Before the manifest is published no record can stand in a log, so
commitments wait; publishing the roll puts all of them before it. Specified in docs/spec/enrolment.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update

from registry.tables import commitment
from vemre.records import enrolment as records
from vemre.records.fields import format_time
from vemre.records.setup_bodies import Enrolment
from vemre.service.vault import Place, Vault
from vemre.types import Random

BATCH: Final = 500
"""Commitments that go into the log together."""


@dataclass(frozen=True)
class Subject:
    """Whose roll entry changed: an application, or a voter who came with an imported roll."""

    column: str
    number: int

    def __str__(self) -> str:
        return f"{self.column}/{self.number}"


def application(number: int) -> Subject:
    """The subject that an application is, also after it made a voter."""
    return Subject("application", number)


def voter(number: int) -> Subject:
    """The subject that an imported voter is."""
    return Subject("voter", number)


@dataclass(frozen=True)
class Change:
    """What is committed to. `details` are the members that its kind has beside those that every change has."""

    subject: Subject
    kind: str
    folio: str
    details: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Change({self.kind})"


@dataclass(frozen=True)
class Committed:
    """A commitment with what opens it. `position` is None until it is in the log."""

    number: int
    kind: str
    salt: bytes
    change: dict[str, Any]
    position: int | None

    def __repr__(self) -> str:
        return f"Committed({self.number}, {self.kind})"


class Commitments:
    """The rows of commitments."""

    def __init__(self, engine: Engine, vault: Vault, election_id: str, random: Random) -> None:
        self._engine = engine
        self._vault = vault
        self._election_id = election_id
        self._random = random

    def add(self, connection: Connection, change: Change, now: int) -> bytes:
        """Commit to a change, in the transaction that makes it; gives the commitment."""
        return self.add_all(connection, [change], now)[0]

    def add_all(self, connection: Connection, changes: Sequence[Change], now: int) -> list[bytes]:
        """The same for changes of different subjects, many at a time."""
        digests = []
        for start in range(0, len(changes), BATCH):
            batch = changes[start : start + BATCH]
            before = self._numbers(connection, [change.subject for change in batch])
            rows = [self._row(change, before.get(change.subject, 0), now) for change in batch]
            connection.execute(insert(commitment), rows)
            digests += [row["digest"] for row in rows]
        return digests

    def _numbers(self, connection: Connection, subjects: Sequence[Subject]) -> dict[Subject, int]:
        """How many commitments there are about each of some subjects, where there are any."""
        found = {}
        for name in ("application", "voter"):
            column = commitment.c[name]
            wanted = [subject.number for subject in subjects if subject.column == name]
            if wanted:
                query = select(column, func.count()).where(column.in_(wanted)).group_by(column)
                found.update({Subject(name, row[0]): int(row[1]) for row in connection.execute(query)})
        return found

    def _row(self, made: Change, number: int, now: int) -> dict[str, Any]:
        change = {
            "election_id": self._election_id,
            "folio": made.folio,
            "number": number,
            "kind": made.kind,
            "time": format_time(now),
            **made.details,
        }
        salt = self._random(records.SALT_BYTES)
        digest = records.commitment(salt, change)
        return {
            "application": None,
            "voter": None,
            made.subject.column: made.subject.number,
            "number": number,
            "kind": made.kind,
            "digest": digest,
            "opening": self._vault.seal(_place(digest), json.dumps({"salt": salt.hex(), "change": change})),
        }

    def waiting(self) -> list[tuple[int, Enrolment]]:
        """The first commitments that are not in the log, with their row numbers."""
        query = (
            select(commitment.c.commitment, commitment.c.digest, commitment.c.kind)
            .where(commitment.c.position.is_(None))
            .order_by(commitment.c.commitment)
            .limit(BATCH)
        )
        with self._engine.connect() as connection:
            return [(row.commitment, Enrolment(row.digest.hex(), row.kind)) for row in connection.execute(query)]

    def place(self, connection: Connection, numbers: Sequence[int], first: int) -> None:
        """Note where commitments stand in the log, one after the other."""
        change = (
            update(commitment).where(commitment.c.commitment == bindparam("row")).values(position=bindparam("place"))
        )
        rows = [{"row": number, "place": place} for place, number in enumerate(numbers, first)]
        connection.execute(change, rows)

    def of(self, subject: Subject) -> list[Committed]:
        """The commitments about a subject, in order."""
        query = select(commitment).where(commitment.c[subject.column] == subject.number).order_by(commitment.c.number)
        found = []
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                opening = json.loads(self._vault.open(_place(row.digest), row.opening))
                salt = bytes.fromhex(opening["salt"])
                found.append(Committed(row.number, row.kind, salt, opening["change"], row.position))
        return found

    def stands(self, subject: Subject, digest: bytes) -> bool:
        """Whether this commitment about a subject was made by an act that came to its end."""
        mine = commitment.c[subject.column] == subject.number
        query = select(commitment.c.commitment).where(mine, commitment.c.digest == digest)
        with self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(commitment.c.kind, func.count()).group_by(commitment.c.kind))
            return {row[0]: row[1] for row in rows}


def _place(digest: bytes) -> Place:
    # A row is bound by what it commits to: its number is not known before it is inserted.
    return Place("commitment", "opening", digest.hex())
