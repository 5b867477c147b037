"""What a witness must not forget, in its database.

A cosignature is given only after its checkpoint took the place of the one before, in one compare-and-swap: whoever
else asks at the same moment, in this process or another one on the same database, either sees the new checkpoint or
loses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, Table, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from audit.hooks.events import FindingEvent
from audit.witness import tables
from audit.witness.evidence import PageFault
from vemre.errors import CheckFailed
from vemre.log.checkpoint import Checkpoint
from vemre.log.merkle import EMPTY_ROOT
from vemre.log.witness import Cosigned
from vemre.storage import schema
from vemre.storage.engine import open_engine, writing
from vemre.types import LogName

ELECTION: Final = "*"
"""Stands among the stopped origins for all logs of the election."""
_MAX_DETAIL: Final = 2000


@dataclass(frozen=True)
class LastCosigned:
    """The last cosigned checkpoint of a log: `note` is signed by the log alone and empty where there is none; `time` is
    the cosignature's, POSIX seconds."""

    size: int
    root: bytes
    note: bytes
    time: int


@dataclass(frozen=True)
class Verified:
    """How far a mirror holds a log, verified: entries, their root, and how many the listeners were told of."""

    size: int
    root: bytes
    told: int


@dataclass(frozen=True)
class Finding:
    """A fact to be kept, before it has a number. `stops` is an origin, `ELECTION`, or None."""

    failure: CheckFailed | PageFault
    provable: bool
    stops: str | None

    @property
    def fact(self) -> str:
        """What makes it the same finding as before."""
        failure = self.failure
        return f"{failure.check}|{failure.where}|{failure.party}|{int(self.provable)}|{self.stops or ''}"


@dataclass(frozen=True)
class InTime:
    """An extent of the ballot log that counts as in time, and why: ``auditor`` or ``admitted``."""

    kind: str
    size: int
    time: int
    text: str


