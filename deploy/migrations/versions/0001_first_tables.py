"""The tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


# Without statistics SQLite believes that about ten rows begin with the same account, and that any other index is not worth it
# (https://www.sqlite.org/fileformat2.html#stat1tab). So many rows there are, and so many with the same first column, first two ...
_STATISTICS = [
    {"tbl": table, "idx": index, "stat": stat}
    for table, index, stat in (
        ("charge", "charge", "1000000 500000 1"),
        ("charge", "charge_by_origin", "1000000 500000 10"),
        ("charge", "charge_by_reason", "1000000 500000 100"),
        ("origin", "origin", "100000 50000 1"),
        ("origin", "origin_by_session", "100000 50000 20000 5"),
        ("origin", "origin_by_day", "100000 50000 5000 20"),
        ("origin", "origin_by_token", "100000 50000 1000 20"),
        ("request_name", "request_name", "1000000 500000 1 1"),
        ("request_name", "request_by_alias", "1000000 500000 1"),
        ("share", "share", "1000000 500000 2 1 1"),
        ("share", "share_by_reason", "1000000 500000 50"),
        ("reason", "reason", "100000 50000 1"),
        ("reason", "reason_by_pull", "100000 50000 5000 3"),
        ("day_sender", "day_sender", "10000 5000 1000 5 1"),
        ("day_sender", "day_sender_by_author", "10000 5000 1000 50 1"),
        ("day_sum", "day_sum", "100000 50000 10000 50 5 4 3 2 1"),
        ("day_sum", "day_sum_by_pull", "100000 50000 10000 20"),
        ("command", "sqlite_autoindex_command_1", "10000 5000 500 1"),
        ("command", "command_by_pull", "10000 5000 500 2"),
        ("reference", "sqlite_autoindex_reference_1", "100000 50000 5000 2 1"),
        ("reference", "reference_by_number", "100000 50000 5000 3"),
        ("session", "sqlite_autoindex_session_1", "100000 50000 5000 1000 1"),
        ("session", "session_by_change", "100000 50000 2"),
        ("session", "session_by_id", "100000 50000 5000 1"),
        ("session", "session_by_short_id", "100000 50000 5000 1"),
        ("session", "session_by_time", "100000 50000 5000 2"),
        ("session_clue", "sqlite_autoindex_session_clue_1", "1000000 500000 50000 10000 10 1"),
        ("session_clue", "session_clue_by_text", "1000000 500000 50000 20 2 1"),
    )
]


def upgrade() -> None:
    _make_account_to_job()
    _make_notice_to_week()
    _save_statistics()


def _make_account_to_job() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("next_write_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("writes_spread_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("not_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("limit_pause_ms", sa.BigInteger(), nullable=False),
        sa.Column("ledger_checked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ledger_errors", sa.BigInteger(), nullable=False),
        sa.Column("kept_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("removed_before_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_index("account_by_removal", "account", ["removed_before_ms"])
    unread = sa.text("removed_before_ms < kept_from_ms")
    op.create_index("account_to_remove", "account", ["account_id"], sqlite_where=unread, postgresql_where=unread)
    op.create_table(
        "approval",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("comment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("by_login", sa.Text(), nullable=False),
        sa.Column("approved_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.Column("up_to_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "comment_id"),
    )
    op.create_table(
        "charge",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin_id", sa.BigInteger(), nullable=False),
        sa.Column("reason_id", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("list_micros", sa.BigInteger(), nullable=True),
        sa.Column("cache_saving_micros", sa.BigInteger(), nullable=False),
        sa.Column("decided_at_minute", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=True),
        sa.Column("cache_read_tokens", sa.Integer(), nullable=True),
        sa.Column("cache_write_1h_tokens", sa.Integer(), nullable=True),
        sa.Column("cache_write_5m_tokens", sa.Integer(), nullable=True),
        sa.Column("uncached_input_tokens", sa.Integer(), nullable=True),
        sa.Column("reasoning_tokens", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "charge_id"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (charge_id)",
    )
    op.create_index("charge_by_origin", "charge", ["account_id", "origin_id"])
    op.create_index("charge_by_reason", "charge", ["account_id", "reason_id"])
    op.create_table(
        "command",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("comment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("by_login", sa.Text(), nullable=False),
        sa.Column("commented_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("is_answered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "comment_id"),
    )
    op.create_index("command_by_pull", "command", ["account_id", "repository_id", "number"])
    op.create_table(
        "commit_fact",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "sha", "sender"),
    )
    op.create_index("commit_by_author", "commit_fact", ["account_id", "repository_id", "sender", "author", "at_ms"])
    op.create_table(
        "commit_name",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "text", "sha", "sender"),
    )
    op.create_table(
        "correction",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("comment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "comment_id", "position"),
    )
    op.create_index("correction_by_session", "correction", ["account_id", "repository_id", "session_id"])
    op.create_table(
        "day_sender",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "day", "author"),
        sqlite_with_rowid=False,
    )
    op.create_index("day_sender_by_author", "day_sender", ["account_id", "repository_id", "author", "day"])
    op.create_table(
        "day_sum",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("pull_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("reported_micros", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("unpriced_parts", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("unpriced_requests", sa.BigInteger(), nullable=False),
        sa.Column("requests_with_tokens", sa.BigInteger(), nullable=False),
        sa.Column("uncached_input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_saving_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "repository_id", "day", "pull_number", "stage", "evidence", "tool", "model"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("day_sum_by_pull", "day_sum", ["account_id", "repository_id", "pull_number"])
    op.create_table(
        "issue",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("comments_read_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "number"),
    )
    op.create_index("issue_by_close", "issue", ["account_id", "repository_id", "closed_at_ms"])
    op.create_table(
        "job",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request_count", sa.BigInteger(), nullable=False),
        sa.Column("done_count", sa.BigInteger(), nullable=False),
        sa.Column("run_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "kind", "repository_id", "number"),
    )
    waits = sa.text("done_count < request_count")
    in_order = ["account_id", "kind", "lease_until_ms", "run_at_ms", "repository_id", "number"]
    op.create_index("job_waiting", "job", in_order, sqlite_where=waits, postgresql_where=waits)
    op.create_index("job_by_time", "job", ["run_at_ms"], sqlite_where=waits, postgresql_where=waits)
    refused = sa.text("last_error <> '' AND done_count >= request_count")
    op.create_index(
        "job_refused", "job", ["account_id", "repository_id"], sqlite_where=refused, postgresql_where=refused
    )


def _make_notice_to_week() -> None:
    op.create_table(
        "notice",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "kind", "about", "level"),
    )
    op.create_table(
        "origin",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("utc_day", sa.Integer(), nullable=False),
        sa.Column("origin_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("speed", sa.Text(), nullable=False),
        sa.Column("service_tier", sa.Text(), nullable=False),
        sa.Column("inference_geo", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("commit", sa.Text(), nullable=False),
        sa.Column("ci_ref", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("context_source", sa.Text(), nullable=False),
        sa.Column("billing_mode", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("price_book", sa.Text(), nullable=False),
        sa.Column("unpriced", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "origin_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("origin_by_session", "origin", ["account_id", "tool", "session_id"])
    op.create_index("origin_by_day", "origin", ["account_id", "repository_id", "utc_day"])
    op.create_index("origin_by_token", "origin", ["account_id", "token_id", "utc_day"])
    op.create_table(
        "presence",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "number", "text"),
    )
    op.create_index("presence_by_text", "presence", ["account_id", "repository_id", "text", "until_ms", "from_ms"])
    op.create_table(
        "press",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("press_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("by_login", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "press_id"),
    )
    op.create_table(
        "quote",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "number", "at_ms"),
    )
    op.create_table(
        "stranger",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "user_id"),
    )
    op.create_table(
        "publication",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("comment_id", sa.BigInteger(), nullable=True),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "number", "kind"),
    )
    op.create_table(
        "pull",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("merged_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("comments_read_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("comment_on", sa.Boolean(), nullable=False),
        sa.Column("comment_due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("skip", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "number"),
    )
    op.create_index("pull_by_close", "pull", ["account_id", "repository_id", "closed_at_ms"])
    op.create_index("pull_by_merge", "pull", ["account_id", "repository_id", "merged_at_ms"])
    op.create_table(
        "reason",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("pull_number", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "reason_id"),
        sqlite_with_rowid=False,
    )
    is_attributed = sa.text("pull_number IS NOT NULL")
    op.create_index(
        "reason_by_pull", "reason", ["account_id", "repository_id", "pull_number"],
        sqlite_where=is_attributed, postgresql_where=is_attributed,
    )  # fmt: skip
    op.create_table(
        "reference",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "text", "number"),
    )
    op.create_index("reference_by_number", "reference", ["account_id", "repository_id", "number"])
    op.create_table(
        "repository",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("default_branch", sa.Text(), nullable=False),
        sa.Column("default_sha", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("pulls_read_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("issues_read_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("comments_read_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("settings_text", sa.Text(), nullable=False),
        sa.Column("settings_read_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("newest_week", sa.Text(), nullable=False),
        sa.Column("week_due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("usual", sa.Text(), nullable=False),
        sa.Column("usual_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id"),
    )
    op.create_index("repository_by_id", "repository", ["repository_id"])
    op.create_table(
        "repository_name",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("repository_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name"),
    )
    op.create_table(
        "request_name",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name_hash", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("charge_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_digest", sa.BigInteger(), nullable=True),
        sa.Column("alias_hash", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name_hash", "charge_id"),
        sqlite_with_rowid=False,
    )
    has_alias = sa.text("alias_hash <> 0")
    op.create_index(
        "request_by_alias", "request_name", ["account_id", "alias_hash"],
        sqlite_where=has_alias, postgresql_where=has_alias,
    )  # fmt: skip
    op.create_table(
        "session",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("short_id", sa.Text(), nullable=False),
        sa.Column("first_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("request_count", sa.BigInteger(), nullable=False),
        sa.Column("done_count", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "tool", "session_id"),
    )
    op.create_index("session_by_change", "session", ["account_id", "changed_at_ms"])
    op.create_index("session_by_time", "session", ["account_id", "repository_id", "last_at_ms"])
    op.create_index("session_by_id", "session", ["account_id", "repository_id", "session_id"])
    op.create_index("session_by_short_id", "session", ["account_id", "repository_id", "short_id"])
    is_waiting = sa.text("done_count < request_count")
    op.create_index(
        "session_waiting", "session", ["account_id", "repository_id", "last_at_ms"],
        sqlite_where=is_waiting, postgresql_where=is_waiting,
    )  # fmt: skip
    op.create_table(
        "session_clue",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "tool", "session_id", "text"),
    )
    op.create_index(
        "session_clue_by_text", "session_clue", ["account_id", "repository_id", "text", "until_ms", "since_ms"]
    )
    op.create_table(
        "share",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("decided_at_minute", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason_id", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "charge_id", "revision", "position"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (charge_id)",
    )
    op.create_index("share_by_reason", "share", ["account_id", "reason_id"])
    op.create_table(
        "suggestion",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("unpriced_requests", sa.BigInteger(), nullable=False),
        sa.Column("list_micros", sa.BigInteger(), nullable=True),
        sa.Column("reported_micros", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "number", "tool", "session_id", "evidence"),
    )
    op.create_index("suggestion_by_session", "suggestion", ["account_id", "repository_id", "tool", "session_id"])
    op.create_table(
        "token",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("may", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("user_login", sa.Text(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "token_id"),
        sa.UniqueConstraint("secret_sha256"),
    )
    op.create_table(
        "webhook",
        sa.Column("app_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("read_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app_id"),
    )
    op.create_table(
        "week",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("repository_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("in_repository_id", sa.BigInteger(), nullable=False),
        sa.Column("issue_number", sa.BigInteger(), nullable=True),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "repository_id", "week"),
    )
    op.create_table(
        "withdrawn_charge",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin_id", sa.BigInteger(), nullable=False),
        sa.Column("reason_id", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("list_micros", sa.BigInteger(), nullable=True),
        sa.Column("cache_saving_micros", sa.BigInteger(), nullable=False),
        sa.Column("decided_at_minute", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=True),
        sa.Column("cache_read_tokens", sa.Integer(), nullable=True),
        sa.Column("cache_write_1h_tokens", sa.Integer(), nullable=True),
        sa.Column("cache_write_5m_tokens", sa.Integer(), nullable=True),
        sa.Column("uncached_input_tokens", sa.Integer(), nullable=True),
        sa.Column("reasoning_tokens", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "charge_id"),
        sqlite_with_rowid=False,
    )


def _save_statistics() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ANALYZE")  # makes the table of statistics
        op.bulk_insert(sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat")), _STATISTICS)
        op.execute("ANALYZE sqlite_schema")  # reads it
