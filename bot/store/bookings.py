"""What pull requests bear, summed up by session, model and reason: as many rows as there are reasons, not requests."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Connection, Float, case, func, select, union_all
from sqlalchemy import cast as sql_cast

from attribution.cost import Cost, cost_of
from attribution.evidence import Evidence, Stage
from attribution.report import Part
from bot.clock import from_ms
from bot.keys import PullKey, RepositoryKey
from bot.store.charge_ids import first_id_ms
from bot.store.ledger import OF_SESSIONS, rows_of_sessions
from bot.store.ledger_tables import (
    FOR_PULL,
    IS_OWN,
    MICROS,
    OWN,
    PARTS,
    WHOLE,
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
from bot.store.sessions import SessionKey
from bot.store.totals import summed

# As much of it as of the charge.
_PART_OF_SAVING = case(
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


def _summed_up(tables: Any, micros: Any, saving: Any) -> Any:
    """By number of origin and reason: what they stand for is then looked up once, and not for each request."""
    measures = {
        "micros": summed(micros),
        "requests": func.count(),
        "unpriced": summed(case((micros.is_(None), 1), else_=0)),
        "cache_saving_micros": summed(saving),
        "uncached_input_tokens": summed(charges.c.uncached_input_tokens),
        "cache_read_tokens": summed(charges.c.cache_read_tokens),
        "cache_write_tokens": summed(charges.c.cache_write_5m_tokens + charges.c.cache_write_1h_tokens),
        "output_tokens": summed(charges.c.output_tokens),
        "requests_with_tokens": func.count(charges.c.output_tokens),
        "from_ms": func.min(charges.c.at_ms),
        "to_ms": func.max(charges.c.at_ms),
    }
    numbers = (reasons.c.account_id, charges.c.origin_id, reasons.c.reason_id)
    return (
        select(*numbers, *(measure.label(name) for name, measure in measures.items()))
        .select_from(tables)
        .where(FOR_PULL, since(charges))
        .group_by(*numbers)
    )


# Charges without a price save nothing that is known.
_SAVING = case((charges.c.list_micros.is_(None), 0), else_=charges.c.cache_saving_micros)
_SUMMED_UP = union_all(
    _summed_up(WHOLE, charges.c.list_micros, _SAVING), _summed_up(PARTS, shares.c.micros, _PART_OF_SAVING)
).subquery()
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
_SESSION_TOTALS = (
    select(
        origins.c.tool,
        origins.c.session_id,
        summed(case((IS_OWN, 0), else_=MICROS)).label("list_micros"),
        func.count().label("requests"),
        summed(case((charges.c.list_micros.is_(None), 1), else_=0)).label("unpriced_requests"),
        summed(case((IS_OWN, MICROS), else_=0)).label("reported_micros"),
    )
    .select_from(origins.join(charges, made_by()).outerjoin(shares, current()).outerjoin(reasons, because()))
    .where(OF_SESSIONS, is_confirmed())
    .group_by(origins.c.tool, origins.c.session_id)
)


def parts_of(connection: Connection, key: PullKey, from_ms: int = 0) -> list[Part]:
    """All that a pull request bears of what was requested since then."""
    return [_part(row) for row in connection.execute(_PARTS, key.params | {"from_id": first_id_ms(from_ms)})]


def session_totals(
    connection: Connection, key: RepositoryKey, sessions: Iterable[SessionKey]
) -> dict[SessionKey, Cost]:
    """What whole sessions cost in a repository, as far as confirmed and shared out. A request counts with each of its shares."""
    rows = rows_of_sessions(connection, _SESSION_TOTALS, key, sessions)
    return {
        (row.tool, row.session_id): Cost(*(int(row._mapping[name]) for name in Cost.__struct_fields__)) for row in rows
    }


def _part(row: Any) -> Part:
    return Part(
        tool=row.tool,
        session_id=row.session_id,
        model=row.model,
        price_book=row.price_book,
        evidence=Evidence(row.evidence),
        why=row.why,
        stage=Stage(row.stage),
        cost=cost_of(row.micros, row.requests, row.unpriced, is_own=row.basis == OWN),
        cache_saving_micros=row.cache_saving_micros,
        uncached_input_tokens=row.uncached_input_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        output_tokens=row.output_tokens,
        tokens_known=row.requests_with_tokens > 0,
        from_at=from_ms(row.from_ms),
        to_at=from_ms(row.to_ms),
    )
