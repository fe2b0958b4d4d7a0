"""Sessions in the database: what they span, which wait for attribution, and which a person means.

A session is one sender's: who first reports one has its name, and others who report one of that name have a name of their own.
"""

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, bindparam, select, update

from attribution.evidence import PullRequest
from attribution.report import short_id
from attribution.usage import CommitMade, Usage
from bot.clock import to_ms
from bot.keys import RepositoryKey
from bot.store.database import insert_rows, of_repository, rows, table
from bot.store.tables import SessionRow

sessions = table(SessionRow)

SessionKey = tuple[str, str]

# Work can begin this long before its pull request is opened, and reach us this long after it is closed.
BEFORE_PULL_MS = 14 * 24 * 3_600_000
AFTER_PULL_MS = 24 * 3_600_000
# Work waits this long for the commit that holds it (`rules.commits.HORIZON`).
BEFORE_COMMIT_MS = 3 * 24 * 3_600_000

_KEY = ("account_id", "repository_id", "tool", "session_id")
_REQUEST = update(sessions).values(request_count=sessions.c.request_count + 1)
_REQUEST_NEAR = _REQUEST.where(
    of_repository(sessions),
    sessions.c.last_at_ms >= bindparam("since_ms"),
    sessions.c.first_at_ms <= bindparam("until_ms"),
)
_REQUEST_ONE = _REQUEST.where(
    of_repository(sessions),
    sessions.c.tool == bindparam("of_tool"),
    sessions.c.session_id == bindparam("of_session"),
)
_WAITING = (
    select(sessions)
    .where(of_repository(sessions), sessions.c.done_count < sessions.c.request_count)
    .order_by(sessions.c.last_at_ms, sessions.c.tool, sessions.c.session_id)
    .limit(bindparam("most"))
)
_FINISH = (
    update(sessions)
    .where(and_(*(sessions.c[name] == bindparam(f"of_{name}") for name in _KEY)))
    .values(done_count=bindparam("of_request_count"), changed_at_ms=bindparam("of_changed_at_ms"))
)
_OR_WIDEN = """
    ON CONFLICT (account_id, repository_id, tool, session_id) DO UPDATE SET
        first_at_ms = CASE WHEN excluded.first_at_ms < session.first_at_ms
            THEN excluded.first_at_ms ELSE session.first_at_ms END,
        last_at_ms = CASE WHEN excluded.last_at_ms > session.last_at_ms
            THEN excluded.last_at_ms ELSE session.last_at_ms END,
        request_count = session.request_count + 1, changed_at_ms = excluded.changed_at_ms"""
_NAMES = select(sessions.c.tool, sessions.c.session_id).where(of_repository(sessions))
_FOREVER_MS = 2**62


def request_near(connection: Connection, key: RepositoryKey, pull: PullRequest) -> int:
    """Have the sessions attributed again that a changed pull request may concern; returns how many."""
    until_ms = to_ms(pull.closed_at) + AFTER_PULL_MS if pull.closed_at else _FOREVER_MS
    span = {"since_ms": to_ms(pull.created_at) - BEFORE_PULL_MS, "until_ms": until_ms}
    return connection.execute(_REQUEST_NEAR, key.params | span).rowcount


def request_before(connection: Connection, key: RepositoryKey, commits: Iterable[CommitMade]) -> None:
    """Have the sessions attributed again whose work may be in these commits, which were not known before."""
    times = [to_ms(commit.authored_at) for commit in commits if commit.authored_at]
    if times:
        span = {"since_ms": min(times) - BEFORE_COMMIT_MS, "until_ms": max(times)}
        connection.execute(_REQUEST_NEAR, key.params | span)


def request(connection: Connection, key: RepositoryKey, session: SessionKey) -> None:
    """Have a session attributed again."""
    connection.execute(_REQUEST_ONE, key.params | {"of_tool": session[0], "of_session": session[1]})


def waiting(connection: Connection, key: RepositoryKey, most: int) -> list[SessionRow]:
    """Sessions that wait for attribution, by time: neighbours need the same facts."""
    return rows(SessionRow, connection, _WAITING, key.params | {"most": most})


def mark_done(connection: Connection, read: Sequence[SessionRow], now_ms: int) -> None:
    """These sessions were attributed as they were when they were read; what was requested since waits on."""
    if read:
        names = (*_KEY, "request_count")
        now = {"of_changed_at_ms": now_ms}
        connection.execute(_FINISH, [{f"of_{name}": getattr(row, name) for name in names} | now for row in read])


def save_sessions(connection: Connection, account_id: int, requests: Iterable[tuple[int, Usage]], now_ms: int) -> None:
    """Sessions of requests that are new or have changed, with the time that they span, wait for attribution."""
    spans: dict[tuple[int, str, str], list[int]] = {}
    for repository_id, usage in requests:
        spans.setdefault((repository_id, usage.tool, usage.session_id), []).append(to_ms(usage.at))
    values = [
        {
            "account_id": account_id, "repository_id": repository_id, "tool": tool, "session_id": session_id,
            "first_at_ms": min(times), "last_at_ms": max(times), "request_count": 1, "done_count": 0,
            "changed_at_ms": now_ms,
        }
        for (repository_id, tool, session_id), times in sorted(spans.items())
    ]  # fmt: skip
    insert_rows(connection, sessions, values, _OR_WIDEN)


def by_name(connection: Connection, key: RepositoryKey, name: str) -> list[SessionKey]:
    """The repository's sessions that a person may mean: by short id, or by the tool's own, which several may have."""
    keys = connection.execute(_NAMES, key.params)
    return [(tool, own) for tool, own in keys if name == tools_name(own) or name.lower() == short_id(tool, own)]


def name_of_another(session_id: str, sender: str) -> str:
    """What a session is called here where another sender has one that the tool calls the same. No tool's id has a line break
    (`bot.usage_validation`), so nobody can report a session by this name."""
    return f"{session_id}\n{hashlib.sha256(sender.encode()).hexdigest()[:16]}"


def tools_name(session_id: str) -> str:
    """What the tool calls it."""
    return session_id.partition("\n")[0]
