"""Who is signed in. The rest of the ballot box asks `Sessions` alone and never learns how a voter was recognised.

A session is a row, found by the digest of its token, so that signing out or a recovery ends it at once wherever the
box runs. It lasts `SECONDS`, can be prolonged, and ends after `LONGEST` in any case (REQ-28).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import Connection, Engine, delete, insert, select, update

from ballot.tables import account
from ballot.tables import session as rows
from vemre.service import official
from vemre.storage.engine import writing
from vemre.types import Clock, Random

SECONDS: Final = 30 * 60
LONGEST: Final = 12 * 3600
MOST: Final = 5
"""Sessions of one account; the one that would end first makes room for a further one."""


@dataclass(frozen=True)
class Session:
    """An authenticated voter: the account, the one credential that it casts, since when and until when (POSIX
    seconds)."""

    pseudonym: str
    credential: bytes
    opened: int
    expires: int


class Sessions(Protocol):
    """Recognises voters."""

    def find(self, bearer: str) -> Session | None:
        """The session that a bearer token stands for, or None. Blocking."""

    def find_all(self, bearers: Sequence[str]) -> list[Session | None]:
        """The same for several tokens, in their order, for about the cost of one."""


@dataclass(frozen=True)
class Opened:
    """A new session: its token, which is kept nowhere, and its end."""

    token: str
    expires: int

    def __repr__(self) -> str:
        return "Opened(...)"


class StoredSessions:
    """The sessions of the database."""

    def __init__(self, engine: Engine, clock: Clock, random: Random) -> None:
        self._engine = engine
        self._clock = clock
        self._random = random

    def find(self, bearer: str) -> Session | None:
        """See `Sessions`."""
        return self.find_all([bearer])[0]

    def find_all(self, bearers: Sequence[str]) -> list[Session | None]:
        """See `Sessions`: one read by the key. Looked up by digests, so comparing tells nothing by its time."""
        digests = [official.digest(bearer) for bearer in bearers]
        query = (
            select(rows.c.digest, rows.c.pseudonym, account.c.credential, rows.c.opened, rows.c.expires)
            .join(account)
            .where(rows.c.digest.in_(digests), rows.c.expires > self._clock())
        )
        with self._engine.connect() as connection:
            found = {digest: Session(*row) for digest, *row in connection.execute(query)}
        return [found.get(digest) for digest in digests]

    def open(self, connection: Connection, pseudonym: str) -> Opened:
        """A session with a token of its own, in the caller's transaction."""
        now, token = self._clock(), official.new_token(self._random)
        query = select(rows.c.digest, rows.c.expires).where(rows.c.pseudonym == pseudonym)
        others = connection.execute(query.order_by(rows.c.expires.desc())).all()
        for place, (digest, expires) in enumerate(others, 1):
            if place >= MOST or expires <= now:
                connection.execute(delete(rows).where(rows.c.digest == digest))
        values = {"digest": official.digest(token), "pseudonym": pseudonym, "opened": now, "expires": now + SECONDS}
        connection.execute(insert(rows).values(values))
        return Opened(token, now + SECONDS)

    def prolong(self, bearer: str) -> int | None:
        """Let a session last `SECONDS` from now on; gives its end, None where there is none."""
        session = self.find(bearer)
        if session is None:
            return None
        expires = min(self._clock() + SECONDS, session.opened + LONGEST)
        with writing(self._engine) as connection:
            found = connection.execute(
                update(rows).where(rows.c.digest == official.digest(bearer)).values(expires=expires)
            )
        return expires if found.rowcount else None

    def close(self, bearer: str) -> None:
        """End a session."""
        with writing(self._engine) as connection:
            self.end(connection, bearer)

    def end(self, connection: Connection, bearer: str) -> None:
        """End a session, in the caller's transaction."""
        connection.execute(delete(rows).where(rows.c.digest == official.digest(bearer)))

    def end_all(self, connection: Connection, pseudonym: str) -> None:
        """End the sessions of an account, in the caller's transaction."""
        connection.execute(delete(rows).where(rows.c.pseudonym == pseudonym))
