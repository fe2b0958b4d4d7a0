"""The queue of work, what the bot wrote on GitHub and elsewhere, and the tokens of those who talk to the server."""

from sqlalchemy import Index, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from bot.store.tables.columns import big, big_or_none, key, name, text

_WAITS = sql("done_count < request_count")
_IS_REFUSED = sql("last_error <> '' AND done_count >= request_count")


class Job(SQLModel, table=True):
    """Work that is to be done, one row a piece, so that ten events on a pull request make one run. It is due while
    `request_count` is ahead of `done_count`. `token` is the fencing token. Ids that a kind does not need are 0. `last_error` is why
    it waits longer or, where it is not due, why it ended at `run_at_ms` without being done."""

    __table_args__ = (
        Index(
            "job_waiting",
            *("account_id", "kind", "lease_until_ms", "run_at_ms", "repository_id", "number"),
            sqlite_where=_WAITS,
            postgresql_where=_WAITS,
        ),
        Index("job_by_time", "run_at_ms", sqlite_where=_WAITS, postgresql_where=_WAITS),
        Index("job_refused", "account_id", "repository_id", sqlite_where=_IS_REFUSED, postgresql_where=_IS_REFUSED),
    )
    account_id: int = key()
    kind: str = name()
    repository_id: int = key()
    number: int = key()
    request_count: int = big()
    done_count: int = big()
    run_at_ms: int = big()
    lease_until_ms: int = big()
    token: int = big()
    attempts: int = big()
    last_error: str = text()


class Publication(SQLModel, table=True):
    """What the bot wrote on GitHub for a pull request. `state`: live, or why it stays silent (deleted, locked). `comment_id` of
    the kind `check` is a check run's, which stands on the commit `head_sha`."""

    account_id: int = key()
    repository_id: int = key()
    number: int = key()
    kind: str = name()
    comment_id: int | None = big_or_none()
    head_sha: str = text()
    body_sha256: str = text()
    state: str = text("live")


class WeekRow(SQLModel, table=True):
    """The weekly issue of a repository: which issue of which repository it is, and what it says. One row a repository and ISO
    week; `issue_number` None: there is none, since the week was quiet or it is not created yet."""

    __tablename__ = "week"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    week: str = name()
    in_repository_id: int = big()
    issue_number: int | None = big_or_none()
    body_sha256: str = text()
    is_closed: bool = False
    state: str = text("live")


class Token(SQLModel, table=True):
    """A token of one account: of a collector, which may `ingest`, or of a reader, who may `read`. Only its hash is stored. With the
    tokens of one `sender` each may change what another of them sent. `user_id` is the GitHub user who logged in for it, None where
    an operator made it; `user_login` is what that user was called then."""

    __tablename__ = "token"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    token_id: str = name()
    secret_sha256: str = Field(sa_type=Text, unique=True)
    sender: str = text()
    may: str = text("ingest")
    created_at_ms: int = big()
    revoked_at_ms: int | None = big_or_none()
    last_used_at_ms: int | None = big_or_none()
    user_id: int | None = big_or_none()
    user_login: str = text()
    expires_at_ms: int | None = big_or_none()


class NoticeRow(SQLModel, table=True):
    """Something that people are notified of once: that a budget was reached to `level` percent, or an alert (`level` 0). `about`
    is the pull request, week, month or session; `text` goes to the pull request `number`, else outside. `state`: new, sent, or kept
    where there is nowhere to send it."""

    __tablename__ = "notice"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    kind: str = name()
    about: str = name()
    level: int = key()
    at_ms: int = big()
    number: int | None = big_or_none()
    text: str = text()
    state: str = Field(default="new", sa_type=Text)
