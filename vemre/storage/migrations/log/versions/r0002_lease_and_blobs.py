"""Who may write a log that several instances serve, and the blobs that they share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "log_lease",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name="log_lease_pk"),
        sa.ForeignKeyConstraint(["log_id"], ["log_checkpoint.log_id"], name="log_lease_log"),
    )
    op.create_table(
        "log_blob",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="log_blob_pk"),
    )
