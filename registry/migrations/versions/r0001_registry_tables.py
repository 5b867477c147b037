"""The registry's own tables, as they were first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "voter",
        sa.Column("voter", sa.Integer(), primary_key=True),
        sa.Column("folio", sa.Text(), nullable=False, unique=True),
        sa.Column("clave_de_elector", sa.Text(), nullable=False, unique=True),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False, unique=True),
        sa.Column("phone", sa.Text(), nullable=False, unique=True),
        sa.Column("modality", sa.Text(), nullable=False),
    )
    op.create_table(
        "pseudonym",
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter"), primary_key=True),
        sa.Column("pseudonym", sa.Text(), nullable=False, unique=True),
    )
    op.create_table(
        "credential",
        sa.Column("public", sa.LargeBinary(), primary_key=True),
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter"), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger()),
    )
    op.create_index(
        "credential_current",
        "credential",
        ["voter"],
        unique=True,
        sqlite_where=sa.text("revoked IS NULL"),
        postgresql_where=sa.text("revoked IS NULL"),
    )
    op.create_table(
        "reissue",
        sa.Column("request", sa.Text(), primary_key=True),
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter"), nullable=False),
        sa.Column("old", sa.LargeBinary(), nullable=False),
        sa.Column("new", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "block",
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter"), primary_key=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger()),
    )
    op.create_table(
        "mark",
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter"), primary_key=True),
        sa.Column("position", sa.BigInteger(), nullable=False, unique=True),
    )
    op.create_table(
        "access",
        sa.Column("access", sa.Integer(), primary_key=True),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("voters", sa.Integer(), nullable=False),
    )
