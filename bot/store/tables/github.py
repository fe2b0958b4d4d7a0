"""What we know of GitHub: installations, repositories, pull requests and issues."""

from sqlmodel import SQLModel

from bot.store.tables.columns import big, big_or_none, key, name, text


class Installation(SQLModel, table=True):
    """`next_write_at_ms` spaces writes to GitHub, `not_before_ms` is set while GitHub limits us."""

    installation_id: int = key()
    account: str = text()
    active: bool = True
    next_write_at_ms: int = big()
    not_before_ms: int = big()


class Repository(SQLModel, table=True):
    """`week_done` is the last ISO week (`2026-W47`) whose issue was made or had no cause, `week_due_at_ms` when to look for the
    next."""

    installation_id: int = key()
    repository_id: int = key()
    full_name: str = text()
    private: bool = True
    default_branch: str = text("main")
    active: bool = True
    pulls_seen_until_ms: int = big()
    issues_seen_until_ms: int = big()
    settings_text: str = text()
    settings_read_at_ms: int = big()
    week_done: str = text()
    week_due_at_ms: int = big()


class RepositoryName(SQLModel, table=True):
    """Every name a repository had, in lower case: logs say the name of their day."""

    __tablename__ = "repository_name"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    name: str = name()
    repository_id: int = big()


class Pull(SQLModel, table=True):
    """`facts` is a `PullRequest` as JSON, `details` an `outcome.Details`; the rest serves queries and the comment.
    `said_until_ms`: its conversation is read until then. `comment_on` False: a person switched our comment off here."""

    installation_id: int = key()
    repository_id: int = key()
    number: int = key()
    facts: str = text()
    details: str = text()
    head_sha: str = text()
    created_at_ms: int = big()
    closed_at_ms: int | None = big_or_none()
    updated_at_ms: int = big()
    said_until_ms: int = big()
    comment_on: bool = True


class IssueRow(SQLModel, table=True):
    """An issue that is no pull request. `facts` is an `issues.Issue` as JSON."""

    __tablename__ = "issue"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    repository_id: int = key()
    number: int = key()
    facts: str = text()
    updated_at_ms: int = big()
    said_until_ms: int = big()
