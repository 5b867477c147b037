"""The tables of a witness: what it cosigned, saw, verified, found and let in late.

Beside them stands a mirror on disk (`audit.witness.mirror`), which these rows say how far to believe.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

from vemre.storage.schema import Component

COMPONENT: Final = Component("witness", Path(__file__).parent / "migrations")
metadata: Final = MetaData()

cosigned: Final = Table(
    "witness_cosigned",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("time", BigInteger, nullable=False),
)
"""The last checkpoint of each log that was cosigned, with the log's line alone, and the time of the cosignature.
Changed by compare-and-swap alone; a log that was never cosigned has size 0 and an empty note."""

seen: Final = Table(
    "witness_seen",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("root", LargeBinary, primary_key=True),
    Column("note", LargeBinary, nullable=False),
    Column("time", BigInteger, nullable=False),
)
"""Every checkpoint that bears the log's signature, as it was first seen."""

verified: Final = Table(
    "witness_verified",
    metadata,
    Column("mirror", Text, primary_key=True),
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("told", BigInteger, nullable=False),
)
"""How many entries of each log are verified and durable in a mirror, and of how many the listeners were told."""

state: Final = Table(
    "witness_state",
    metadata,
    Column("mirror", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("sizes", Text, nullable=False),
)
"""The digest of the verified state at some recent sizes of the logs (a JSON object), for a replay to compare with."""

finding: Final = Table(
    "witness_finding",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("fact", Text, nullable=False),
    Column("check", Text, nullable=False),
    Column("place", Text),
    Column("party", Text),
    Column("detail", Text, nullable=False),
    Column("provable", Boolean, nullable=False),
    Column("stops", Text),
    Column("evidence", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    UniqueConstraint("fact", name="witness_finding_fact"),
)
"""Findings, each fact once. `stops` is the origin of the log that is never cosigned again; ``*`` is the election."""

late: Final = Table(
    "witness_late",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
)
"""How much of the ballot log counts as in time although this witness had not seen it by the end: cosigned in time by
another auditor (``auditor``), or admitted by the auditor's people (``admitted``)."""
