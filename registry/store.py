"""What the registry keeps beside its log: voters, pseudonyms, public credentials, blocks, marks, accesses.

Personal data is sealed in the database and clear in the objects that these methods give. Every method is one
transaction, or a part of the caller's where it takes a connection. Nothing here is ever logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from registry.claims import Claims
from registry.core import Import, Known, Voter
from registry.fields import INTERNET
from registry.tables import access, block, credential, intake, mark, pseudonym, reissue, roll_state, voter
from registry.tables import vault as vault_table
from vemre.errors import Refused
from vemre.service import vault as vaults
from vemre.service.vault import Place, Vault
from vemre.storage.engine import writing

SEALED: Final = ("folio", "clave_de_elector", "names", "email", "phone")
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

    def __init__(self, engine: Engine, vault_folder: Path) -> None:
        """Seals what an older version left in clear. Raises Refused("vault-unusable")."""
        self.engine = self._engine = engine
        self.vault = vaults.bind(engine, vault_table, vault_folder, _seal_voters)
        self.claims = Claims(self.vault)

    # --- voters -------------------------------------------------------------------------------------------------

    def import_roll(
        self,
        read: Callable[[Known], Import],
        new_pseudonym: Callable[[], str],
        commit: Callable[[Connection, Sequence[tuple[int, Voter]]], None],
    ) -> Import:
        """Register the voters that `read` finds in a file, given those that are registered; all of them or none.

        `commit` gets the new ones with their numbers. What `read` raises passes through, and nothing has changed.
        """
        with writing(self._engine) as connection:
            lock_roll(connection)
            known = Known()
            for _, found in self.voters(connection):
                known.add(found)
            self.claims.add_applicants(connection, known)
            result = read(known)
            numbered = self.add_voters(connection, result.new, new_pseudonym)
            self.claims.take_voters(connection, numbered)
            commit(connection, numbered)
            return result

    def add_voters(
        self, connection: Connection, voters: Iterable[Voter], new_pseudonym: Callable[[], str]
    ) -> list[tuple[int, Voter]]:
        """Put voters on the roll; gives them with their numbers. The caller sees to their claims."""
        first = (connection.scalar(select(func.max(voter.c.voter))) or 0) + 1
        numbered = list(enumerate(voters, first))
        if numbered:
            connection.execute(insert(voter), [self._row(number, found) for number, found in numbered])
            names = [{"voter": number, "pseudonym": new_pseudonym()} for number, _ in numbered]
            connection.execute(insert(pseudonym), names)
        return numbered

    def voters(self, connection: Connection, *where: Any) -> Iterator[tuple[int, Voter]]:
        """Voters by number."""
        for row in connection.execute(select(voter).where(*where).order_by(voter.c.voter)):
            yield row.voter, self.open_voter(row)

    def open_voter(self, row: Any) -> Voter:
        """The voter of a row."""
        clear = {name: self.vault.open(_place(name, row.voter), getattr(row, name)) for name in SEALED}
        return Voter(country=row.country, entity=row.entity, district=row.district, modality=row.modality, **clear)

    def _row(self, number: int, found: Voter) -> dict[str, Any]:
        sealed = {name: self.vault.seal(_place(name, number), getattr(found, name)) for name in SEALED}
        return {**asdict(found), **sealed, "voter": number, "email_key": self.claims.digest("email", found.email).hex()}

    def number_of(self, connection: Connection, folio: str) -> int | None:
        """The voter with this folio, whatever the modality."""
        return self.claims.voter_of(connection, "folio", folio)

    def set_modality(self, connection: Connection, number: int, modality: str, now: int) -> list[bytes]:
        """Change how a voter votes. Who leaves the Internet loses the credential, which was on no roll yet: gives
        those that were lost."""
        connection.execute(update(voter).where(voter.c.voter == number).values(modality=modality))
        if modality == INTERNET:
            return []
        mine = (credential.c.voter == number) & credential.c.revoked.is_(None)
        lost = list(connection.scalars(select(credential.c.public).where(mine)))
        connection.execute(update(credential).where(mine).values(revoked=now))
        return lost

    def enrolled(self) -> list[Enrolled]:
        """Every voter with the Internet modality, in the order of registration."""
        with self._engine.connect() as connection:
            return list(self._enrolled(connection))

    def by_folio(self, folio: str) -> Enrolled | None:
        """The voter with this folio, where the modality is the Internet."""
        with self._engine.connect() as connection:
            number = self.number_of(connection, folio)
            return next(self._enrolled(connection, voter.c.voter == number), None) if number is not None else None

    def folios(self, numbers: Iterable[int]) -> dict[int, str]:
        """The folios of voters by number."""
        wanted = select(voter.c.voter, voter.c.folio).where(voter.c.voter.in_(set(numbers)))
        with self._engine.connect() as connection:
            return {row[0]: self.vault.open(_place("folio", row[0]), row[1]) for row in connection.execute(wanted)}

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

    def is_current(self, public: bytes) -> bool:
        """Whether a credential was issued and not revoked since."""
        query = select(credential.c.voter).where(credential.c.public == public, credential.c.revoked.is_(None))
        with self._engine.connect() as connection:
            return connection.scalar(query) is not None

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

    # --- other channels -----------------------------------------------------------------------------------------

    def number_by_folio(self, folio: str) -> int | None:
        """The number of the voter with this folio, whatever the modality."""
        with self._engine.connect() as connection:
            return self.number_of(connection, folio)

    def taken(self, number: int) -> tuple[str, str | None] | None:
        """Channel and request of the vote that was taken of a voter."""
        with self._engine.connect() as connection:
            row = connection.execute(select(intake).where(intake.c.voter == number)).one_or_none()
        return None if row is None else (row.channel, row.request)

    def take_in(self, number: int, channel: str, request: str | None, now: int) -> None:
        """Keep that a voter's vote was taken by a channel; the table's key lets only one through."""
        row = {"voter": number, "channel": channel, "request": request, "time": now}
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(intake).values(**row))
        except IntegrityError:
            raise Refused("vote-already-taken", channel=channel) from None

    def block_position(self, number: int) -> int | None:
        """Where the block of a voter stands in the ballot log."""
        order = self.blocked(number)
        return order.position if order is not None else None

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

    def note_access(self, act: str, voters: int, request: str, now: int, *, who: str, subject: str = "") -> None:
        """Note, in the database and in the technical log, that personal data was used, by whom, and whose."""
        row = {"time": now, "request": request, "act": act, "voters": voters, "who": who, "subject": subject}
        with writing(self._engine) as connection:
            connection.execute(insert(access).values(**row))
        _logger.info("personal-data-used", act=act, voters=voters, who=who, subject=subject)

    def accesses(self) -> list[tuple[str, int]]:
        """Act and number of voters of every access, in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(access.c.act, access.c.voters).order_by(access.c.access))
            return [(row.act, row.voters) for row in rows]

    def access_log(self, after: int, limit: int) -> list[dict[str, Any]]:
        """Accesses in order, from the one after number `after` on."""
        query = select(access).where(access.c.access > after).order_by(access.c.access).limit(limit)
        with self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def recent_accesses(self, before: int, limit: int) -> list[dict[str, Any]]:
        """Accesses, the last first, from the one before number `before` on."""
        query = select(access).where(access.c.access < before).order_by(access.c.access.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def _enrolled(self, connection: Connection, *where: Any) -> Iterator[Enrolled]:
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
            email, phone = (self.vault.open(_place(name, row.voter), getattr(row, name)) for name in ("email", "phone"))
            yield Enrolled(row.voter, row.pseudonym, row.entity, row.country, email, phone, row.public)


def lock_roll(connection: Connection) -> int | None:
    """Let nobody else change the roll before this transaction ends; gives since when the roll is frozen, or None."""
    return connection.scalar(select(roll_state.c.frozen).with_for_update())


def _place(column: str, number: int) -> Place:
    return Place("voter", column, str(number))


def _seal_voters(connection: Connection, vault: Vault) -> bool:
    """Seal the voters of a database that was made before there was a vault; gives whether there were any."""
    rows = connection.execute(select(voter)).all()
    claims = Claims(vault)
    for row in rows:
        sealed = {name: vault.seal(_place(name, row.voter), getattr(row, name)) for name in SEALED}
        sealed["email_key"] = claims.digest("email", row.email).hex()
        connection.execute(update(voter).where(voter.c.voter == row.voter).values(**sealed))
    fields = Voter.__dataclass_fields__
    claims.take_voters(
        connection, [(row.voter, Voter(**{name: getattr(row, name) for name in fields})) for row in rows]
    )
    return bool(rows)
