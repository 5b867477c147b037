"""What the ballot box keeps beside its log: accounts and late credentials. `ballot.access` keeps how they sign in.

Contact data is sealed in the database and clear in `Account` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, func, insert, select, update

from ballot.access.addresses import user_key
from ballot.tables import account, late, link
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


class BallotStore:
    """The ballot box's rows."""

    def __init__(self, engine: Engine, vault_folder: Path) -> None:
        """Seals what an older version left in clear. Raises Refused("vault-unusable")."""
        self.engine = engine
        self.vault = vaults.bind(engine, vault_table, vault_folder, _seal_accounts)
        self._index_accounts()

    def take_roster(self, accounts: Sequence[Account]) -> int:
        """Make the accounts those of the roster; gives how many are new.

        Accounts that stay keep how they sign in; those that are not on the roster go, with everything of theirs. A link
        that went to an address which is another one now is void.
        """
        wanted = {found.pseudonym: found for found in accounts}
        with writing(self.engine) as connection:
            rows = connection.execute(select(account)).all()
            known = {row.pseudonym: self._account(row) for row in rows}
            for gone in known.keys() - wanted.keys():
                connection.execute(delete(account).where(account.c.pseudonym == gone))
            for pseudonym in known.keys() & wanted.keys():
                before, now = known[pseudonym], wanted[pseudonym]
                if before != now:
                    connection.execute(update(account).where(account.c.pseudonym == pseudonym).values(**self._row(now)))
                if before.contact != now.contact:
                    connection.execute(delete(link).where(link.c.pseudonym == pseudonym))
            new = [self._row(found) for found in accounts if found.pseudonym not in known]
            if new:
                connection.execute(insert(account), new)
            return len(new)

    def account(self, pseudonym: str) -> Account | None:
        """An account."""
        with self.engine.connect() as connection:
            row = connection.execute(select(account).where(account.c.pseudonym == pseudonym)).one_or_none()
        return None if row is None else self._account(row)

    def account_of_user(self, user: str) -> Account | None:
        """The account with an e-mail address."""
        query = select(account).where(account.c.user == user_key(self.vault, user))
        with self.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else self._account(row)

    def accounts(self, query: Select[Any]) -> list[Account]:
        """The accounts that a query for whole rows of theirs finds."""
        with self.engine.connect() as connection:
            return [self._account(row) for row in connection.execute(query)]

    def note_late(self, credential: bytes, now: int) -> None:
        """Count a credential whose ballot came too late, once."""
        with writing(self.engine) as connection:
            if connection.scalar(select(late.c.time).where(late.c.credential == credential)) is None:
                connection.execute(insert(late).values(credential=credential, time=now))

    def late(self) -> int:
        """How many credentials came too late."""
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(late)) or 0

    def _account(self, row: Any) -> Account:
        contact, phone = (self.vault.open(place, sealed) for place, sealed in _contact_data(row))
        return Account(row.pseudonym, row.urn, contact, phone, row.credential)

    def _row(self, found: Account) -> dict[str, Any]:
        sealed = {place.column: self.vault.seal(place, clear) for place, clear in _contact_data(found)}
        user = user_key(self.vault, found.contact)
        return {"pseudonym": found.pseudonym, "urn": found.urn, "credential": found.credential, "user": user, **sealed}

    def _index_accounts(self) -> None:
        """Let the accounts be found by their address that an older version wrote."""
        lacking = select(account).where(account.c.user.is_(None))
        if self.accounts(lacking.limit(1)):
            with writing(self.engine) as connection:
                for row in connection.execute(lacking).all():
                    user = user_key(self.vault, self._account(row).contact)
                    connection.execute(update(account).where(account.c.pseudonym == row.pseudonym).values(user=user))


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
