"""The tally's own tables: shares of the next drill, until it is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text

from vemre.storage.schema import Component

COMPONENT: Final = Component("tally", Path(__file__).parent / "migrations")
metadata: Final = MetaData()

drill_share: Final = Table(
    "drill_share",
    metadata,
    Column("context", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("trustee", Text, primary_key=True),
    Column("share", LargeBinary, nullable=False),
)
"""Verified shares, by the key generation's context (hex), the drill's number and the trustee; `share` is canonical
JSON."""
