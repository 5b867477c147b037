"""The rows of access: links, how accounts sign in, codes that were sent, tickets that were used.

Every function works in the caller's transaction. A row that decides about somebody is read for update, so that two
attempts that come together, be it at two instances, are two attempts.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ballot.access import factors
from ballot.access.factors import Method
from ballot.tables import access, account, code, link, spent
from vemre.service.vault import Place, Vault
from vemre.types import Random

MOST_MISTAKES: Final = 10
"""Wrong digits after which an access link is void."""
CODE_SECONDS: Final = 10 * 60
CODE_MISTAKES: Final = 5
CODES_SENT: Final = 10
"""Text messages to one account within `CODES_WITHIN` seconds."""
CODES_WITHIN: Final = 60 * 60
_SWEEP: Final = 100


# --- access links ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """A link that was sent and not used, and the sealed contact data of its account."""

    pseudonym: str
    mistakes: int
    contact: str
    phone: str

    def __repr__(self) -> str:
        return f"Link({self.pseudonym})"


def lacking() -> Select[Any]:
    """The accounts that have no access and no link to make one with."""
    good = select(link.c.pseudonym).where(link.c.mistakes < MOST_MISTAKES)
    return (
        select(account)
        .where(account.c.pseudonym.not_in(select(access.c.pseudonym)), account.c.pseudonym.not_in(good))
        .order_by(account.c.pseudonym)
    )


def put_links(connection: Connection, made: Sequence[tuple[str, bytes]], now: int) -> None:
    """Keep new links (pseudonym, digest); older ones of the same accounts are void."""
    for pseudonym, digest in made:
        connection.execute(delete(link).where(link.c.pseudonym == pseudonym))
        connection.execute(insert(link).values(pseudonym=pseudonym, digest=digest, issued=now, mistakes=0))


def find_link(connection: Connection, digest: bytes) -> Link | None:
    """The link that is not used and not void."""
    query = (
        select(link.c.pseudonym, link.c.mistakes, account.c.contact, account.c.phone)
        .join(account)
        .where(link.c.digest == digest, link.c.mistakes < MOST_MISTAKES)
        .with_for_update(of=link)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Link(*row)


def knows_link(connection: Connection, digest: bytes) -> bool:
    """Whether a link was sent and is neither used nor void."""
    query = select(link.c.pseudonym).where(link.c.digest == digest, link.c.mistakes < MOST_MISTAKES)
    return connection.scalar(query) is not None


def mistaken(connection: Connection, digest: bytes) -> None:
    """Somebody gave wrong digits with this link."""
    connection.execute(update(link).where(link.c.digest == digest).values(mistakes=link.c.mistakes + 1))


# --- how an account signs in -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Access:
    """A row of `ballot.tables.access`, opened."""

    pseudonym: str
    made: str
    password: str
    method: Method
    secret: str
    step: int
    failures: int
    locked: int

    def __repr__(self) -> str:
        return f"Access({self.pseudonym})"


def access_of(connection: Connection, vault: Vault, pseudonym: str, *, lock: bool = False) -> Access | None:
    """How an account signs in; with `lock` nobody else changes it meanwhile."""
    query = select(access).where(access.c.pseudonym == pseudonym)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _access(vault, row)


def access_of_user(connection: Connection, vault: Vault, user: bytes) -> Access | None:
    """How the account with this address signs in."""
    row = connection.execute(select(access).join(account).where(account.c.user == user)).one_or_none()
    return None if row is None else _access(vault, row)


def _access(vault: Vault, row: Any) -> Access:
    password, secret = (
        vault.open(Place("access", name, row.pseudonym), getattr(row, name)) for name in ("password", "secret")
    )
    return Access(row.pseudonym, row.made, password, row.method, secret, row.step, row.failures, row.locked)


def put_access(connection: Connection, vault: Vault, made: Access, now: int) -> None:
    """An account signs in so from now on; its link is used up."""
    pseudonym = made.pseudonym
    connection.execute(delete(link).where(link.c.pseudonym == pseudonym))
    drop_access(connection, pseudonym)
    sealed = {
        name: vault.seal(Place("access", name, pseudonym), getattr(made, name)) for name in ("password", "secret")
    }
    plain = {name: getattr(made, name) for name in ("pseudonym", "made", "method", "step", "failures", "locked")}
    connection.execute(insert(access).values(**plain, **sealed, since=now))


def drop_access(connection: Connection, pseudonym: str) -> None:
    """An account signs in no more."""
    connection.execute(delete(access).where(access.c.pseudonym == pseudonym))
    connection.execute(delete(code).where(code.c.pseudonym == pseudonym))


def set_access(connection: Connection, pseudonym: str, **values: int) -> None:
    """Change `step`, `failures`, `locked`."""
    connection.execute(update(access).where(access.c.pseudonym == pseudonym).values(**values))


# --- codes in text messages ------------------------------------------------------------------------------------


def put_code(connection: Connection, vault: Vault, pseudonym: str, now: int, random: Random) -> str | None:
    """A fresh code for an account, which takes the place of the one before; None where too many were sent lately: then
    the one before stays good."""
    row = connection.execute(select(code).where(code.c.pseudonym == pseudonym).with_for_update()).one_or_none()
    sent, counted_from = (row.sent, row.counted_from) if row is not None else (0, now)
    if now >= counted_from + CODES_WITHIN:
        sent, counted_from = 0, now
    if sent >= CODES_SENT:
        return None
    made = factors.new_code(random)
    values = {
        "digest": factors.code_digest(vault, pseudonym, made),
        "expires": now + CODE_SECONDS,
        "mistakes": 0,
        "sent": sent + 1,
        "counted_from": counted_from,
    }
    if row is None:
        connection.execute(insert(code).values(pseudonym=pseudonym, **values))
    else:
        connection.execute(update(code).where(code.c.pseudonym == pseudonym).values(**values))
    return made


def take_code(connection: Connection, vault: Vault, pseudonym: str, given: str, now: int) -> bool:
    """Whether this is the code that was sent last; then it is used up. A wrong one is counted."""
    row = connection.execute(select(code).where(code.c.pseudonym == pseudonym).with_for_update()).one_or_none()
    digest = factors.code_digest(vault, pseudonym, given)
    if row is None or row.mistakes >= CODE_MISTAKES or now >= row.expires:
        return False
    right = hmac.compare_digest(row.digest, digest)
    # How many were sent stays known.
    values = {"expires": now} if right else {"mistakes": row.mistakes + 1}
    connection.execute(update(code).where(code.c.pseudonym == pseudonym).values(**values))
    return right


# --- tickets ---------------------------------------------------------------------------------------------------


def spend(connection: Connection, nonce: str, expires: int, now: int) -> bool:
    """Whether a ticket is used for the first time; then it is used up. From time to time rows go whose time is over."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    first = dialect.insert(spent).values(nonce=nonce, expires=expires).on_conflict_do_nothing()
    if not connection.execute(first).rowcount:
        return False
    if nonce.startswith("0"):
        over = select(spent.c.nonce).where(spent.c.expires <= now).limit(_SWEEP).with_for_update(skip_locked=True)
        connection.execute(delete(spent).where(spent.c.nonce.in_(connection.scalars(over).all())))
    return True
