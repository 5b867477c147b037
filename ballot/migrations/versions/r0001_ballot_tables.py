"""The ballot box's own tables, as they were first."""

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
        "account",
        sa.Column("pseudonym", sa.Text(), primary_key=True),
        sa.Column("urn", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False, unique=True),
    )
    op.create_table(
        "token",
        sa.Column("pseudonym", sa.Text(), sa.ForeignKey("account.pseudonym"), primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "late",
        sa.Column("credential", sa.LargeBinary(), primary_key=True),
        sa.Column("time", sa.BigInteger(), nullable=False),
    )
