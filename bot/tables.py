"""The database: one set of tables for SQLite and PostgreSQL. `installation_id` is in every key.

Times are UTC milliseconds, money is micro-dollars. Ids are GitHub's numbers, which survive renames.
"""

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel

# Columns are not shared between tables, so each field needs its own: these make them.


def _key() -> int:
    return Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})


def _name() -> str:
    return Field(primary_key=True, sa_type=Text)


def _big() -> int:
    return Field(default=0, sa_type=BigInteger)


def _big_or_none() -> int | None:
    return Field(default=None, sa_type=BigInteger)


def _text(default: str = "") -> str:
    return Field(default=default, sa_type=Text)


class Installation(SQLModel, table=True):
    """`next_write_at_ms` spaces writes to GitHub, `not_before_ms` is set while GitHub limits us."""

    installation_id: int = _key()
    account: str = _text()
    active: bool = True
    next_write_at_ms: int = _big()
    not_before_ms: int = _big()


class Repository(SQLModel, table=True):
    """`week_done` is the last ISO week (`2026-W47`) whose issue was made or had no cause, `week_due_at_ms` when to look for the
    next."""

    installation_id: int = _key()
    repository_id: int = _key()
    full_name: str = _text()
    private: bool = True
    default_branch: str = _text("main")
    active: bool = True
    pulls_seen_until_ms: int = _big()
    issues_seen_until_ms: int = _big()
    settings_text: str = _text()
    settings_read_at_ms: int = _big()
    week_done: str = _text()
    week_due_at_ms: int = _big()


class RepositoryName(SQLModel, table=True):
    """Every name a repository had, in lower case: logs say the name of their day."""

    __tablename__ = "repository_name"  # pyright: ignore[reportAssignmentType]
    installation_id: int = _key()
    name: str = _name()
    repository_id: int = _big()


class Pull(SQLModel, table=True):
    """`facts` is a `PullRequest` as JSON, `details` an `outcome.Details`; the rest serves queries and the comment.
    `said_until_ms`: its conversation is read until then. `comment_on` False: a person switched our comment off here."""

    installation_id: int = _key()
    repository_id: int = _key()
    number: int = _key()
    facts: str = _text()
    details: str = _text()
    head_sha: str = _text()
    created_at_ms: int = _big()
    closed_at_ms: int | None = _big_or_none()
    updated_at_ms: int = _big()
    said_until_ms: int = _big()
    comment_on: bool = True


class IssueRow(SQLModel, table=True):
    """An issue that is no pull request. `facts` is an `issues.Issue` as JSON."""

    __tablename__ = "issue"  # pyright: ignore[reportAssignmentType]
    installation_id: int = _key()
    repository_id: int = _key()
    number: int = _key()
    facts: str = _text()
    updated_at_ms: int = _big()
    said_until_ms: int = _big()


class WeekRow(SQLModel, table=True):
    """The weekly issue of a repository: which issue of which repository it is, and what it says. One row a repository and ISO
    week; `issue_number` None: none was made, since the week was quiet or it is not made yet."""

    __tablename__ = "week"  # pyright: ignore[reportAssignmentType]
    installation_id: int = _key()
    repository_id: int = _key()
    week: str = _name()
    in_repository_id: int = _big()
    issue_number: int | None = _big_or_none()
    body_sha256: str = _text()
    as_of: int = _big()
    is_closed: bool = False
    state: str = _text("live")


class ChargeRow(SQLModel, table=True):
    """A request and its price. `facts` holds edited files and commits as JSON. `revision` names the current shares; 0: none yet."""

    __tablename__ = "charge"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("charge_by_session", "installation_id", "repository_id", "tool", "session_id"),
        Index("charge_by_time", "installation_id", "repository_id", "at_ms"),
    )
    installation_id: int = _key()
    tool: str = _name()
    request_id: str = _name()
    repository_id: int = _big()
    session_id: str = _text()
    agent_id: str = _text()
    at_ms: int = _big()
    model: str = _text()
    uncached_input_tokens: int = _big()
    cache_read_tokens: int = _big()
    cache_write_5m_tokens: int = _big()
    cache_write_1h_tokens: int = _big()
    output_tokens: int = _big()
    reasoning_tokens: int = _big()
    web_search_requests: int = _big()
    tokens_known: bool = True
    is_sum: bool = False
    reported_micros: int | None = _big_or_none()
    credits_micros: int | None = _big_or_none()
    provider: str = _text()
    speed: str = _text()
    service_tier: str = _text()
    inference_geo: str = _text()
    branch: str = _text()
    commit: str = _text()
    author: str = _text()
    ci_ref: str = _text()
    facts: str = _text()
    list_micros: int | None = _big_or_none()
    cache_saving_micros: int = _big()
    billed_micros: int | None = _big_or_none()
    billing_mode: str = _text("unknown")
    basis: str = _text("computed")
    price_book: str = _text()
    unpriced: str = _text()
    revision: int = _big()
    received_at_ms: int = _big()


