"""Who is signed in. The rest of the ballot box asks `Sessions` alone and never learns how a voter was recognised.

Today a session is an access token that the ballot box sent to the voter's contact address. Passwords and one-time
codes take its place behind the same two protocols.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ballot.store import BallotStore
from vemre.service import official


@dataclass(frozen=True)
class Session:
    """An authenticated voter: the account, the one credential that it casts, and since when (POSIX seconds)."""

    pseudonym: str
    credential: bytes
    opened: int


class Sessions(Protocol):
    """Recognises voters."""

    def find(self, bearer: str) -> Session | None:
        """The session that a bearer token stands for, or None. Blocking."""


class TokenSessions:
    """One token for each account, issued once; it opens nothing but that account's one cast."""

    def __init__(self, store: BallotStore) -> None:
        self._store = store

    def find(self, bearer: str) -> Session | None:
        """See `Sessions`. The token is looked up by its digest, so comparing it tells nothing by its time."""
        holder = self._store.holder(official.digest(bearer))
        if holder is None:
            return None
        return Session(holder.account.pseudonym, holder.account.credential, holder.issued)
