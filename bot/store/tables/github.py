"""Facts from GitHub: accounts, repositories, pull requests and issues."""

from zoneinfo import ZoneInfo

from sqlalchemy import Index
from sqlalchemy import text as sql
from sqlmodel import SQLModel

from bot.keys import RepositoryKey
from bot.store.tables.columns import big, big_or_none, key, name, text, text_or_none

_IS_UNREAD = sql("removed_before_ms < kept_from_ms")


class Account(SQLModel, table=True):
    """A user or organization where the App is or was installed. `installation_id` is the current installation, 0 if there is
    none; `suspended` means that GitHub refuses it for now. `next_write_at_ms` spaces writes to GitHub, and
    `writes_spread_until_ms` counts them: when they would have ended, evenly spread. `not_before_ms` is set while GitHub limits
    the installation, `limit_pause_ms` is its newest pause for a secondary limit. `ledger_checked_at_ms`: every charge that changed
    before was checked; it broke `ledger_errors` promises. Of what was requested before `kept_from_ms` there are sums by day and
    nothing else: all details before `removed_before_ms` are gone, and those between are not read."""

    __table_args__ = (
        Index("account_by_removal", "removed_before_ms"),
        Index("account_to_remove", "account_id", sqlite_where=_IS_UNREAD, postgresql_where=_IS_UNREAD),
    )
    account_id: int = key()
    login: str = text()
    installation_id: int = big()
    suspended: bool = False
    next_write_at_ms: int = big()
    writes_spread_until_ms: int = big()
    not_before_ms: int = big()
    limit_pause_ms: int = big()
    ledger_checked_at_ms: int = big()
    ledger_errors: int = big()
    kept_from_ms: int = big()
    removed_before_ms: int = big()


class Repository(SQLModel, table=True):
    """`active`: the installation covers it now. `newest_week` is the last ISO week (`2026-W47`) whose issue was created or had no
    cause, `week_due_at_ms` when to look for the next. `time_zone`: by its days the ledger is summed up. `default_sha`: the
    newest commit of the default branch that was read, for those without a pull request; None where GitHub shows us none.
    `usual` is a `Usual` as JSON, what merges cost as of `usual_at_ms`; empty where there are too few."""

    __table_args__ = (Index("repository_by_id", "repository_id"),)
    account_id: int = key()
    repository_id: int = key()
    full_name: str = text()
    private: bool = True
    default_branch: str = text("main")
    default_sha: str | None = text_or_none()
    active: bool = True
    pulls_read_until_ms: int = big()
    issues_read_until_ms: int = big()
    comments_read_until_ms: int = big()
    settings_text: str = text()
    settings_read_at_ms: int = big()
    newest_week: str = text()
    week_due_at_ms: int = big()
    time_zone: str = text("UTC")
    usual: str = text()
    usual_at_ms: int = big()

    @property
    def key(self) -> RepositoryKey:
        return RepositoryKey(self.account_id, self.repository_id)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Webhook(SQLModel, table=True):
    """How far the deliveries of an App's webhook are looked through for those that failed. They are the App's, of all accounts."""

    app_id: int = key()
    read_until_ms: int = big()


class RepositoryName(SQLModel, table=True):
    """Every name a repository had, in lower case: logs say the name of their day."""

    __tablename__ = "repository_name"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    name: str = name()
    repository_id: int = big()


class Pull(SQLModel, table=True):
    """`facts` is a `PullRequest` as JSON, `details` an `outcome.Details`; the rest serves queries and the comment.
    `comments_read_until_ms`: the conversation is read until then. `comment_on` False: a person switched the comment off here.
    `comment_due_at_ms`: the comment waits until then. `skip` is why there is none, as a `Skip`; empty while there is one."""

    __table_args__ = (
        Index("pull_by_close", "account_id", "repository_id", "closed_at_ms"),
        Index("pull_by_merge", "account_id", "repository_id", "merged_at_ms"),
    )
    account_id: int = key()
    repository_id: int = key()
    number: int = key()
    facts: str = text()
    details: str = text()
    head_sha: str = text()
    created_at_ms: int = big()
    closed_at_ms: int | None = big_or_none()
    merged_at_ms: int | None = big_or_none()
    updated_at_ms: int = big()
    comments_read_until_ms: int = big()
    comment_on: bool = True
    comment_due_at_ms: int = big()
    skip: str = text()


class IssueRow(SQLModel, table=True):
    """An issue that is no pull request. `facts` is an `issues.Issue` as JSON."""

    __tablename__ = "issue"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("issue_by_close", "account_id", "repository_id", "closed_at_ms"),)
    account_id: int = key()
    repository_id: int = key()
    number: int = key()
    facts: str = text()
    closed_at_ms: int | None = big_or_none()
    updated_at_ms: int = big()
    comments_read_until_ms: int = big()


class Reference(SQLModel, table=True):
    """What a pull request or issue refers to (`attribution.references`), to find it by: written with `facts`."""

    __table_args__ = (Index("reference_by_number", "account_id", "repository_id", "number"),)
    account_id: int = key()
    repository_id: int = key()
    text: str = name()
    number: int = key()


class Presence(SQLModel, table=True):
    """From when until when (included) work may belong to a pull request because of its branch or one of its people
    (`attribution.clues`): written with `facts`."""

    __table_args__ = (Index("presence_by_text", "account_id", "repository_id", "text", "until_ms", "from_ms"),)
    account_id: int = key()
    repository_id: int = key()
    number: int = key()
    text: str = name()
    from_ms: int = big()
    until_ms: int = big()
