"""The ledger: charges, who bears them, and what places them."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy import text as sql_text
from sqlmodel import SQLModel

from bot.store.tables.columns import big, big_or_none, key, name, text
from bot.store.usage_columns import COLUMN_TYPES

_COLUMNS = {str: text, int: big, bool: lambda: False, int | None: big_or_none}
_KEY = ("tool", "request_id")
_WAITS = sql_text("done_count < request_count")

# A column for each field of a request.
_Request: Any = type(
    "_Request",
    (SQLModel,),
    {"__module__": __name__, "__annotations__": {name: kind for name, kind in COLUMN_TYPES.items() if name not in _KEY}}
    | {name: _COLUMNS[kind]() for name, kind in COLUMN_TYPES.items() if name not in _KEY},
)


class ChargeRow(_Request, table=True):  # pyright: ignore[reportGeneralTypeIssues, reportCallIssue]
    """A request and its price. `facts` is its work and its other ids, as JSON. `revision` names the current shares; 0: none yet."""

    __tablename__ = "charge"
    __table_args__ = (
        Index("charge_by_session", "account_id", "repository_id", "tool", "session_id"),
        Index("charge_by_time", "account_id", "repository_id", "at_ms"),
        Index("charge_by_change", "account_id", "changed_at_ms"),
    )
    account_id: int = key()
    tool: str = name()
    request_id: str = name()
    repository_id: int = big()
    at_ms: int = big()
    facts: str = text()
    list_micros: int | None = big_or_none()
    cache_saving_micros: int = big()
    billed_micros: int | None = big_or_none()
    billing_mode: str = text("unknown")
    basis: str = text("computed")
    price_book: str = text()
    unpriced: str = text()
    revision: int = big()
    changed_at_ms: int = big()


class RequestAlias(SQLModel, table=True):
    """A further id of a request that is charged as `request_id`."""

    __tablename__ = "request_alias"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    tool: str = name()
    alias: str = name()
    request_id: str = text()


class ShareRow(SQLModel, table=True):
    """Who bears a charge. Append-only: a change is a new revision. `pull_number` None is unattributed."""

    __tablename__ = "share"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("share_by_pull", "account_id", "repository_id", "pull_number"),)
    account_id: int = key()
    tool: str = name()
    request_id: str = name()
    revision: int = key()
    position: int = key()
    repository_id: int = big()
    pull_number: int | None = big_or_none()
    weight: int = big()
    micros: int | None = big_or_none()
    evidence: str = text()
    why: str = text()
    stage: str = text("build")
    decided_at_ms: int = big()


class SessionRow(SQLModel, table=True):
    """A session's part in one repository. `short_id` is `report.short_id`. It waits for attribution while `request_count` is
    ahead of `done_count`."""

    __tablename__ = "session"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("session_by_time", "account_id", "repository_id", "last_at_ms"),
        Index("session_by_id", "account_id", "repository_id", "session_id"),
        Index("session_by_short_id", "account_id", "repository_id", "short_id"),
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
    """A commit as the machine that made it reports it, with its files: GitHub lists a pull request's commits without them."""

    __tablename__ = "commit_fact"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("commit_by_author", "account_id", "repository_id", "author", "at_ms"),)
    account_id: int = key()
    repository_id: int = key()
    sha: str = name()
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


class SuggestionRow(SQLModel, table=True):
    """Unattributed money that nearly fits a pull request, for a person to link. Written anew whenever its session is attributed."""

    __tablename__ = "suggestion"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("suggestion_by_session", "account_id", "repository_id", "tool", "session_id"),)
    account_id: int = key()
    repository_id: int = key()
    number: int = key()
    tool: str = name()
    session_id: str = name()
    requests: int = big()
    unpriced_requests: int = big()
    micros: int | None = big_or_none()
    why: str = text()
