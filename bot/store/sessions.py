"""Sessions in the database: what they span, which wait for attribution, and which a person means.


A session is one sender's: who first reports one has its name, and others who report one of that name have a name of their own.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, and_, bindparam, func, select, union_all, update

from attribution.report import short_id
from attribution.usage import Usage
from bot.clock import to_ms
from bot.keys import RepositoryKey
from bot.store.database import of_account, of_names, of_repository, rows, rows_named, table
from bot.store.inserts import insert_rows
from bot.store.tables import SessionRow, Token

sessions, tokens = table(SessionRow), table(Token)

SessionKey = tuple[str, str]

_KEY = ("account_id", "repository_id", "tool", "session_id")
_REQUEST = (
    update(sessions)
    .where(
        of_repository(sessions),
        sessions.c.tool == bindparam("of_tool"),
        sessions.c.session_id == bindparam("of_session"),
    )
    .values(request_count=sessions.c.request_count + 1)
)
_REQUEST_ALL = update(sessions).where(of_repository(sessions)).values(request_count=sessions.c.request_count + 1)
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
_BEGINNING = select(func.min(sessions.c.first_at_ms).label("at_ms")).where(
    of_repository(sessions), of_names(sessions.c.tool, sessions.c.session_id)
)
_SENDERS = select(tokens.c.sender).where(of_account(tokens)).distinct()
# By either index: SQLite would take neither for one condition with OR, nor for a union that it has to sort.
_BY_NAME = union_all(
    _NAMES.where(sessions.c.session_id.in_(bindparam("names", expanding=True))),
    _NAMES.where(sessions.c.short_id == bindparam("short_id")),
)


def request(connection: Connection, key: RepositoryKey, wanted: Collection[SessionKey]) -> None:
    """Have sessions attributed again."""
    if wanted:
        names = [{"of_tool": tool, "of_session": session_id} for tool, session_id in sorted(wanted)]
        connection.execute(_REQUEST, [key.params | name for name in names])


def request_all(connection: Connection, key: RepositoryKey) -> None:
    """Have all sessions of a repository attributed again."""
    connection.execute(_REQUEST_ALL, key.params)


def waiting(connection: Connection, key: RepositoryKey, most: int) -> list[SessionRow]:
    """Sessions that wait for attribution, by time: neighbours need the same facts."""
    return rows(SessionRow, connection, _WAITING, key.params | {"most": most})


def beginning_ms(connection: Connection, key: RepositoryKey, names: Iterable[SessionKey]) -> int:
    """When the first of these sessions began. 0 where none is known."""
    times = [row.at_ms for row in rows_named(connection, _BEGINNING, key.params, names)]
    return min((at_ms for at_ms in times if at_ms is not None), default=0)


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
            "short_id": short_id(tool, session_id), "first_at_ms": min(times), "last_at_ms": max(times),
            "request_count": 1, "done_count": 0, "changed_at_ms": now_ms,
        }
        for (repository_id, tool, session_id), times in sorted(spans.items())
    ]  # fmt: skip
    insert_rows(connection, sessions, values, _OR_WIDEN)


def by_name(connection: Connection, key: RepositoryKey, name: str) -> list[SessionKey]:
    """The repository's sessions that a person may mean: by short id, or by the tool's own, which several may have."""
    senders = connection.execute(_SENDERS, {"of_account": key.account_id}).scalars()
    names = [name, *(name_of_another(name, sender) for sender in senders)]
    rows = connection.execute(_BY_NAME, key.params | {"names": names, "short_id": name.lower()})
    return sorted({(row.tool, row.session_id) for row in rows})


def name_of_another(session_id: str, sender: str) -> str:
    """What a session is called here where another sender has one that the tool calls the same. No tool's id has a line break
    (`bot.usage_validation`), so nobody can report a session by this name."""
    return f"{session_id}\n{hashlib.sha256(sender.encode()).hexdigest()[:16]}"


def tools_name(session_id: str) -> str:
    """What the tool calls it."""
    return session_id.partition("\n")[0]
