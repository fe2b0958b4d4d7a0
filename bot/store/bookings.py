"""What pull requests bear, summed up by session, model and reason: as many rows as there are reasons, not requests."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Connection, Float, bindparam, case, func, select
from sqlalchemy import cast as sql_cast

from attribution.cost import Cost
from attribution.evidence import Evidence, Stage
from attribution.money import Micros
from attribution.report import Part
from bot.clock import from_ms
from bot.keys import PullKey, RepositoryKey
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_repository
from bot.store.ledger import (
    OF_SESSIONS,
    charges,
    current,
    is_confirmed,
    made_by,
    origins,
    reasons,
    rows_of_sessions,
    shares,
)
from bot.store.sessions import SessionKey
from bot.store.totals import summed

# As much of it as of the charge, which is a whole one but for a few.
_SAVING = case(
    (shares.c.micros == charges.c.list_micros, charges.c.cache_saving_micros),
    (
        charges.c.list_micros > 0,
        sql_cast(
            func.round(
                sql_cast(charges.c.cache_saving_micros, Float)
                * shares.c.micros
                / sql_cast(charges.c.list_micros, Float)
            ),
            BigInteger,
        ),
    ),
    else_=0,
)
_MEASURES = {
    "micros": summed(shares.c.micros),
    "requests": func.count(),
    "unpriced": summed(case((shares.c.micros.is_(None), 1), else_=0)),
    "cache_saving_micros": summed(_SAVING),
    "uncached_input_tokens": summed(charges.c.uncached_input_tokens),
    "cache_read_tokens": summed(charges.c.cache_read_tokens),
    "cache_write_tokens": summed(charges.c.cache_write_5m_tokens + charges.c.cache_write_1h_tokens),
    "output_tokens": summed(charges.c.output_tokens),
    "requests_with_tokens": func.count(charges.c.output_tokens),
    "from_ms": func.min(charges.c.at_ms),
    "to_ms": func.max(charges.c.at_ms),
}
# By number first: what it stands for is then looked up once, and not for each request.
_SUMMED_UP = (
    select(
        shares.c.account_id,
        charges.c.origin_id,
        shares.c.reason_id,
        *(measure.label(name) for name, measure in _MEASURES.items()),
    )
    .select_from(shares.join(charges, current()))
    .where(of_repository(shares), shares.c.pull_number == bindparam("of_number"))
    .group_by(shares.c.account_id, charges.c.origin_id, shares.c.reason_id)
    .subquery()
)
_PARTS = select(
    _SUMMED_UP,
    *(origins.c[name] for name in ("tool", "session_id", "model", "basis", "price_book")),
    *(reasons.c[name] for name in ("evidence", "why", "stage")),
).select_from(
    _SUMMED_UP.outerjoin(
        origins, (origins.c.account_id == _SUMMED_UP.c.account_id) & (origins.c.origin_id == _SUMMED_UP.c.origin_id)
    ).outerjoin(
        reasons, (reasons.c.account_id == _SUMMED_UP.c.account_id) & (reasons.c.reason_id == _SUMMED_UP.c.reason_id)
    )
)
_OF_SESSIONS = (
    select(
        shares.c.account_id,
        origins.c.tool,
        origins.c.session_id,
        shares.c.reason_id,
        summed(shares.c.micros).label("micros"),
    )
    .select_from(origins.join(charges, made_by()).join(shares, current()))
    .where(OF_SESSIONS)
    .group_by(shares.c.account_id, origins.c.tool, origins.c.session_id, shares.c.reason_id)
    .subquery()
)
_SESSION_TOTALS = (
    select(_OF_SESSIONS.c.tool, _OF_SESSIONS.c.session_id, summed(_OF_SESSIONS.c.micros).label("micros"))
    .select_from(
        _OF_SESSIONS.outerjoin(
            reasons,
            (reasons.c.account_id == _OF_SESSIONS.c.account_id) & (reasons.c.reason_id == _OF_SESSIONS.c.reason_id),
        )
    )
    .where(is_confirmed())
    .group_by(_OF_SESSIONS.c.tool, _OF_SESSIONS.c.session_id)
)


def parts_of(connection: Connection, key: PullKey, from_ms: int = 0) -> list[Part]:
    """All that a pull request bears of what was requested since then."""
    return [_part(row) for row in connection.execute(_PARTS, key.params | {"from_id": first_id_ms(from_ms)})]


def session_totals(
    connection: Connection, key: RepositoryKey, sessions: Iterable[SessionKey]
) -> dict[SessionKey, Micros]:
    """What whole sessions cost in a repository, at list price, as far as priced, confirmed and shared out."""
    rows = rows_of_sessions(connection, _SESSION_TOTALS, key, sessions)
    return {(row.tool, row.session_id): int(row.micros) for row in rows}


def _part(row: Any) -> Part:
    return Part(
        tool=row.tool,
        session_id=row.session_id,
        model=row.model,
        basis=row.basis,
        price_book=row.price_book,
        evidence=Evidence(row.evidence),
        why=row.why,
        stage=Stage(row.stage),
        cost=Cost(row.micros, row.requests, row.unpriced),
        cache_saving_micros=row.cache_saving_micros,
        uncached_input_tokens=row.uncached_input_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        output_tokens=row.output_tokens,
        tokens_known=row.requests_with_tokens > 0,
        from_at=from_ms(row.from_ms),
        to_at=from_ms(row.to_ms),
    )
