"""The tally's own tables, as they were first."""

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
        "drill_share",
        sa.Column("context", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True),
        sa.Column("trustee", sa.Text(), primary_key=True),
        sa.Column("share", sa.LargeBinary(), nullable=False),
    )
