"""What the ballot box keeps beside its log: accounts, tokens' digests, late credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, func, insert, select, update

from ballot.tables import account, late, token
from vemre.storage.engine import writing


@dataclass(frozen=True)
class Account:
    """Who may sign in. `credential` is the public one that this account casts."""

    pseudonym: str
    urn: str
    contact: str
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

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take_roster(self, accounts: Sequence[Account]) -> int:
        """Make the accounts those of the roster; gives how many are new. Accounts that stay keep their tokens."""
        with writing(self._engine) as connection:
            rows = connection.execute(select(account)).all()
            known = {row.pseudonym: Account(row.pseudonym, row.urn, row.contact, row.credential) for row in rows}
            new = [asdict(found) for found in accounts if found.pseudonym not in known]
            for found in accounts:
                if found.pseudonym in known and known[found.pseudonym] != found:
                    connection.execute(
                        update(account).where(account.c.pseudonym == found.pseudonym).values(**asdict(found))
                    )
            if new:
                connection.execute(insert(account), new)
            return len(new)

    def without_token(self) -> list[Account]:
        """Accounts that no token was issued for."""
        query = select(account).outerjoin(token).where(token.c.digest.is_(None)).order_by(account.c.pseudonym)
        with self._engine.connect() as connection:
            return [Account(*row) for row in connection.execute(query)]

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
        return None if row is None else TokenHolder(Account(*row[:4]), row.issued)

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
