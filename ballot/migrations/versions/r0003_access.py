"""How voters sign in takes the place of access tokens. `ballot.store` fills `account.user`, when it first opens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _of_account(*, key: bool = True, index: bool = False) -> sa.Column[str]:
    owner = sa.ForeignKey("account.pseudonym", ondelete="CASCADE")
    return sa.Column("pseudonym", sa.Text(), owner, primary_key=key, nullable=False, index=index)


def upgrade() -> None:
    """Create the tables; tokens go."""
    op.drop_table("token")
    op.add_column("account", sa.Column("user", sa.LargeBinary()))
    op.create_index("ix_account_user", "account", ["user"])
    op.create_table(
        "link",
        _of_account(),
        sa.Column("digest", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("mistakes", sa.Integer(), nullable=False),
    )
    op.create_table(
        "access",
        _of_account(),
        sa.Column("made", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "code",
        _of_account(),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("mistakes", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("counted_from", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        _of_account(key=False, index=True),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "spent",
        sa.Column("nonce", sa.Text(), primary_key=True),
        sa.Column("expires", sa.BigInteger(), nullable=False, index=True),
    )
    op.create_table(
        "tries",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False, index=True),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.LargeBinary(), primary_key=True),
        _of_account(key=False, index=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "recovery",
        sa.Column("id", sa.Text(), primary_key=True),
        _of_account(key=False, index=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.Text()),
        sa.Column("confirmed", sa.BigInteger()),
    )
