"""Telephone numbers, and contact data sealed. `ballot.store` seals what stood in clear, when it first opens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the telephone, and the table that ties the database to its vault."""
    op.add_column("account", sa.Column("phone", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "vault",
        sa.Column("one", sa.Integer(), primary_key=True),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
    )