class ShareRow(SQLModel, table=True):
    """Who bears a charge. Append-only: a changed mind is a new revision. `pull_number` None is unattributed."""

    __tablename__ = "share"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("share_by_pull", "installation_id", "repository_id", "pull_number"),)
    installation_id: int = _key()
    tool: str = _name()
    request_id: str = _name()
    revision: int = _key()
    position: int = _key()
    repository_id: int = _big()
    pull_number: int | None = _big_or_none()
    weight: int = _big()
    micros: int | None = _big_or_none()
    evidence: str = _text()
    why: str = _text()
    stage: str = _text("build")
    decided_at_ms: int = _big()


class SessionRow(SQLModel, table=True):
    """A session's part in one repository. It waits to be placed while `wanted` is ahead of `placed`."""

    __tablename__ = "session"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("session_by_time", "installation_id", "repository_id", "last_at_ms"),)
    installation_id: int = _key()
    repository_id: int = _key()
    tool: str = _name()
    session_id: str = _name()
    first_at_ms: int = _big()
    last_at_ms: int = _big()
    wanted: int = _big()
    placed: int = _big()


class CommitRow(SQLModel, table=True):
    """A commit as the machine that made it knows it, with its files: GitHub lists a pull request's commits without them."""

    __tablename__ = "commit_fact"  # pyright: ignore[reportAssignmentType]
    installation_id: int = _key()
    repository_id: int = _key()
    sha: str = _name()
    facts: str = _text()
    at_ms: int = _big()


class SuggestionRow(SQLModel, table=True):
    """Unattributed money that nearly fits a pull request, for a person to link. Written anew whenever its session is placed."""

    __tablename__ = "suggestion"  # pyright: ignore[reportAssignmentType]
    installation_id: int = _key()
    repository_id: int = _key()
    number: int = _key()
    tool: str = _name()
    session_id: str = _name()
    requests: int = _big()
    micros: int | None = _big_or_none()
    why: str = _text()


class CommandRow(SQLModel, table=True):
    """A command that a person gave in a pull request: who, when, what, and what came of it. Append-only but for `answered`."""

    __tablename__ = "command"  # pyright: ignore[reportAssignmentType]
    installation_id: int = _key()
    repository_id: int = _key()
    comment_id: int = _key()
    number: int = _big()
    by_id: int = _big()
    by_login: str = _text()
    said_at_ms: int = _big()
    said: str = _text()
    problem: str = _text()
    answered: bool = False


class CorrectionRow(SQLModel, table=True):
    """What a command said of a session, as attribution takes it. Append-only. `facts` is a `Correction` as JSON."""

    __tablename__ = "correction"  # pyright: ignore[reportAssignmentType]
    installation_id: int = _key()
    repository_id: int = _key()
    comment_id: int = _key()
    position: int = _key()
    facts: str = _text()


class Job(SQLModel, table=True):
    """Wanted work, one row a (kind, key): ten events on a pull request make one run. `token` fences off late workers."""

    __table_args__ = (Index("job_by_time", "run_at_ms"),)
    kind: str = _name()
    key: str = _name()
    installation_id: int = _big()
    wanted: int = _big()
    done: int = _big()
    run_at_ms: int = _big()
    lease_until_ms: int = _big()
    token: int = _big()
    attempts: int = _big()
    last_error: str = _text()


class Publication(SQLModel, table=True):
    """What we wrote on GitHub for a pull request. `state`: live, or why we stay silent (deleted, locked)."""

    installation_id: int = _key()
    repository_id: int = _key()
    number: int = _key()
    kind: str = _name()
    comment_id: int | None = _big_or_none()
    body_sha256: str = _text()
    as_of: int = _big()
    state: str = _text("live")


class IngestToken(SQLModel, table=True):
    """A token bound to one installation: of a collector, which may `ingest`, or of a reader, who may `read`. Only its hash is
    kept."""

    __tablename__ = "ingest_token"  # pyright: ignore[reportAssignmentType]
    installation_id: int = _key()
    token_id: str = _name()
    secret_sha256: str = Field(sa_type=Text, unique=True)
    label: str = _text()
    may: str = _text("ingest")
    created_at_ms: int = _big()
    revoked_at_ms: int | None = _big_or_none()
    last_used_at_ms: int | None = _big_or_none()
