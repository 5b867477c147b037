"""The ballot box's tables: accounts by pseudonym, digests of access tokens, credentials that came too late.

No name stands here, and no ballot: ballots are in the log alone. `contact` and `phone` are sealed
(`vemre.service.vault`); only `ballot.store` opens them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, MetaData, Table, Text

from vemre.service.vault import vault_table
from vemre.storage.schema import Component

COMPONENT: Final = Component("ballot", Path(__file__).parent / "migrations")
metadata: Final = MetaData()

account: Final = Table(
    "account",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("urn", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("phone", Text, nullable=False),
)
"""Who may sign in, and the one credential that each may cast."""

token: Final = Table(
    "token",
    metadata,
    Column("pseudonym", Text, ForeignKey("account.pseudonym"), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("issued", BigInteger, nullable=False),
)
"""Access tokens, by their SHA-256."""

vault: Final = vault_table(metadata)
"""Which vault sealed the contact data."""

late: Final = Table(
    "late",
    metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("time", BigInteger, nullable=False),
)
"""Credentials whose ballot came after the end of voting: counted, never opened."""
