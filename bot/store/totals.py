"""Sums of the ledger, for a week or over pull requests' whole lives. The database counts all figures of reports here."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, func, select
from sqlalchemy import cast as sql_cast

from attribution.breakdown import QUARTER_MS, By, Cell
from attribution.cost import Cost
from attribution.evidence import Evidence, Stage
from attribution.money import Micros
from attribution.report import Row as ModelRow
from attribution.totals import Spend
from bot.clock import from_ms
from bot.keys import RepositoryKey
from bot.store.database import rows_in
from bot.store.ledger import charges, current, shares
from bot.store.tables import Repository


def spent_in(connection: Connection, key: RepositoryKey, starts_ms: Sequence[int], end_ms: int) -> list[list[Spend]]:
    """What was used from each start to the next, and from the last to the end, by what bears it. Complete: what no rule has
    looked at yet is unattributed."""
    amount = func.coalesce(shares.c.micros, case((shares.c.position.is_(None), charges.c.list_micros)))
    part = case(*((charges.c.at_ms < start, i) for i, start in enumerate(starts_ms[1:])), else_=len(starts_ms) - 1)
    columns = [part.label("part"), shares.c.pull_number, shares.c.stage, shares.c.evidence]
    query = select(*columns, *_sums(amount)).select_from(charges.outerjoin(shares, current()))
    periods: list[list[Spend]] = [[] for _ in starts_ms]
    between = _between(key, starts_ms[0], end_ms)
    for period, *values in connection.execute(query.where(between).group_by(*columns)):
        periods[period].append(_spend(values))
    return periods


def total_between(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> Cost:
    """What was used within a time (its end is not included)."""
    query = select(*_sums(charges.c.list_micros)).where(_between(key, from_ms, to_ms))
    return Cost(*connection.execute(query).one())


def spent_on(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> list[Spend]:
    """What these pull requests bore in their whole lives."""
    columns = [shares.c.pull_number, shares.c.stage, shares.c.evidence]
    query = select(*columns, *_sums(shares.c.micros)).select_from(shares.join(charges, current()))
    mine = (shares.c.account_id == key.account_id) & (shares.c.repository_id == key.repository_id)
    query = query.where(mine, shares.c.pull_number.in_(bindparam("numbers", expanding=True))).group_by(*columns)
    return [_spend(row) for row in rows_in(connection, query, {}, "numbers", numbers)]


def spent_at(
    connection: Connection, key: RepositoryKey, numbers: Collection[int]
) -> list[tuple[int, datetime, Micros]]:
    """What these pull requests bore, and when: number, the beginning of a quarter of an hour, and the amount."""
    quarter = (charges.c.at_ms // QUARTER_MS).label("quarter")
    query = select(shares.c.pull_number, quarter, summed(shares.c.micros).label("micros")).select_from(
        shares.join(charges, current())
    )
    mine = (shares.c.account_id == key.account_id) & (shares.c.repository_id == key.repository_id)
    named = shares.c.pull_number.in_(bindparam("numbers", expanding=True))
    query = query.where(mine, named).group_by(shares.c.pull_number, quarter)
    rows = rows_in(connection, query, {}, "numbers", numbers)
    return [(row.pull_number, from_ms(row.quarter * QUARTER_MS), row.micros) for row in rows]


def by_quarter(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> list[tuple[int, Micros]]:
    """What was used in each quarter of an hour, counted since 1970."""
    quarter = (charges.c.at_ms // QUARTER_MS).label("quarter")
    query = select(quarter, summed(charges.c.list_micros)).where(_between(key, from_ms, to_ms)).group_by(quarter)
    return [(when, micros) for when, micros in connection.execute(query)]


def used_between(
    connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int
) -> tuple[tuple[ModelRow, ...], int]:
    """The tools and models that were used from then until then, dearest first, and what reading from cache saved."""
    kinds = (
        charges.c.uncached_input_tokens,
        charges.c.cache_read_tokens,
        charges.c.cache_write_5m_tokens + charges.c.cache_write_1h_tokens,
        charges.c.output_tokens,
        charges.c.list_micros,
        charges.c.cache_saving_micros,
    )
    query = select(
        charges.c.tool,
        charges.c.model,
        func.count(),
        *map(summed, kinds),
        summed(case((charges.c.list_micros.is_(None), 1), else_=0)),
        func.count(charges.c.output_tokens),
    ).where(_between(key, from_ms, to_ms))
    rows = connection.execute(query.group_by(charges.c.tool, charges.c.model)).all()
    models = sorted((_row(*row) for row in rows), key=lambda row: (-row.cost.priced_micros, row.tool, row.model))
    return tuple(models), sum(int(row[8]) for row in rows)


_FINENESS: dict[By, tuple[Any, ...]] = {
    "repository": (),
    "pull": (shares.c.pull_number.label("pull_number"),),
    "issue": (shares.c.pull_number.label("pull_number"),),
    "label": (shares.c.pull_number.label("pull_number"),),
    "tool": (charges.c.tool.label("tool"),),
    "model": (charges.c.model.label("model"),),
    "stage": (func.coalesce(shares.c.stage, Stage.BUILD.value).label("stage"),),
    "day": ((charges.c.at_ms // QUARTER_MS).label("quarter"),),
}
# These see the parts of a request: who bears one is counted with it. The others count a request once.
_BY_PART = ("pull", "issue", "label")


def cells(connection: Connection, repository: Repository, by: By, span_ms: tuple[int, int]) -> list[Cell]:
    """What was used in a repository from then until then, cut as finely as `by` needs."""
    columns = _FINENESS[by]
    amount = func.coalesce(shares.c.micros, case((shares.c.position.is_(None), charges.c.list_micros)))
    counts = 1 if by in _BY_PART else case((func.coalesce(shares.c.position, 0) == 0, 1), else_=0)
    query = select(*columns, *_sums(amount, counts)).select_from(charges.outerjoin(shares, current()))
    between = _between(RepositoryKey(repository.account_id, repository.repository_id), *span_ms)
    rows = connection.execute(query.where(between).group_by(*columns) if columns else query.where(between))
    names = [column.name for column in columns]
    cells: list[Cell] = []
    for *values, micros, requests, unpriced in rows:
        if requests or micros:
            cost = Cost(micros, requests, unpriced)
            cells.append(Cell(repository=repository.full_name, cost=cost, **dict(zip(names, values, strict=True))))
    return cells


def senders_between(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> frozenset[str]:
    """Digests of the people whose sessions reached us from a repository."""
    query = select(charges.c.author).where(_between(key, from_ms, to_ms), charges.c.author != "").distinct()
    return frozenset(connection.execute(query).scalars())


def _between(key: RepositoryKey, from_ms: int, to_ms: int) -> Any:
    return and_(
        charges.c.account_id == key.account_id,
        charges.c.repository_id == key.repository_id,
        charges.c.at_ms >= from_ms,
        charges.c.at_ms < to_ms,
    )


def _sums(amount: Any, requests: Any = 1) -> Sequence[Any]:
    """The columns of a `Cost`: the sum of amounts, of requests, and of those without a price."""
    unpriced = case((charges.c.list_micros.is_(None), requests), else_=0)
    return summed(amount), summed(requests), summed(unpriced)


def summed(column: Any) -> Any:
    """As an integer: PostgreSQL sums big integers to NUMERIC."""
    return sql_cast(func.coalesce(func.sum(column), 0), BigInteger)


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
