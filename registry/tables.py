"""The registry's tables. Personal data stands in `voter` alone; `pseudonym` and `credential` tie it to the election.

Only public halves of credentials are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, Table, Text

from vemre.storage.schema import Component

COMPONENT: Final = Component("registry", Path(__file__).parent / "migrations")
metadata: Final = MetaData()

voter: Final = Table(
    "voter",
    metadata,
    Column("voter", Integer, primary_key=True),
    Column("folio", Text, nullable=False, unique=True),
    Column("clave_de_elector", Text, nullable=False, unique=True),
    Column("names", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("district", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("phone", Text, nullable=False, unique=True),
    Column("modality", Text, nullable=False),
)

pseudonym: Final = Table(
    "pseudonym",
    metadata,
    Column("voter", Integer, ForeignKey("voter.voter"), primary_key=True),
    Column("pseudonym", Text, nullable=False, unique=True),
)
"""The name under which the ballot box knows a voter."""

credential: Final = Table(
    "credential",
    metadata,
    Column("public", LargeBinary, primary_key=True),
    Column("voter", Integer, ForeignKey("voter.voter"), nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("revoked", BigInteger),
)
"""Public credentials; a voter has at most one that is not revoked."""

reissue: Final = Table(
    "reissue",
    metadata,
    Column("request", Text, primary_key=True),
    Column("voter", Integer, ForeignKey("voter.voter"), nullable=False),
    Column("old", LargeBinary, nullable=False),
    Column("new", LargeBinary, nullable=False),
)
"""What became of each request to reissue, so that it may be repeated."""

block: Final = Table(
    "block",
    metadata,
    Column("voter", Integer, ForeignKey("voter.voter"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("position", BigInteger),
)
"""Signed orders to block; `position` is the place in the ballot log once the ballot box has answered."""

mark: Final = Table(
    "mark",
    metadata,
    Column("voter", Integer, ForeignKey("voter.voter"), primary_key=True),
    Column("position", BigInteger, nullable=False, unique=True),
)
"""Who voted over the Internet, with the place of the ballot in the ballot log."""

access: Final = Table(
    "access",
    metadata,
    Column("access", Integer, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("request", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("voters", Integer, nullable=False),
)
"""Every access to personal data: when, by which request, for what, to how many voters' data."""
