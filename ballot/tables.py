"""The ballot box's tables: accounts by pseudonym, how they sign in, who is signed in, credentials that came too late.

No name stands here, and no ballot: ballots are in the log alone. Contact data, passwords' hashes and secrets of second
factors are sealed (`vemre.service.vault`); of tokens and codes only digests stand here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text

from vemre.service.resealing import Sealed
from vemre.service.vault import vault_table
from vemre.storage.schema import Component

COMPONENT: Final = Component("ballot", Path(__file__).parent / "migrations")
metadata: Final = MetaData()


def _of_account(*, key: bool = True, index: bool = False) -> Column[str]:
    """The account that a row belongs to; the row goes with it."""
    owner = ForeignKey("account.pseudonym", ondelete="CASCADE")
    return Column("pseudonym", Text, owner, primary_key=key, nullable=False, index=index)


account: Final = Table(
    "account",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("urn", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("phone", Text, nullable=False),
    Column("user", LargeBinary, index=True),
)
"""Whom the roll names, and the one credential that each may cast. `contact` and `phone` are sealed; `user` is the
blind index of the e-mail address (NULL where an older version wrote the row, until the store opens)."""

link: Final = Table(
    "link",
    metadata,
    _of_account(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("issued", BigInteger, nullable=False),
    Column("mistakes", Integer, nullable=False),
)
"""Access links that were sent and not used, by the SHA-256 of their token. One with too many mistakes is void."""

access: Final = Table(
    "access",
    metadata,
    _of_account(),
    Column("made", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
)
"""How an account signs in. `made` (32 hex digits) names the first access that made the row; `password` is the sealed
Argon2id hash, `secret` the sealed TOTP secret, `step` the last time step whose code was used. `failures` counts wrong
codes after the right password; until `locked` (POSIX seconds) none is taken from a device that is not known."""

code: Final = Table(
    "code",
    metadata,
    _of_account(),
    Column("digest", LargeBinary, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("mistakes", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("counted_from", BigInteger, nullable=False),
)
"""The one code that was sent by text message last (keyed digest), and how many were sent since `counted_from`."""

session: Final = Table(
    "session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    _of_account(key=False, index=True),
    Column("opened", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)
"""Who is signed in, by the SHA-256 of the session's token."""

spent: Final = Table(
    "spent",
    metadata,
    Column("nonce", Text, primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True),
)
"""Tickets that opened a session, until they would have expired anyway."""

tries: Final = Table(
    "tries",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
)
"""Failures by a blind index of what they are counted for; forgotten at `until`."""

passkey: Final = Table(
    "passkey",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    _of_account(key=False, index=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
)
"""Passkeys. `uses` is the authenticator's own counter."""

recovery: Final = Table(
    "recovery",
    metadata,
    Column("id", Text, primary_key=True),
    _of_account(key=False, index=True),
    Column("reason", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed", BigInteger),
)
"""Accesses that officials make void: one opens, another confirms. `reason` is sealed."""

vault: Final = vault_table(metadata)
"""Which vault sealed the contact data."""

late: Final = Table(
    "late",
    metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("time", BigInteger, nullable=False),
)
"""Credentials whose ballot came after the end of voting: counted, never opened."""

told: Final = Table(
    "told",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""One row: up to which entry of the log voters were told that their ballot is in it."""

SEALED: Final = (
    Sealed(account, "pseudonym", ("contact", "phone")),
    Sealed(access, "pseudonym", ("password", "secret")),
    Sealed(recovery, "id", ("reason",)),
)
"""All sealed columns."""
