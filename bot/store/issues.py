"""Issues that are no pull requests."""

import msgspec
from sqlalchemy import Connection, delete, select, update

from attribution.issues import Issue
from bot.keys import IssueKey, RepositoryKey
from bot.store.database import Database, of_pull, of_repository, table
from bot.store.tables import IssueRow

issues = table(IssueRow)

_ALL = select(issues.c.number, issues.c.facts).where(of_repository(issues))
_NUMBERS = select(issues.c.number).where(of_repository(issues))
_READ_UNTIL = select(issues.c.comments_read_until_ms).where(of_pull(issues))
_CHANGE = update(issues).where(of_pull(issues))
_DELETE = delete(issues).where(of_pull(issues))


def save_issue(database: Database, connection: Connection, key: IssueKey, facts: Issue, updated_at_ms: int) -> None:
    """Store an issue's facts. An older answer never replaces a newer one."""
    state = {"facts": msgspec.json.encode(facts).decode(), "updated_at_ms": updated_at_ms}
    insert = database.insert(issues).values(**key._asdict(), **state, comments_read_until_ms=0)
    is_newer = issues.c.updated_at_ms <= updated_at_ms
    connection.execute(insert.on_conflict_do_update(index_elements=[*IssueKey._fields], set_=state, where=is_newer))


def all_issues(connection: Connection, key: RepositoryKey) -> dict[int, Issue]:
    """Every issue of a repository that was read, by number."""
    decode = msgspec.json.Decoder(Issue).decode
    return {row.number: decode(row.facts) for row in connection.execute(_ALL, key.params)}


def numbers(connection: Connection, key: RepositoryKey) -> set[int]:
    return set(connection.execute(_NUMBERS, key.params).scalars())


def forget(connection: Connection, key: IssueKey) -> None:
    """It was deleted, or moved to another repository."""
    connection.execute(_DELETE, key.params)


def comments_read_until_ms(connection: Connection, key: IssueKey) -> int | None:
    """How far an issue's conversation is read; None if the issue is not known."""
    return connection.execute(_READ_UNTIL, key.params).scalar_one_or_none()


def note(connection: Connection, key: IssueKey, **state: object) -> None:
    """Remember how far the conversation is read (`comments_read_until_ms`)."""
    connection.execute(_CHANGE.values(**state), key.params)
