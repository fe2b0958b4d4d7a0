"""Sums of the ledger, for a week or over pull requests' whole lives. The database counts all figures of reports here."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, bindparam, case, func, literal, select
from sqlalchemy import cast as sql_cast

from attribution.breakdown import QUARTER_MS, By, Cell
from attribution.cost import Cost
from attribution.evidence import Evidence, Stage
from attribution.money import Micros
from attribution.report import Row as ModelRow
from attribution.totals import Spend
from bot.clock import from_ms
from bot.keys import RepositoryKey
from bot.store.database import of_repository, rows_in
from bot.store.ledger import because, charges, current, made_by, origins, reasons, shares
from bot.store.tables import Repository


def summed(column: Any) -> Any:
    """As an integer: PostgreSQL sums big integers to NUMERIC."""
    return sql_cast(func.coalesce(func.sum(column), 0), BigInteger)


def _sums(amount: Any, requests: Any = 1) -> Sequence[Any]:
    """The columns of a `Cost`: the sum of amounts, of requests, and of those without a price."""
    unpriced = case((charges.c.list_micros.is_(None), requests), else_=0)
    return summed(amount), summed(requests), summed(unpriced)


_QUARTER = (charges.c.at_ms // QUARTER_MS).label("quarter")
_BETWEEN = and_(of_repository(charges), charges.c.at_ms >= bindparam("from_ms"), charges.c.at_ms < bindparam("to_ms"))
_NUMBERS = shares.c.pull_number.in_(bindparam("numbers", expanding=True))
# What bears a charge, or the charge itself where no rule has looked at it yet.
_AMOUNT = func.coalesce(shares.c.micros, case((shares.c.position.is_(None), charges.c.list_micros)))
_CHARGES = charges.outerjoin(origins, made_by())
_ALL = charges.outerjoin(shares, current()).outerjoin(reasons, because())
_CURRENT = shares.join(charges, current()).outerjoin(reasons, because())
_BEARERS = (shares.c.pull_number, reasons.c.stage, reasons.c.evidence)
_TOTAL = select(*_sums(charges.c.list_micros)).where(_BETWEEN)
_SPENT_ON = (
    select(*_BEARERS, *_sums(shares.c.micros))
    .select_from(_CURRENT)
    .where(of_repository(shares), _NUMBERS)
    .group_by(*_BEARERS)
)
_SPENT_AT = (
    select(shares.c.pull_number, _QUARTER, summed(shares.c.micros).label("micros"))
    .select_from(_CURRENT)
    .where(of_repository(shares), _NUMBERS)
    .group_by(shares.c.pull_number, _QUARTER)
)
_BY_QUARTER = select(_QUARTER, summed(charges.c.list_micros)).where(_BETWEEN).group_by(_QUARTER)
_SUMMED_OF_MODEL = (
    charges.c.uncached_input_tokens,
    charges.c.cache_read_tokens,
    charges.c.cache_write_5m_tokens + charges.c.cache_write_1h_tokens,
    charges.c.output_tokens,
    charges.c.list_micros,
    charges.c.cache_saving_micros,
)
_BY_MODEL = (
    select(
        origins.c.tool,
        origins.c.model,
        func.count(),
        *map(summed, _SUMMED_OF_MODEL),
        summed(case((charges.c.list_micros.is_(None), 1), else_=0)),
        func.count(charges.c.output_tokens),
    )
    .select_from(_CHARGES)
    .where(_BETWEEN)
    .group_by(origins.c.tool, origins.c.model)
)
_SENDERS = select(origins.c.author).select_from(_CHARGES).where(_BETWEEN).distinct()
_FINENESS: dict[By, tuple[Any, ...]] = {
    "repository": (),
    "pull": (shares.c.pull_number.label("pull_number"),),
    "issue": (shares.c.pull_number.label("pull_number"),),
    "label": (shares.c.pull_number.label("pull_number"),),
    "tool": (origins.c.tool.label("tool"),),
    "model": (origins.c.model.label("model"),),
    "stage": (func.coalesce(reasons.c.stage, Stage.BUILD.value).label("stage"),),
    "day": (_QUARTER,),
}
# These see the parts of a request: who bears one is counted with it. The others count a request once.
_BY_PART = ("pull", "issue", "label")


@cache
def _cells(by: By) -> Select[*tuple[Any, ...]]:
    columns = _FINENESS[by]
    counts = 1 if by in _BY_PART else case((func.coalesce(shares.c.position, 0) == 0, 1), else_=0)
    statement = (
        select(*columns, *_sums(_AMOUNT, counts)).select_from(_ALL.outerjoin(origins, made_by())).where(_BETWEEN)
    )
    return statement.group_by(*columns) if columns else statement


@cache
def _spent_in(periods: int) -> Select[*tuple[Any, ...]]:
    """By period, of which `start_1` and so on are the later starts."""
    starts = (charges.c.at_ms < bindparam(f"start_{i}") for i in range(1, periods))
    period = (
        case(*((is_before, i) for i, is_before in enumerate(starts)), else_=periods - 1) if periods > 1 else literal(0)
    )
    columns = (period.label("period"), *_BEARERS)
    inner = (
        select(*columns, _AMOUNT.label("amount"), charges.c.list_micros).select_from(_ALL).where(_BETWEEN).subquery()
    )
    bearers = (inner.c.period, inner.c.pull_number, inner.c.stage, inner.c.evidence)
    unpriced = case((inner.c.list_micros.is_(None), 1), else_=0)
    return select(*bearers, summed(inner.c.amount), func.count(), summed(unpriced)).group_by(*bearers)


def spent_in(connection: Connection, key: RepositoryKey, starts_ms: Sequence[int], end_ms: int) -> list[list[Spend]]:
    """What was used from each start to the next, and from the last to the end, by what bears it. Complete: what no rule has
    looked at yet is unattributed."""
    params = key.params | {"from_ms": starts_ms[0], "to_ms": end_ms}
    params |= {f"start_{i}": start_ms for i, start_ms in enumerate(starts_ms) if i}
    periods: list[list[Spend]] = [[] for _ in starts_ms]
    for period, *values in connection.execute(_spent_in(len(starts_ms)), params):
        periods[period].append(_spend(values))
    return periods


def total_between(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> Cost:
    """What was used within a time (its end is not included)."""
    return Cost(*connection.execute(_TOTAL, _span(key, from_ms, to_ms)).one())


def spent_on(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> list[Spend]:
    """What these pull requests bore in their whole lives."""
    return [_spend(row) for row in rows_in(connection, _SPENT_ON, key.params, "numbers", numbers)]


def spent_at(
    connection: Connection, key: RepositoryKey, numbers: Collection[int]
) -> list[tuple[int, datetime, Micros]]:
    """What these pull requests bore, and when: number, the beginning of a quarter of an hour, and the amount."""
    rows = rows_in(connection, _SPENT_AT, key.params, "numbers", numbers)
    return [(row.pull_number, from_ms(row.quarter * QUARTER_MS), row.micros) for row in rows]


def by_quarter(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> list[tuple[int, Micros]]:
    """What was used in each quarter of an hour, counted since 1970."""
    rows = connection.execute(_BY_QUARTER, _span(key, from_ms, to_ms))
    return [(quarter, micros) for quarter, micros in rows]


def used_between(
    connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int
) -> tuple[tuple[ModelRow, ...], int]:
    """The tools and models that were used from then until then, dearest first, and what reading from cache saved."""
    rows = connection.execute(_BY_MODEL, _span(key, from_ms, to_ms)).all()
    models = sorted((_row(*row) for row in rows), key=lambda row: (-row.cost.priced_micros, row.tool, row.model))
    return tuple(models), sum(int(row[8]) for row in rows)


def cells(connection: Connection, repository: Repository, by: By, span_ms: tuple[int, int]) -> list[Cell]:
    """What was used in a repository from then until then, cut as finely as `by` needs."""
    names = [column.name for column in _FINENESS[by]]
    listed: list[Cell] = []
    for *values, micros, requests, unpriced in connection.execute(_cells(by), _span(repository.key, *span_ms)):
        if requests or micros:
            cost = Cost(micros, requests, unpriced)
            listed.append(Cell(repository=repository.full_name, cost=cost, **dict(zip(names, values, strict=True))))
    return listed


def senders_between(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> frozenset[str]:
    """Digests of the people whose sessions reached us from a repository."""
    return frozenset(connection.execute(_SENDERS, _span(key, from_ms, to_ms)).scalars()) - {""}


def _span(key: RepositoryKey, from_ms: int, to_ms: int) -> dict[str, int]:
    return key.params | {"from_ms": from_ms, "to_ms": to_ms}


def _spend(row: Any) -> Spend:
    number, stage, evidence, micros, requests, unpriced = row
    return Spend(
        pull_number=number,
        stage=Stage(stage or Stage.BUILD),
        evidence=Evidence(evidence or Evidence.NONE),
        cost=Cost(micros, requests, unpriced),
    )


def _row(*values: Any) -> ModelRow:
    tool, model, requests, uncached, read, write, output, micros, _, unpriced, known_count = values
    return ModelRow(
        tool=tool,
        model=model,
        cost=Cost(micros, requests, unpriced),
        uncached_input_tokens=uncached,
        cache_read_tokens=read,
        cache_write_tokens=write,
        output_tokens=output,
        tokens_known=known_count > 0,
    )
