"""Outcomes of pull requests, issues, weekly issues, runs in CI, and tokens that read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("pull", sa.Column("details", sa.Text(), nullable=False, server_default=""))
    op.add_column("charge", sa.Column("ci_ref", sa.Text(), nullable=False, server_default=""))
    op.create_index("charge_by_time", "charge", ["installation_id", "repository_id", "at_ms"])
    op.add_column("ingest_token", sa.Column("may", sa.Text(), nullable=False, server_default="ingest"))
    op.add_column("repository", sa.Column("issues_seen_until_ms", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("repository", sa.Column("week_done", sa.Text(), nullable=False, server_default=""))
    op.add_column("repository", sa.Column("week_due_at_ms", sa.BigInteger(), nullable=False, server_default="0"))
    # What pull requests say of themselves was not kept: look at the recent ones again.
    op.execute("UPDATE repository SET pulls_seen_until_ms = 0")
    op.create_table(
        "issue",
        *_keys("installation_id", "repository_id", "number"),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("said_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "number"),
    )
    op.create_table(
        "week",
        *_keys("installation_id", "repository_id"),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("in_repository_id", sa.BigInteger(), nullable=False),
        sa.Column("issue_number", sa.BigInteger(), nullable=True),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "week"),
    )


def _keys(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]
