"""What the ballot box keeps beside its log: accounts, tokens' digests, late credentials.

Contact data is sealed in the database and clear in `Account` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from ballot.tables import account, late, token
from ballot.tables import vault as vault_table
from vemre.service import vault as vaults
from vemre.service.vault import Place, Vault
from vemre.storage.engine import writing


@dataclass(frozen=True)
class Account:
    """Who may sign in. `credential` is the public one that this account casts, `contact` an e-mail address, `phone` a
    number in the form E.164 ("" where the registry gave none)."""

    pseudonym: str
    urn: str
    contact: str
    phone: str
    credential: bytes

    def __repr__(self) -> str:
        return f"Account({self.pseudonym})"


@dataclass(frozen=True)
class TokenHolder:
    """The account that a token opens, and when the token was issued."""

    account: Account
    issued: int


class BallotStore:
    """The ballot box's rows."""

    def __init__(self, engine: Engine, vault_folder: Path) -> None:
        """Seals what an older version left in clear. Raises Refused("vault-unusable")."""
        self._engine = engine
        self.vault = vaults.bind(engine, vault_table, vault_folder, _seal_accounts)

    def take_roster(self, accounts: Sequence[Account]) -> int:
        """Make the accounts those of the roster; gives how many are new. Accounts that stay keep their tokens."""
        with writing(self._engine) as connection:
            rows = connection.execute(select(account)).all()
            known = {row.pseudonym: self._account(row) for row in rows}
            new = [self._row(found) for found in accounts if found.pseudonym not in known]
            for found in accounts:
                if found.pseudonym in known and known[found.pseudonym] != found:
                    connection.execute(
                        update(account).where(account.c.pseudonym == found.pseudonym).values(**self._row(found))
                    )
            if new:
                connection.execute(insert(account), new)
            return len(new)

    def without_token(self) -> list[Account]:
        """Accounts that no token was issued for."""
        query = select(account).outerjoin(token).where(token.c.digest.is_(None)).order_by(account.c.pseudonym)
        with self._engine.connect() as connection:
            return [self._account(row) for row in connection.execute(query)]

    def add_tokens(self, issued: Sequence[tuple[str, bytes]], now: int) -> None:
        """Keep the digests of new tokens (pseudonym, digest)."""
        rows = [{"pseudonym": pseudonym, "digest": digest, "issued": now} for pseudonym, digest in issued]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(insert(token), rows)

    def holder(self, digest: bytes) -> TokenHolder | None:
        """Whose token has this digest."""
        query = select(account, token.c.issued).join(token).where(token.c.digest == digest)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else TokenHolder(self._account(row), row.issued)

    def digests(self) -> dict[str, bytes]:
        """The digest of every token, by pseudonym."""
        with self._engine.connect() as connection:
            return {row.pseudonym: row.digest for row in connection.execute(select(token.c.pseudonym, token.c.digest))}

    def note_late(self, credential: bytes, now: int) -> None:
        """Count a credential whose ballot came too late, once."""
        with writing(self._engine) as connection:
            if connection.scalar(select(late.c.time).where(late.c.credential == credential)) is None:
                connection.execute(insert(late).values(credential=credential, time=now))

    def late(self) -> int:
        """How many credentials came too late."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(late)) or 0

    def _account(self, row: Any) -> Account:
        contact, phone = (self.vault.open(place, sealed) for place, sealed in _contact_data(row))
        return Account(row.pseudonym, row.urn, contact, phone, row.credential)

    def _row(self, found: Account) -> dict[str, Any]:
        sealed = {place.column: self.vault.seal(place, clear) for place, clear in _contact_data(found)}
        return {"pseudonym": found.pseudonym, "urn": found.urn, "credential": found.credential, **sealed}


def _contact_data(found: Any) -> tuple[tuple[Place, str], ...]:
    """What is sealed of an account, and for which place."""
    return tuple((Place("account", column, found.pseudonym), getattr(found, column)) for column in ("contact", "phone"))


def _seal_accounts(connection: Connection, vault: Vault) -> bool:
    """Seal the accounts of a database that was made before there was a vault; gives whether there were any."""
    rows = connection.execute(select(account)).all()
    for row in rows:
        sealed = {place.column: vault.seal(place, clear) for place, clear in _contact_data(row)}
        connection.execute(update(account).where(account.c.pseudonym == row.pseudonym).values(**sealed))
    return bool(rows)
