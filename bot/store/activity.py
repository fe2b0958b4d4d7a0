"""What sessions did, by quarters of an hour, as the ledger has it: for alerts, which compare a session with those before it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, tuple_

from attribution.activity import Quarter, SessionActivity
from attribution.breakdown import QUARTER_MS
from attribution.runaway import FLOOR_MICROS, HISTORY, STALE_AFTER
from bot.clock import from_ms, to_ms
from bot.keys import RepositoryKey
from bot.store.ledger import charges, current, shares
from bot.store.sessions import SessionKey, sessions
from bot.store.totals import summed

# So many of the newest sessions say what is usual.
MOST_SESSIONS = 2000
_AT_ONCE = 400


def dear(connection: Connection, key: RepositoryKey, now: datetime) -> list[SessionKey]:
    """The sessions that go on, or did a while ago, and cost more than a few dollars."""
    micros = summed(charges.c.list_micros)
    query = select(charges.c.tool, charges.c.session_id).join(sessions, _same_session()).where(_of_sessions(key))
    live = query.where(sessions.c.last_at_ms >= to_ms(now - STALE_AFTER))
    expensive = live.group_by(charges.c.tool, charges.c.session_id).having(micros > FLOOR_MICROS)
    return sorted((row.tool, row.session_id) for row in connection.execute(expensive))


def recent(connection: Connection, key: RepositoryKey, now: datetime) -> list[SessionActivity]:
    """The newest sessions of the time that says what is usual."""
    names = select(sessions.c.tool, sessions.c.session_id).where(_of_sessions(key))
    newest = names.where(sessions.c.last_at_ms >= to_ms(now - HISTORY)).order_by(sessions.c.last_at_ms.desc())
    return activity(
        connection, key, [(row.tool, row.session_id) for row in connection.execute(newest.limit(MOST_SESSIONS))]
    )


def activity(connection: Connection, key: RepositoryKey, keys: Sequence[SessionKey]) -> list[SessionActivity]:
    """What these sessions did."""
    quarter = (charges.c.at_ms // QUARTER_MS).label("quarter")
    names = (charges.c.tool, charges.c.session_id)
    has_effect = or_(charges.c.facts.contains('"edited_files"'), charges.c.facts.contains('"commits_made"'))
    query = select(
        *names,
        quarter,
        func.min(charges.c.at_ms).label("from_ms"),
        func.max(charges.c.at_ms).label("to_ms"),
        summed(charges.c.list_micros).label("micros"),
        func.count().label("requests"),
        summed(case((charges.c.agent_id == "", 1), else_=0)).label("main_requests"),
        summed(case((charges.c.list_micros.is_(None), 1), else_=0)).label("unpriced_requests"),
        summed(case((has_effect, 1), else_=0)).label("effects"),
    ).group_by(*names, quarter)
    mine = (charges.c.account_id == key.account_id) & (charges.c.repository_id == key.repository_id)
    by_session: defaultdict[SessionKey, list[tuple[int, int, Quarter]]] = defaultdict(list)
    for start in range(0, len(keys), _AT_ONCE):
        is_named = tuple_(*names).in_(keys[start : start + _AT_ONCE])
        for tool, session_id, number, from_at_ms, to_at_ms, *counts in connection.execute(query.where(mine, is_named)):
            micros, requests, main, unpriced, effects = counts
            part = Quarter(
                quarter=number,
                micros=micros,
                requests=requests,
                main_requests=main,
                unpriced_requests=unpriced,
                effects=effects,
            )
            by_session[tool, session_id].append((from_at_ms, to_at_ms, part))
    return [_session(*name, parts) for name, parts in sorted(by_session.items())]


def pulls_of(connection: Connection, key: RepositoryKey, session: SessionKey) -> list[int]:
    """The pull requests that bear a session, the one that bears the most first."""
    mine = (charges.c.account_id == key.account_id) & (charges.c.repository_id == key.repository_id)
    same = (charges.c.tool == session[0]) & (charges.c.session_id == session[1])
    query = select(shares.c.pull_number).join(charges, current()).where(mine, same, shares.c.pull_number.is_not(None))
    by_amount = query.group_by(shares.c.pull_number).order_by(summed(shares.c.micros).desc(), shares.c.pull_number)
    return list(connection.execute(by_amount).scalars())


def _session(tool: str, session_id: str, parts: Iterable[tuple[int, int, Quarter]]) -> SessionActivity:
    by_quarter = sorted(parts, key=lambda part: part[2].quarter)
    return SessionActivity(
        tool=tool,
        session_id=session_id,
        from_at=from_ms(min(first for first, _, _ in by_quarter)),
        to_at=from_ms(max(last for _, last, _ in by_quarter)),
        quarters=tuple(quarter for _, _, quarter in by_quarter),
    )


def _of_sessions(key: RepositoryKey) -> ColumnElement[bool]:
    return (sessions.c.account_id == key.account_id) & (sessions.c.repository_id == key.repository_id)


def _same_session() -> ColumnElement[bool]:
    return and_(
        *(charges.c[name] == sessions.c[name] for name in ("account_id", "repository_id", "tool", "session_id"))
    )