class Store:
    """The database of one witness. Safe from several threads and processes."""

    def __init__(self, url: str, origins: Iterable[str]) -> None:
        """Opens the database and makes the tables. `origins` are the logs that may be cosigned."""
        self.engine: Engine = open_engine(url)
        schema.upgrade(self.engine, tables.COMPONENT)
        for origin in origins:
            row = {"origin": origin, "size": 0, "root": EMPTY_ROOT, "note": b"", "time": 0}
            self._insert_once(tables.cosigned, row)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    # --- cosignatures ---------------------------------------------------------------------------------------

    def last(self, origin: str) -> LastCosigned:
        """What was cosigned last. Raises KeyError for a log that this witness does not know."""
        table = tables.cosigned
        with self.engine.connect() as connection:
            row = connection.execute(select(table).where(table.c.origin == origin)).one_or_none()
        if row is None:
            raise KeyError(origin)
        return LastCosigned(row.size, row.root, row.note, row.time)

    def latest_time(self) -> int:
        """The latest time that this witness has put down anywhere, 0 where there is none."""
        with self.engine.connect() as connection:
            return max(
                int(connection.execute(select(func.max(column))).scalar() or 0)
                for column in (tables.cosigned.c.time, tables.seen.c.time)
            )

    def cosign(self, old: Cosigned, checkpoint: Checkpoint, note: bytes, now: int) -> int | None:
        """Put `checkpoint` in the place of `old`; gives the time to date the cosignature with, once that is durable.

        None where somebody else was faster: then nothing may be signed. The time never goes back.
        """
        table = tables.cosigned
        change = (
            update(table)
            .where(table.c.origin == checkpoint.origin, table.c.size == old.size, table.c.root == old.root)
            .values(
                size=checkpoint.size,
                root=checkpoint.root,
                note=note,
                time=case((table.c.time > now, table.c.time), else_=now),
            )
            .returning(table.c.time)
        )
        with writing(self.engine) as connection:
            time = connection.execute(change).scalar()
        return None if time is None else int(time)

    # --- checkpoints seen -----------------------------------------------------------------------------------

    def see(self, checkpoint: Checkpoint, note: bytes, now: int) -> bool:
        """Keep a checkpoint that bears the log's signature; gives whether it is new."""
        row = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root}
        return self._insert_once(tables.seen, {**row, "note": note, "time": now})

    def seen_at(self, origin: str, size: int) -> list[tuple[bytes, bytes]]:
        """(root, note) of every checkpoint of this size that was seen."""
        table = tables.seen
        query = select(table.c.root, table.c.note).where(table.c.origin == origin, table.c.size == size)
        with self.engine.connect() as connection:
            return [(row.root, row.note) for row in connection.execute(query)]

    def seen_until(self, origin: str, size: int) -> bytes | None:
        """The note of the largest checkpoint seen of at most `size` entries."""
        table = tables.seen
        query = select(table.c.note).where(table.c.origin == origin, table.c.size <= size)
        with self.engine.connect() as connection:
            found = connection.execute(query.order_by(table.c.size.desc()).limit(1)).scalar()
        return None if found is None else bytes(found)

    def seen_before(self, origin: str, time: int, size: int) -> tuple[int, bytes] | None:
        """(size, root) of the largest checkpoint of at most `size` entries that was seen before a moment."""
        table = tables.seen
        query = select(table.c.size, table.c.root).where(
            table.c.origin == origin, table.c.time < time, table.c.size <= size
        )
        with self.engine.connect() as connection:
            row = connection.execute(query.order_by(table.c.size.desc()).limit(1)).one_or_none()
        return None if row is None else (row.size, row.root)

    def latest_seen(self, origin: str) -> tuple[int, int] | None:
        """(size, time) of the largest checkpoint seen."""
        table = tables.seen
        query = select(table.c.size, table.c.time).where(table.c.origin == origin)
        with self.engine.connect() as connection:
            row = connection.execute(query.order_by(table.c.size.desc(), table.c.time).limit(1)).one_or_none()
        return None if row is None else (row.size, row.time)

    # --- the verified mirror --------------------------------------------------------------------------------

    def verified(self, mirror: str, origin: str) -> Verified:
        """How far a mirror is verified."""
        table = tables.verified
        query = select(table).where(table.c.mirror == mirror, table.c.origin == origin)
        with self.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Verified(0, EMPTY_ROOT, 0) if row is None else Verified(row.size, row.root, row.told)

    def advance(self, mirror: str, sizes: Mapping[str, tuple[int, bytes]]) -> None:
        """Note, in one transaction, that the mirror is verified to these sizes with these roots (by origin)."""
        with writing(self.engine) as connection:
            for origin, (size, root) in sizes.items():
                key = {"mirror": mirror, "origin": origin}
                _upsert(connection, tables.verified, key, {"size": size, "root": root}, {"told": 0})

    def keep_digest(self, mirror: str, digest: bytes, sizes: Mapping[LogName, int]) -> None:
        """Note the digest of the verified state at these sizes."""
        with writing(self.engine) as connection:
            values = {"digest": digest, "sizes": json.dumps(dict(sizes))}
            _upsert(connection, tables.state, {"mirror": mirror}, values, {})

    def kept_digest(self, mirror: str) -> tuple[bytes, dict[LogName, int]] | None:
        """That digest and its sizes, None where nothing is verified yet."""
        table = tables.state
        with self.engine.connect() as connection:
            row = connection.execute(select(table).where(table.c.mirror == mirror)).one_or_none()
        return None if row is None else (row.digest, json.loads(row.sizes))

    def told(self, mirror: str, origin: str, size: int) -> None:
        """Note that the listeners were told of this many entries."""
        table = tables.verified
        with writing(self.engine) as connection:
            connection.execute(
                update(table).where(table.c.mirror == mirror, table.c.origin == origin).values(told=size)
            )

    # --- findings -------------------------------------------------------------------------------------------

    def findings(self) -> list[FindingEvent]:
        """All findings, by number."""
        table = tables.finding
        with self.engine.connect() as connection:
            rows = connection.execute(select(table).order_by(table.c.number)).all()
        return [
            FindingEvent(
                row.number, row.check, row.place, row.party, row.detail, row.provable, row.evidence, row.time
            )
            for row in rows
        ]  # fmt: skip

    def known(self, found: Finding) -> bool:
        """Whether this fact is kept already."""
        table = tables.finding
        with self.engine.connect() as connection:
            return connection.execute(select(table.c.number).where(table.c.fact == found.fact)).first() is not None

    def next_number(self) -> int:
        """The number that the next finding will have."""
        with self.engine.connect() as connection:
            return 1 + int(connection.execute(select(func.max(tables.finding.c.number))).scalar() or 0)

    def keep(self, found: Finding, number: int, evidence: str, now: int) -> FindingEvent | None:
        """Keep a finding under its number; None where the same fact is kept already, or the number is taken."""
        failure = found.failure
        row = {
            "number": number, "fact": found.fact, "check": failure.check.value, "place": failure.where,
            "party": failure.party, "detail": failure.detail[:_MAX_DETAIL], "provable": found.provable,
            "stops": found.stops, "evidence": evidence, "time": now,
        }  # fmt: skip
        if not self._insert_once(tables.finding, row):
            return None
        detail = failure.detail[:_MAX_DETAIL]
        return FindingEvent(
            number, failure.check.value, failure.where, failure.party, detail, found.provable, evidence, now
        )

    def stopped(self) -> frozenset[str]:
        """The origins that are never cosigned again, `ELECTION` among them for all of the election's."""
        table = tables.finding
        with self.engine.connect() as connection:
            rows = connection.execute(select(table.c.stops).where(table.c.stops.is_not(None)))
            return frozenset(row.stops for row in rows)

    # --- lateness -------------------------------------------------------------------------------------------

    def in_time(self) -> list[InTime]:
        """What counts as in time, in the order in which it was noted."""
        table = tables.late
        with self.engine.connect() as connection:
            rows = connection.execute(select(table).order_by(table.c.number)).all()
        return [InTime(row.kind, row.size, row.time, row.text) for row in rows]

    def note_in_time(self, noted: InTime) -> None:
        """Keep it."""
        table = tables.late
        with writing(self.engine) as connection:
            number = 1 + int(connection.execute(select(func.max(table.c.number))).scalar() or 0)
            row = {"kind": noted.kind, "size": noted.size, "time": noted.time, "text": noted.text}
            connection.execute(insert(table).values(number=number, **row))

    def _insert_once(self, table: Table, row: Mapping[str, object]) -> bool:
        """Whether the row was new; one that is there stays as it is."""
        keys = [column == row[column.name] for column in table.primary_key]
        with self.engine.connect() as connection:
            if connection.execute(select(*table.primary_key).where(*keys)).first() is not None:
                return False
        try:
            with writing(self.engine) as connection:
                connection.execute(insert(table).values(**row))
        except IntegrityError:
            return False
        return True


def _upsert(
    connection: Connection,
    table: Table,
    key: Mapping[str, object],
    values: Mapping[str, object],
    fresh: Mapping[str, object],
) -> None:
    where = [table.c[name] == value for name, value in key.items()]
    if not connection.execute(update(table).where(*where).values(**values)).rowcount:
        connection.execute(insert(table).values(**key, **values, **fresh))
