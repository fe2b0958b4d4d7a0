"""What sessions did, by quarters of an hour, as the ledger has it: for alerts, which compare a session with those before it.

None of it is unconfirmed: nobody can raise an alert, or what is usual, by what looks invented.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, or_, select

from attribution.activity import Quarter, SessionActivity
from attribution.periods import QUARTER_MS
from attribution.runaway import FLOOR_MICROS, HISTORY, STALE_AFTER
from bot.clock import from_ms, to_ms
from bot.keys import RepositoryKey
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_repository
from bot.store.ledger import OF_SESSIONS, rows_of_sessions
from bot.store.ledger_tables import (
    CURRENT,
    MICROS,
    because,
    charges,
    current,
    is_confirmed,
    made_by,
    origins,
    reasons,
    shares,
    since,
)
from bot.store.sessions import SessionKey, sessions
from bot.store.totals import summed

# So many of the newest sessions say what is usual.
MOST_SESSIONS = 2000


def _shared(tables: Any) -> Any:
    """Charges with the first of their current shares: one that is unconfirmed has no other."""
    return tables.outerjoin(shares, current() & (shares.c.position == 0)).outerjoin(reasons, because())


_IS_CONFIRMED = is_confirmed()
_NAMES = (origins.c.tool, origins.c.session_id)
_QUARTER = (charges.c.at_ms // QUARTER_MS).label("quarter")
_HAS_EFFECT = or_(charges.c.facts.contains('"edited_files"'), charges.c.facts.contains('"commits_made"'))
_SAME = ("account_id", "tool", "session_id", "repository_id")
_SAME_SESSION = and_(*(origins.c[name] == sessions.c[name] for name in _SAME))
# Outer joins begin with the few sessions of late, whatever a planner thinks of charges.
_DEAR = (
    select(*_NAMES)
    .select_from(_shared(sessions.outerjoin(origins, _SAME_SESSION).outerjoin(charges, made_by() & since(charges))))
    .where(of_repository(sessions), sessions.c.last_at_ms >= bindparam("since_ms"), _IS_CONFIRMED)
    .group_by(*_NAMES)
    .having(summed(charges.c.list_micros) > FLOOR_MICROS)
)
_BEGINNING = select(func.min(sessions.c.first_at_ms)).where(
    of_repository(sessions), sessions.c.last_at_ms >= bindparam("since_ms")
)
_NEWEST = (
    select(sessions.c.tool, sessions.c.session_id)
    .where(of_repository(sessions), sessions.c.last_at_ms >= bindparam("since_ms"))
    .order_by(sessions.c.last_at_ms.desc())
    .limit(MOST_SESSIONS)
)
_ACTIVITY = (
    select(
        *_NAMES,
        _QUARTER,
        func.min(charges.c.at_ms).label("from_ms"),
        func.max(charges.c.at_ms).label("to_ms"),
        summed(charges.c.list_micros).label("micros"),
        func.count().label("requests"),
        summed(case((origins.c.agent_id == "", 1), else_=0)).label("main_requests"),
        summed(case((charges.c.list_micros.is_(None), 1), else_=0)).label("unpriced_requests"),
        summed(case((_HAS_EFFECT, 1), else_=0)).label("effects"),
    )
    .select_from(_shared(charges.join(origins, made_by())))
    .where(OF_SESSIONS, _IS_CONFIRMED)
    .group_by(*_NAMES, _QUARTER)
)
_PULLS = (
    select(reasons.c.pull_number)
    .select_from(CURRENT)
    .where(OF_SESSIONS, reasons.c.pull_number.is_not(None))
    .group_by(reasons.c.pull_number)
    .order_by(summed(MICROS).desc(), reasons.c.pull_number)
)


def dear(connection: Connection, key: RepositoryKey, now: datetime) -> list[SessionKey]:
    """The sessions that go on, or did a while ago, and cost more than a few dollars."""
    params = key.params | {"since_ms": to_ms(now - STALE_AFTER)}
    began_at_ms = connection.execute(_BEGINNING, params).scalar() or 0
    rows = connection.execute(_DEAR, params | {"from_id": first_id_ms(began_at_ms)})
    return sorted((row.tool, row.session_id) for row in rows)


def recent(connection: Connection, key: RepositoryKey, now: datetime) -> list[SessionActivity]:
    """The newest sessions of the time that says what is usual."""
    rows = connection.execute(_NEWEST, key.params | {"since_ms": to_ms(now - HISTORY)})
    return activity(connection, key, [(row.tool, row.session_id) for row in rows])


def activity(connection: Connection, key: RepositoryKey, keys: Sequence[SessionKey]) -> list[SessionActivity]:
    """What these sessions did."""
    by_session: defaultdict[SessionKey, list[tuple[int, int, Quarter]]] = defaultdict(list)
    for row in rows_of_sessions(connection, _ACTIVITY, key, keys):
        part = Quarter(
            quarter=row.quarter,
            micros=row.micros,
            requests=row.requests,
            main_requests=row.main_requests,
            unpriced_requests=row.unpriced_requests,
            effects=row.effects,
        )
        by_session[row.tool, row.session_id].append((row.from_ms, row.to_ms, part))
    return [_session(*name, parts) for name, parts in sorted(by_session.items())]


def pulls_of(connection: Connection, key: RepositoryKey, session: SessionKey) -> list[int]:
    """The pull requests that bear a session, the one that bears the most first."""
    return [row.pull_number for row in rows_of_sessions(connection, _PULLS, key, [session])]


def _session(tool: str, session_id: str, parts: Iterable[tuple[int, int, Quarter]]) -> SessionActivity:
    by_quarter = sorted(parts, key=lambda part: part[2].quarter)
    return SessionActivity(
        tool=tool,
        session_id=session_id,
        from_at=from_ms(min(first for first, _, _ in by_quarter)),
        to_at=from_ms(max(last for _, last, _ in by_quarter)),
        quarters=tuple(quarter for _, _, quarter in by_quarter),
    )
