"""Issues in the database."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select, update

from attribution.issues import Issue, lineage
from bot.store.database import Database, table
from bot.store.tables import IssueRow
from bot.work import queue
from bot.work.queue import Wanted

issues = table(IssueRow)

IssueKey = tuple[int, int, int]


def save_issue(database: Database, connection: Connection, key: IssueKey, facts: Issue, updated_at_ms: int) -> None:
    """Keep an issue's facts. An older answer never replaces a newer one."""
    state = {"facts": msgspec.json.encode(facts).decode(), "updated_at_ms": updated_at_ms}
    names = {"installation_id": key[0], "repository_id": key[1], "number": key[2]}
    insert = database.insert(issues).values(**names, **state, said_until_ms=0)
    is_newer = issues.c.updated_at_ms <= updated_at_ms
    connection.execute(insert.on_conflict_do_update(index_elements=[*names], set_=state, where=is_newer))


def known_issues(connection: Connection, installation_id: int, repository_id: int) -> dict[int, Issue]:
    """Every issue of a repository that we have looked at, by number."""
    mine = (issues.c.installation_id == installation_id) & (issues.c.repository_id == repository_id)
    decode = msgspec.json.Decoder(Issue).decode
    rows = connection.execute(select(issues.c.number, issues.c.facts).where(mine))
    return {row.number: decode(row.facts) for row in rows}


def known_numbers(connection: Connection, installation_id: int, repository_id: int) -> set[int]:
    mine = (issues.c.installation_id == installation_id) & (issues.c.repository_id == repository_id)
    return set(connection.execute(select(issues.c.number).where(mine)).scalars())


def want_comments(
    database: Database, connection: Connection, repository: tuple[int, int], numbers: Iterable[int], run_at_ms: int
) -> None:
    """Have the comments of these issues looked at again, and of all above them."""
    issues = known_issues(connection, *repository)
    found = {above for number in numbers for above in lineage(number, issues)}
    wanted = [Wanted("issue_comment", f"{repository[0]}/{repository[1]}/{one}") for one in found]
    queue.want(database, connection, queue.once(wanted), run_at_ms)


def forget(connection: Connection, key: IssueKey) -> None:
    """It was deleted, or moved to another repository."""
    connection.execute(delete(issues).where(_is(key)))


def said_until_ms(connection: Connection, key: IssueKey) -> int | None:
    """How far an issue's conversation is read; None if the issue is not known."""
    return connection.execute(select(issues.c.said_until_ms).where(_is(key))).scalar_one_or_none()


def note_said(connection: Connection, key: IssueKey, until_ms: int) -> None:
    connection.execute(update(issues).where(_is(key)).values(said_until_ms=until_ms))


def _is(key: IssueKey) -> ColumnElement[bool]:
    return (issues.c.installation_id == key[0]) & (issues.c.repository_id == key[1]) & (issues.c.number == key[2])
