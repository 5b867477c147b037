"""The tables of the log, as they were first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the five tables."""
    op.create_table(
        "log_checkpoint",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name="log_checkpoint_pk"),
        sa.UniqueConstraint("origin", name="log_checkpoint_origin"),
    )
    op.create_table(
        "log_entry",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "position", name="log_entry_pk"),
        sa.ForeignKeyConstraint(["log_id"], ["log_checkpoint.log_id"], name="log_entry_log"),
    )
    op.create_table(
        "log_hash",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "level", "position", name="log_hash_pk"),
        sa.ForeignKeyConstraint(["log_id"], ["log_checkpoint.log_id"], name="log_hash_log"),
    )
    op.create_table(
        "log_note",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "size", name="log_note_pk"),
        sa.ForeignKeyConstraint(["log_id"], ["log_checkpoint.log_id"], name="log_note_log"),
    )
    op.create_table(
        "log_cosignature",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "size", "vkey", name="log_cosignature_pk"),
        sa.ForeignKeyConstraint(["log_id", "size"], ["log_note.log_id", "log_note.size"], name="log_cosignature_note"),
    )
