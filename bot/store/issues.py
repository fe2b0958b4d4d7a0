"""Issues that are no pull requests."""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from attribution import references
from attribution.issues import Issue
from attribution.outcome import Details
from bot.clock import to_ms
from bot.keys import IssueKey, RepositoryKey
from bot.store import references as reference_store
from bot.store.among import among
from bot.store.database import Database, of_pull, of_repository, rows_in, table
from bot.store.pulls import Pulls
from bot.store.tables import IssueRow

issues = table(IssueRow)

_BY_NUMBER = select(issues.c.number, issues.c.facts).where(of_repository(issues), among(issues.c.number, "numbers"))
_CLOSED = select(issues.c.number, issues.c.facts).where(
    of_repository(issues), issues.c.closed_at_ms >= bindparam("from_ms"), issues.c.closed_at_ms < bindparam("to_ms")
)
_READ_UNTIL = select(issues.c.comments_read_until_ms).where(of_pull(issues))
_CHANGE = update(issues).where(of_pull(issues))
_DELETE = delete(issues).where(of_pull(issues))


def save_issue(database: Database, connection: Connection, key: IssueKey, facts: Issue, updated_at_ms: int) -> None:
    """Store an issue's facts. An older answer never replaces a newer one."""
    state = {
        "facts": msgspec.json.encode(facts).decode(),
        "closed_at_ms": to_ms(facts.closed_at) if facts.closed_at else None,
        "updated_at_ms": updated_at_ms,
    }
    insert = database.insert(issues).values(**key._asdict(), **state, comments_read_until_ms=0)
    is_newer = issues.c.updated_at_ms <= updated_at_ms
    upsert = insert.on_conflict_do_update(index_elements=[*IssueKey._fields], set_=state, where=is_newer)
    if connection.execute(upsert.returning(issues.c.number)).first() is not None:
        reference_store.save(connection, key, references.of_issue(facts))


def by_number(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> dict[int, Issue]:
    """These issues of a repository, as far as they were read."""
    return _decoded(rows_in(connection, _BY_NUMBER, key.params, "numbers", numbers))


def with_sub_issues(connection: Connection, key: IssueKey) -> dict[int, Issue]:
    """An issue and all below it; empty where it was not read."""
    family: dict[int, Issue] = {}
    waiting = {key.number}
    while new := by_number(connection, key.repository, waiting - family.keys()):
        family |= new
        waiting = reference_store.referring(connection, key.repository, references.to_parents(new))
    return family


def with_parents(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> dict[int, Issue]:
    """These issues and all above them."""
    lines: dict[int, Issue] = {}
    waiting = set(numbers)
    while new := by_number(connection, key, waiting - lines.keys()):
        lines |= new
        waiting = {issue.parent for issue in new.values() if issue.parent is not None}
    return lines


def served_by(connection: Connection, key: RepositoryKey, pulls: Pulls) -> dict[int, Issue]:
    """The issues that these pull requests may serve: `issues_of_pulls` decides."""
    facts, details = pulls
    named = {
        issue
        for number, pull in facts.items()
        for issue in references.issues_named_by(pull, details.get(number, Details()))
    }
    linked = reference_store.referring(connection, key, references.to_pulls(facts))
    return by_number(connection, key, named | linked)


def closed_between(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> dict[int, Issue]:
    """The issues closed within a time (its end is not included)."""
    return _decoded(connection.execute(_CLOSED, key.params | {"from_ms": from_ms, "to_ms": to_ms}))


def forget(connection: Connection, key: IssueKey) -> None:
    """It was deleted, or moved to another repository."""
    connection.execute(_DELETE, key.params)
    reference_store.save(connection, key, ())


def comments_read_until_ms(connection: Connection, key: IssueKey) -> int | None:
    """How far an issue's conversation is read; None if the issue is not known."""
    return connection.execute(_READ_UNTIL, key.params).scalar_one_or_none()


def note(connection: Connection, key: IssueKey, **state: object) -> None:
    """Remember how far the conversation is read (`comments_read_until_ms`)."""
    connection.execute(_CHANGE.values(**state), key.params)


def _decoded(rows: Iterable[Any]) -> dict[int, Issue]:
    decode = msgspec.json.Decoder(Issue).decode
    return {row.number: decode(row.facts) for row in rows}
