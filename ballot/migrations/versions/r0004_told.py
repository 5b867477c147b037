"""Up to where voters were told that their ballot is in the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its row: nobody was told of anything."""
    told = op.create_table(
        "told",
        sa.Column("one", sa.Integer(), primary_key=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(told, [{"one": 1, "position": 0}])
