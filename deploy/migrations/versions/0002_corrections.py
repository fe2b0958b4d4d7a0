"""Commands and corrections from pull requests, suggestions, commits as their makers know them, and more of what tools report."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("charge", sa.Column("is_sum", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("charge", sa.Column("reported_micros", sa.BigInteger(), nullable=True))
    op.add_column("charge", sa.Column("credits_micros", sa.BigInteger(), nullable=True))
    op.add_column("charge", sa.Column("provider", sa.Text(), nullable=False, server_default=""))
    op.add_column("pull", sa.Column("said_until_ms", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("pull", sa.Column("comment_on", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_table(
        "commit_fact",
        *_keys("installation_id", "repository_id"),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "sha"),
    )
    op.create_table(
        "suggestion",
        *_keys("installation_id", "repository_id", "number"),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "number", "tool", "session_id"),
    )
    op.create_table(
        "command",
        *_keys("installation_id", "repository_id", "comment_id"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("by_login", sa.Text(), nullable=False),
        sa.Column("said_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "comment_id"),
    )
    op.create_table(
        "correction",
        *_keys("installation_id", "repository_id", "comment_id", "position"),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "comment_id", "position"),
    )


def _keys(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]
