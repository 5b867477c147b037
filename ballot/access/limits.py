"""Failures are counted, so that nobody guesses; and nobody's failures keep somebody else out for long.

* `NETWORK`: of a client's network, whatever the account. Many voters may share one, so it allows many.
* `PAIR`: of one user at one network, whether the account exists or not.
* `DEVICE`: of one user at a device where that user has signed in before (a cookie says so). It is counted by itself,
  so failures from elsewhere, from the same network too, never reach it.
* An account: wrong codes after the right password, from devices that are not known (`locked_until`). Whoever does not
  know the password cannot bring it about, and it is not told: the answer is the one to any wrong code.

Why the second factor alone needs a limit by account: a password cannot be tried by itself, since the answer is the
same until the code is right too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, case, delete, select, text
from sqlalchemy.dialects import postgresql, sqlite

from ballot.tables import tries
from vemre.errors import Refused
from vemre.service.vault import Vault


class Limit(NamedTuple):
    """At most `most` failures within `seconds`; then a wait of as long."""

    kind: str
    most: int
    seconds: int


NETWORK: Final = Limit("network", 300, 900)
PAIR: Final = Limit("pair", 10, 900)
DEVICE: Final = Limit("device", 10, 900)

FREE_FAILURES: Final = 10
"""Wrong codes after the right password before an account takes none for a while."""
FAILURES_AGAIN: Final = 5
"""And after how many more each further time."""
_FIRST_LOCK: Final = 15 * 60
_NEXT_LOCKS: Final = 60 * 60
_SWEEP: Final = 100
_FIND: Final = select(tries.c.key, tries.c.count, tries.c.until).where(
    tries.c.key.in_(bindparam("keys", expanding=True))
)


class Counted(NamedTuple):
    """What a failure is counted for."""

    limit: Limit
    key: bytes


def counted(vault: Vault, user_key: str, network: str, device: str | None) -> tuple[Counted, ...]:
    """What an attempt is counted for: a known device for itself, else the network, and the user at it."""
    if device is not None:
        return (Counted(DEVICE, vault.index("device-tries", f"{user_key} {device}")),)
    return (
        of_network(vault, network),
        Counted(PAIR, vault.index("pair-tries", f"{user_key} {network}")),
    )


def of_network(vault: Vault, network: str) -> Counted:
    """What is counted for a client's network."""
    return Counted(NETWORK, vault.index("network-tries", network))


def check_wait(connection: Connection, places: Sequence[Counted], now: int) -> None:
    """Raises Refused("too-many-tries") where an attempt has to wait."""
    seconds = wait(connection, places, now)
    if seconds > 0:
        raise Refused("too-many-tries", retry_after=seconds, minutes=(seconds + 59) // 60)


def one_at_a_time(connection: Connection, places: Sequence[Counted]) -> None:
    """Let attempts of one user at one place follow one another until the end of the transaction, so that many at once
    are counted like many; whether there is such a user does not matter. SQLite lets only one write anyway."""
    if connection.dialect.name == "postgresql":
        key = int.from_bytes(places[-1].key[:8], "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def wait(connection: Connection, places: Sequence[Counted], now: int) -> int:
    """Seconds until an attempt is allowed again; 0 where it is now."""
    keys = [place.key for place in places]
    found = {key: (count, until) for key, count, until in connection.execute(_FIND, {"keys": keys})}
    most = {place.key: place.limit.most for place in places}
    return max((until - now for key, (count, until) in found.items() if count >= most[key]), default=0)


def failed(connection: Connection, places: Iterable[Counted], now: int) -> None:
    """Count a failure. Some rows whose time is over go; those that somebody else writes just now are left to them."""
    over = select(tries.c.key).where(tries.c.until <= now).limit(_SWEEP).with_for_update(skip_locked=True)
    connection.execute(delete(tries).where(tries.c.key.in_(connection.scalars(over).all())))
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for limit, key in places:
        end = now + limit.seconds
        row = insert(tries).values(key=key, count=1, until=end)
        over_now = tries.c.until <= now
        count = case((over_now, 1), else_=tries.c.count + 1)
        # The last failure that is allowed begins the wait.
        until = case((over_now, end), (tries.c.count + 1 >= limit.most, end), else_=tries.c.until)
        again = row.on_conflict_do_update(index_elements=[tries.c.key], set_={"count": count, "until": until})
        connection.execute(again)


def forget(connection: Connection, places: Iterable[Counted]) -> None:
    """A success ends the counting for this user, not for the network."""
    keys = [key for limit, key in places if limit is not NETWORK]
    connection.execute(delete(tries).where(tries.c.key.in_(keys)))


def locked_until(failures: int, now: int) -> int:
    """Until when an account takes no code after its `failures`-th failure in a row; 0 where it goes on taking them."""
    if failures < FREE_FAILURES or (failures - FREE_FAILURES) % FAILURES_AGAIN:
        return 0
    return now + (_FIRST_LOCK if failures == FREE_FAILURES else _NEXT_LOCKS)
