"""Applications, commitments, intake; who had access. `registry.store` seals what stood in clear when it first opens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is new."""
    for name in ("who", "subject"):
        op.add_column("access", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "vault",
        sa.Column("one", sa.Integer(), primary_key=True),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
    )
    state = op.create_table(
        "roll_state",
        sa.Column("one", sa.Integer(), primary_key=True),
        sa.Column("frozen", sa.BigInteger()),
    )
    op.bulk_insert(state, [{"one": 1, "frozen": None}])
    op.create_table(
        "application",
        sa.Column("application", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("code", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("folio", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("appealed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter")),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
    )
    op.create_index("application_state", "application", ["state", "application"])
    op.create_table(
        "claim",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("application", sa.Integer(), sa.ForeignKey("application.application")),
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter")),
    )
    op.create_index("claim_application", "claim", ["application"])
    op.create_table(
        "commitment",
        sa.Column("commitment", sa.Integer(), primary_key=True),
        sa.Column("application", sa.Integer(), sa.ForeignKey("application.application")),
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter")),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("opening", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), unique=True),
    )
    op.create_index("commitment_application", "commitment", ["application", "number"])
    op.create_index("commitment_voter", "commitment", ["voter", "number"])
    op.create_table(
        "observation",
        sa.Column("observation", sa.Integer(), primary_key=True),
        sa.Column("request", sa.Text(), nullable=False, unique=True),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("time", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "intake",
        sa.Column("voter", sa.Integer(), sa.ForeignKey("voter.voter"), primary_key=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("request", sa.Text()),
        sa.Column("time", sa.BigInteger(), nullable=False),
    )
    op.create_index("voter_place", "voter", ["country", "entity", "district"])
