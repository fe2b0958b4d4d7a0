"""The ledger: charges, who bears them, and what places them."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy import text as sql_text
from sqlmodel import SQLModel

from bot.store.tables.columns import big, big_or_none, key, name, small, small_key, small_or_none, text
from bot.store.usage_columns import ORIGIN_TEXTS

_WAITS = sql_text("done_count < request_count")
_HAS_ALIAS = sql_text("alias_hash <> 0")
# Rows stand in the order of their key: https://www.sqlite.org/withoutrowid.html
_BY_KEY = {"sqlite_with_rowid": False}
# And in a partition for each month: `store.months`.
_BY_MONTH = _BY_KEY | {"postgresql_partition_by": "RANGE (charge_id)"}


def _columns(kind: type, names: Any, make: Any) -> Any:
    """A model with a column of this kind for each name."""
    values = {"__module__": __name__, "__annotations__": dict.fromkeys(names, kind), **{name: make() for name in names}}
    return type("_Columns", (SQLModel,), values)


class _ChargeColumns(SQLModel):
    """A request and its price. `charge_id` begins with the time (`charge_ids`), `origin_id` names an `OriginRow`. `aliases` are
    further ids of the request, one a line; `facts` is what few requests have, as JSON, or empty.

    `revision` names the current shares, 0: none yet. Most have one share, which stands here: `reason_id` names its `ReasonRow`, and
    `decided_at_minute` is since 1970. 0: see `ShareRow`.

    Bytes are dear here: an account has 32 bits, as GitHub's `databaseId` of one (https://docs.github.com/en/graphql/reference/objects#user),
    and columns of 8 bytes stand together, which costs PostgreSQL no gaps."""

    account_id: int = small_key()
    revision: int = small()
    charge_id: int = key()
    origin_id: int = big()
    reason_id: int = big()
    at_ms: int = big()
    list_micros: int | None = big_or_none()
    cache_saving_micros: int = big()
    decided_at_minute: int = small()
    output_tokens: int | None = small_or_none()
    cache_read_tokens: int | None = small_or_none()
    cache_write_1h_tokens: int | None = small_or_none()
    cache_write_5m_tokens: int | None = small_or_none()
    uncached_input_tokens: int | None = small_or_none()
    reasoning_tokens: int | None = small_or_none()
    request_id: str = text()
    aliases: str = text()
    facts: str = text()


class ChargeRow(_ChargeColumns, table=True):
    """A charge that counts."""

    __tablename__ = "charge"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("charge_by_origin", "account_id", "origin_id"),
        Index("charge_by_reason", "account_id", "reason_id"),
        _BY_MONTH,
    )


class WithdrawnRow(_ChargeColumns, table=True):
    """A charge that was taken back, as it was: nothing that is summed up reads it. Its shares stay, and `revision` says why."""

    __tablename__ = "withdrawn_charge"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (_BY_KEY,)


class OriginRow(_columns(str, ORIGIN_TEXTS, text), table=True):  # pyright: ignore[reportGeneralTypeIssues, reportCallIssue]
    """What many charges have in common: repository, day in UTC since 1970, tool, session, model, branch, commit, person, price book
    ... `origin_id` is a digest of the rest. `sender` sent them with the token `token_id` (`bot.keys.Sender`). Never changed."""

    __tablename__ = "origin"
    __table_args__ = (
        Index("origin_by_session", "account_id", "tool", "session_id"),
        Index("origin_by_day", "account_id", "repository_id", "utc_day"),
        Index("origin_by_token", "account_id", "token_id", "utc_day"),
        _BY_KEY,
    )
    account_id: int = small_key()
    utc_day: int = small()
    origin_id: int = key()
    repository_id: int = big()
    billing_mode: str = text("unknown")
    basis: str = text("computed")
    price_book: str = text()
    unpriced: str = text()
    sender: str = text()
    token_id: str = text()


class RequestName(SQLModel, table=True):
    """Where to look for the charge of a request, by two of its ids: most have two. The hashes stand for them, `alias_hash` 0 for
    none; whether they are meant, the charge says. `record_digest` is that of a record by the first of them, all of which is in the
    charge (`bot.ingest`). Not cut by month: nobody knows in which month another copy of a request was made."""

    __tablename__ = "request_name"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("request_by_alias", "account_id", "alias_hash", sqlite_where=_HAS_ALIAS, postgresql_where=_HAS_ALIAS),
        _BY_KEY,
    )
    account_id: int = small_key()
    name_hash: int = small_key()
    charge_id: int = key()
    record_digest: int | None = big_or_none()
    alias_hash: int = small()


class ShareRow(SQLModel, table=True):
    """Who bears a charge, where it is split or was borne otherwise before. Append-only: a change is a new revision. `reason_id`
    names a `ReasonRow`."""

    __tablename__ = "share"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("share_by_reason", "account_id", "reason_id"), _BY_MONTH)
    account_id: int = small_key()
    decided_at_minute: int = small()
    charge_id: int = key()
    reason_id: int = big()
    micros: int | None = big_or_none()
    revision: int = small_key()
    position: int = small_key()


class ReasonRow(SQLModel, table=True):
    """What shares have in common: the pull request that bears them (None: they are unattributed), by which part of the weights, and
    why. `reason_id` is a digest of the rest. Never changed."""

    __tablename__ = "reason"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "reason_by_pull",
            "account_id",
            "repository_id",
            "pull_number",
            sqlite_where=sql_text("pull_number IS NOT NULL"),
            postgresql_where=sql_text("pull_number IS NOT NULL"),
        ),
        _BY_KEY,
    )
    account_id: int = key()
    reason_id: int = key()
    repository_id: int = big()
    weight: int = big()
    pull_number: int | None = small_or_none()
    evidence: str = text()
    why: str = text()
    stage: str = text("build")


class SessionRow(SQLModel, table=True):
    """A session's part in one repository. `short_id` is `report.short_id`. It waits for attribution while `request_count` is
    ahead of `done_count`. `changed_at_ms`: a charge of it, or who bears one, changed then for the last time."""

    __tablename__ = "session"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("session_by_time", "account_id", "repository_id", "last_at_ms"),
        Index("session_by_id", "account_id", "repository_id", "session_id"),
        Index("session_by_short_id", "account_id", "repository_id", "short_id"),
        Index("session_by_change", "account_id", "changed_at_ms"),
        Index(
            "session_waiting", "account_id", "repository_id", "last_at_ms", sqlite_where=_WAITS, postgresql_where=_WAITS
        ),
    )
    account_id: int = key()
    repository_id: int = key()
    tool: str = name()
    session_id: str = name()
    short_id: str = text()
    first_at_ms: int = big()
    last_at_ms: int = big()
    request_count: int = big()
    done_count: int = big()
    changed_at_ms: int = big()


class SessionClue(SQLModel, table=True):
    """What a session was attributed by (`attribution.clues`), to find it when that changes: written whenever it is attributed."""

    __tablename__ = "session_clue"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("session_clue_by_text", "account_id", "repository_id", "text", "until_ms", "since_ms"),)
    account_id: int = key()
    repository_id: int = key()
    tool: str = name()
    session_id: str = name()
    text: str = name()
    since_ms: int = big()
    until_ms: int = big()


class CommitRow(SQLModel, table=True):
    """A commit as a machine of its `sender` reports it, with its files: GitHub lists a pull request's commits without them. It is
    no proof, and counts for the sessions of that sender alone. Without a sender it is one of the default branch that GitHub lists
    and that is in no pull request."""

    __tablename__ = "commit_fact"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("commit_by_author", "account_id", "repository_id", "sender", "author", "at_ms"),)
    account_id: int = key()
    repository_id: int = key()
    sha: str = name()
    sender: str = name()
    token_id: str = text()
    facts: str = text()
    author: str = text()
    at_ms: int = big()


class CommitName(SQLModel, table=True):
    """What a reported commit is looked up by (`attribution.clues.names_of`)."""

    __tablename__ = "commit_name"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    text: str = name()
    sha: str = name()
    sender: str = name()


class SuggestionRow(SQLModel, table=True):
    """Unattributed money that nearly fits a pull request, for a person to link, or that looks invented, for a person to confirm.
    Written anew whenever its session is attributed."""

    __tablename__ = "suggestion"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("suggestion_by_session", "account_id", "repository_id", "tool", "session_id"),)
    account_id: int = key()
    repository_id: int = key()
    number: int = key()
    tool: str = name()
    session_id: str = name()
    evidence: str = name()
    requests: int = big()
    unpriced_requests: int = big()
    list_micros: int | None = big_or_none()
    reported_micros: int = big()
    why: str = text()
