"""What the registry keeps beside its log: voters, pseudonyms, public credentials, blocks, marks, accesses.

Every method is one transaction, or a part of the caller's where it takes a connection. Nothing here is ever logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import structlog
from sqlalchemy import Connection, Engine, Select, func, insert, select, update

from registry.core import INTERNET, Import, Known, Modality, Voter
from registry.tables import access, block, credential, mark, pseudonym, reissue, voter
from vemre.storage.engine import writing

_COLUMNS: Final = tuple(Voter.__dataclass_fields__)
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Enrolled:
    """A voter with the Internet modality, by number, and what ties the person to the election."""

    voter: int
    pseudonym: str
    entity: str
    country: str
    email: str
    phone: str
    credential: bytes | None
    """The public credential that is not revoked."""

    def __repr__(self) -> str:
        return f"Enrolled(voter={self.voter})"


@dataclass(frozen=True)
class Reissue:
    """What became of a request to reissue."""

    voter: int
    old: bytes
    new: bytes


@dataclass(frozen=True)
class Blocked:
    """A signed order to block a credential, and its place in the ballot log once that answered."""

    voter: int
    reason: str
    entry: bytes
    position: int | None


class RegistryStore:
    """The registry's rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- voters -------------------------------------------------------------------------------------------------

    def import_roll(self, read: Callable[[Known], Import], new_pseudonym: Callable[[], str]) -> Import:
        """Register the voters that `read` finds in a file, given those that are registered; all of them or none.

        What `read` raises passes through, and nothing has changed.
        """
        with writing(self._engine) as connection:
            found = read(self._known(connection))
            first = (connection.scalar(select(func.max(voter.c.voter))) or 0) + 1
            rows = [{"voter": n, "email_key": v.email_key, **asdict(v)} for n, v in enumerate(found.new, first)]
            names = [{"voter": row["voter"], "pseudonym": new_pseudonym()} for row in rows]
            if rows:
                connection.execute(insert(voter), rows)
                connection.execute(insert(pseudonym), names)
            return found

    def _known(self, connection: Connection) -> Known:
        known = Known()
        for row in connection.execute(select(*(voter.c[name] for name in _COLUMNS))):
            fields: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
            known.add(Voter(**{**fields, "modality": cast(Modality, fields["modality"])}))
        return known

    def enrolled(self) -> list[Enrolled]:
        """Every voter with the Internet modality, in the order of registration."""
        with self._engine.connect() as connection:
            return list(_enrolled(connection))

    def by_folio(self, folio: str) -> Enrolled | None:
        """The voter with this folio, where the modality is the Internet."""
        with self._engine.connect() as connection:
            return next(_enrolled(connection, voter.c.folio == folio), None)

    def counts(self) -> dict[str, int]:
        """Voters by modality."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(voter.c.modality, func.count()).group_by(voter.c.modality))
            return {row[0]: row[1] for row in rows}

    # --- credentials ----------------------------------------------------------------------------------------------

    def add_credentials(self, issued: Sequence[tuple[int, bytes]], now: int) -> None:
        """Keep the public halves of new credentials (voter, key)."""
        rows = [{"voter": number, "public": public, "issued": now} for number, public in issued]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(insert(credential), rows)

    def reissued(self, request: str) -> Reissue | None:
        """What an earlier request with this identifier did."""
        with self._engine.connect() as connection:
            row = connection.execute(select(reissue).where(reissue.c.request == request)).one_or_none()
        return None if row is None else Reissue(row.voter, row.old, row.new)

    def reissue(self, request: str, change: Reissue, now: int, connection: Connection | None = None) -> None:
        """Revoke a voter's credential and keep the new one, in the caller's transaction where there is one."""
        if connection is None:
            with writing(self._engine) as own:
                self.reissue(request, change, now, own)
            return
        connection.execute(update(credential).where(credential.c.public == change.old).values(revoked=now))
        connection.execute(insert(credential).values(voter=change.voter, public=change.new, issued=now))
        connection.execute(insert(reissue).values(request=request, voter=change.voter, old=change.old, new=change.new))

    # --- blocks and marks -----------------------------------------------------------------------------------------

    def blocked(self, number: int) -> Blocked | None:
        """The order to block a voter's credential."""
        with self._engine.connect() as connection:
            row = connection.execute(select(block).where(block.c.voter == number)).one_or_none()
        return None if row is None else Blocked(row.voter, row.reason, row.entry, row.position)

    def add_block(self, order: Blocked) -> None:
        """Keep a signed order before it is sent, so that it is never sent in two spellings."""
        with writing(self._engine) as connection:
            connection.execute(insert(block).values(**vars(order)))

    def place_block(self, number: int, position: int) -> None:
        """Note where the ballot box put an order."""
        with writing(self._engine) as connection:
            connection.execute(update(block).where(block.c.voter == number).values(position=position))

    def voters_of(self, credentials: Iterable[bytes]) -> dict[bytes, tuple[int, str]]:
        """Voter number and country by public credential, for those given."""
        wanted = set(credentials)
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(credential.c.public, voter.c.voter, voter.c.country).join_from(credential, voter)
            )
            return {row.public: (row.voter, row.country) for row in rows if row.public in wanted}

    def add_marks(self, connection: Connection, marks: Iterable[tuple[int, int]]) -> None:
        """Mark voters (number, place of the ballot) as having voted."""
        rows = [{"voter": number, "position": position} for number, position in marks]
        if rows:
            connection.execute(insert(mark), rows)

    def marked(self) -> int:
        """How many voters are marked."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(mark)) or 0

    # --- accesses -------------------------------------------------------------------------------------------------

    def note_access(self, act: str, voters: int, request: str, now: int) -> None:
        """Note, in the database and in the technical log, that personal data was used."""
        with writing(self._engine) as connection:
            connection.execute(insert(access).values(time=now, request=request, act=act, voters=voters))
        _logger.info("personal-data-used", act=act, voters=voters)

    def accesses(self) -> list[tuple[str, int]]:
        """Act and number of voters of every access, in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(access.c.act, access.c.voters).order_by(access.c.access))
            return [(row.act, row.voters) for row in rows]


def _enrolled(connection: Connection, *where: Any) -> Iterator[Enrolled]:
    query: Select[Any] = (
        select(
            voter.c.voter,
            pseudonym.c.pseudonym,
            voter.c.entity,
            voter.c.country,
            voter.c.email,
            voter.c.phone,
            credential.c.public,
        )
        .join(pseudonym, pseudonym.c.voter == voter.c.voter)
        .outerjoin(credential, (credential.c.voter == voter.c.voter) & credential.c.revoked.is_(None))
        .where(voter.c.modality == INTERNET, *where)
        .order_by(voter.c.voter)
    )
    for row in connection.execute(query):
        yield Enrolled(row.voter, row.pseudonym, row.entity, row.country, row.email, row.phone, row.public)
