"""Sessions in the database: what they span, which wait to be placed, and which a person means."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, select, update

from attribution.evidence import PullRequest
from attribution.report import short_id
from attribution.usage import CommitMade, Usage
from bot.clock import to_ms
from bot.store.database import Database, table
from bot.store.tables import SessionRow

sessions = table(SessionRow)

SessionKey = tuple[str, str]

# Work can begin this long before its pull request is opened, and reach us this long after it is closed.
BEFORE_PULL_MS = 14 * 24 * 3_600_000
AFTER_PULL_MS = 24 * 3_600_000
# Work waits this long for the commit that holds it (`rules.commits.HORIZON`).
BEFORE_COMMIT_MS = 3 * 24 * 3_600_000


def want_of_pull(connection: Connection, installation_id: int, repository_id: int, pull: PullRequest) -> int:
    """Mark the sessions that a changed pull request may concern; returns how many."""
    mine = (sessions.c.installation_id == installation_id) & (sessions.c.repository_id == repository_id)
    near = mine & (sessions.c.last_at_ms >= to_ms(pull.created_at) - BEFORE_PULL_MS)
    if pull.closed_at is not None:
        near &= sessions.c.first_at_ms <= to_ms(pull.closed_at) + AFTER_PULL_MS
    return connection.execute(update(sessions).where(near).values(wanted=sessions.c.wanted + 1)).rowcount


def want_before(
    connection: Connection, installation_id: int, repository_id: int, commits: Iterable[CommitMade]
) -> None:
    """Mark the sessions whose work may be in these commits, which were not known before."""
    times = [to_ms(one.authored_at) for one in commits if one.authored_at]
    if times:
        mine = (sessions.c.installation_id == installation_id) & (sessions.c.repository_id == repository_id)
        near = mine & (sessions.c.last_at_ms >= min(times) - BEFORE_COMMIT_MS) & (sessions.c.first_at_ms <= max(times))
        connection.execute(update(sessions).where(near).values(wanted=sessions.c.wanted + 1))


def want(connection: Connection, installation_id: int, repository_id: int, session: SessionKey) -> None:
    """Mark a session to be placed again."""
    mine = (sessions.c.installation_id == installation_id) & (sessions.c.repository_id == repository_id)
    same = mine & (sessions.c.tool == session[0]) & (sessions.c.session_id == session[1])
    connection.execute(update(sessions).where(same).values(wanted=sessions.c.wanted + 1))


def to_place(connection: Connection, installation_id: int, repository_id: int, limit: int) -> Sequence[Row[Any]]:
    mine = (sessions.c.installation_id == installation_id) & (sessions.c.repository_id == repository_id)
    waiting = select(sessions).where(mine, sessions.c.placed < sessions.c.wanted)
    return connection.execute(waiting.order_by(sessions.c.tool, sessions.c.session_id).limit(limit)).all()


def mark_placed(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """These sessions were placed as they were when they were read; what was wanted since waits on."""
    same = and_(
        *(
            sessions.c[name] == bindparam(f"of_{name}")
            for name in ("installation_id", "repository_id", "tool", "session_id")
        )
    )
    if rows:
        placed = [{f"of_{name}": value for name, value in row._mapping.items()} for row in rows]
        connection.execute(update(sessions).where(same).values(placed=bindparam("of_wanted")), placed)


def mark(
    database: Database, connection: Connection, installation_id: int, changed: Iterable[tuple[int, Usage]]
) -> None:
    """Sessions of requests that are new or have changed, with the time that they span, wait to be placed."""
    spans: dict[tuple[int, str, str], list[int]] = {}
    for repository_id, one in changed:
        spans.setdefault((repository_id, one.tool, one.session_id), []).append(to_ms(one.at))
    least, most = (func.least, func.greatest) if database.is_postgresql else (func.min, func.max)
    insert = database.insert(sessions)
    statement = insert.on_conflict_do_update(
        index_elements=["installation_id", "repository_id", "tool", "session_id"],
        set_={
            "first_at_ms": least(sessions.c.first_at_ms, insert.excluded.first_at_ms),
            "last_at_ms": most(sessions.c.last_at_ms, insert.excluded.last_at_ms),
            "wanted": sessions.c.wanted + 1,
        },
    )
    rows = [
        {
            "installation_id": installation_id, "repository_id": repository_id, "tool": tool, "session_id": session_id,
            "first_at_ms": min(times), "last_at_ms": max(times), "wanted": 1, "placed": 0,
        }
        for (repository_id, tool, session_id), times in sorted(spans.items())
    ]  # fmt: skip
    if rows:
        connection.execute(statement, rows)


def named(connection: Connection, installation_id: int, repository_id: int, name: str) -> list[SessionKey]:
    """The repository's sessions that a person may mean: by short id, or by the tool's own."""
    mine = (sessions.c.installation_id == installation_id) & (sessions.c.repository_id == repository_id)
    rows = connection.execute(select(sessions.c.tool, sessions.c.session_id).where(mine))
    return [(tool, own) for tool, own in rows if name == own or name.lower() == short_id(tool, own)]
