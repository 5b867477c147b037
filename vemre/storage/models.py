"""The tables of a log. A service's own tables stand beside them in the same database and the same transactions.

SQLAlchemy Core: rows are bytes and numbers, and no object graph is kept. Source: docs/spec/log.md, writer protocol.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData()

log_checkpoint: Final = Table(
    "log_checkpoint",
    metadata,
    Column("log_id", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log_id", name="log_checkpoint_pk"),
    UniqueConstraint("origin", name="log_checkpoint_origin"),
)
"""The lock row of each log: the latest signed checkpoint, changed by compare-and-swap alone."""

log_entry: Final = Table(
    "log_entry",
    metadata,
    Column("log_id", Integer, ForeignKey("log_checkpoint.log_id", name="log_entry_log"), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log_id", "position", name="log_entry_pk"),
)
"""The entries and their leaf hashes (level 0)."""

log_hash: Final = Table(
    "log_hash",
    metadata,
    Column("log_id", Integer, ForeignKey("log_checkpoint.log_id", name="log_hash_log"), nullable=False),
    Column("level", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log_id", "level", "position", name="log_hash_pk"),
)
"""The hashes of the tiles of level 1 and above."""

log_note: Final = Table(
    "log_note",
    metadata,
    Column("log_id", Integer, ForeignKey("log_checkpoint.log_id", name="log_note_log"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log_id", "size", name="log_note_pk"),
)
"""Every checkpoint that was signed, without cosignatures. The key makes a second one of the same size impossible."""

log_cosignature: Final = Table(
    "log_cosignature",
    metadata,
    Column("log_id", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("vkey", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
    PrimaryKeyConstraint("log_id", "size", "vkey", name="log_cosignature_pk"),
    ForeignKeyConstraint(["log_id", "size"], ["log_note.log_id", "log_note.size"], name="log_cosignature_note"),
)
"""The latest cosignature of each witness key for each size. `vkey` is its name and hex key id."""

log_lease: Final = Table(
    "log_lease",
    metadata,
    Column("log_id", Integer, ForeignKey("log_checkpoint.log_id", name="log_lease_log"), nullable=False),
    Column("holder", Text, nullable=False),
    Column("expires", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("log_id", name="log_lease_pk"),
)
"""Which of several instances writes a log, and until when by the database's clock (PostgreSQL alone)."""

log_blob: Final = Table(
    "log_blob",
    metadata,
    Column("digest", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("digest", name="log_blob_pk"),
)
"""Blobs by SHA-256 in hex, where several instances share them (PostgreSQL alone)."""
