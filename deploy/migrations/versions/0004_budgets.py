"""Budgets: notices, approvals, presses of the check run's button, and the commit that a check run stands on."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("publication", sa.Column("head_sha", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "notice",
        *_keys("installation_id", "repository_id"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        *_keys("level"),
        *_numbers("noted_at_ms"),
        sa.Column("number", sa.BigInteger(), nullable=True),
        *_texts("says", "state"),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "kind", "about", "level"),
    )
    op.create_table(
        "approval",
        *_keys("installation_id", "repository_id", "comment_id"),
        *_numbers("number"),
        *_texts("by_login"),
        *_numbers("said_at_ms"),
        *_texts("reason"),
        *_numbers("cost_micros", "up_to_micros"),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "comment_id"),
    )
    op.create_table(
        "press",
        *_keys("installation_id", "repository_id", "press_id"),
        *_numbers("number", "by_id"),
        *_texts("by_login"),
        *_numbers("at_ms"),
        sa.PrimaryKeyConstraint("installation_id", "repository_id", "press_id"),
    )


def _keys(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
