"""Sums of the ledger, for days or over pull requests' whole lives, as all reports show them: read from the sums by day, whatever
the number of requests. Days are dates of the repository's time zone, and the last is not included."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Connection, Select, and_, bindparam, case, func, literal, select, union_all
from sqlalchemy import cast as sql_cast

from attribution.breakdown import By, Cell
from attribution.cost import Cost
from attribution.evidence import Evidence, Stage
from attribution.money import Micros
from attribution.periods import QUARTER_MS, midnight
from attribution.report import Row as ModelRow
from attribution.totals import Spend
from bot.clock import from_ms, to_ms
from bot.keys import PullKey, RepositoryKey
from bot.store.among import among
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_account, of_repository, rows_in
from bot.store.day_sums import day_senders, day_sums
from bot.store.ledger_tables import FOR_PULLS, PARTS, WHOLE, charges, reasons, shares, since


def summed(column: Any) -> Any:
    """As an integer: PostgreSQL sums big integers to NUMERIC."""
    return sql_cast(func.coalesce(func.sum(column), 0), BigInteger)


# The columns of a `Cost`. Who bears a request sees its part, and counts it; all else counts a request once.
def _cost(requests: Any, unpriced: Any) -> tuple[Any, ...]:
    return (
        summed(day_sums.c.micros - day_sums.c.reported_micros).label("list_micros"),
        summed(requests).label("requests"),
        summed(unpriced).label("unpriced_requests"),
        summed(day_sums.c.reported_micros).label("reported_micros"),
    )


_OF_PARTS = _cost(day_sums.c.parts, day_sums.c.unpriced_parts)
_OF_REQUESTS = _cost(day_sums.c.requests, day_sums.c.unpriced_requests)


def _in_span(of: Any) -> Any:
    return and_(of.c.day >= bindparam("first_day"), of.c.day < bindparam("end_day"))


_BETWEEN = and_(of_repository(day_sums), _in_span(day_sums))
# A sum whose last part went elsewhere may still have its row.
_IS_ANY = func.sum(day_sums.c.parts) > 0
_SPENT = ("micros", "reported_micros", "parts", "unpriced_parts")
_BEARERS = (day_sums.c.pull_number, day_sums.c.stage, day_sums.c.evidence)
_IS_UNCONFIRMED = day_sums.c.evidence == Evidence.IMPLAUSIBLE.value
_TOTAL = select(*_OF_REQUESTS).where(_BETWEEN, ~_IS_UNCONFIRMED)
_SPENT_ON = (
    select(*_BEARERS, *_OF_PARTS)
    .where(of_repository(day_sums), among(day_sums.c.pull_number, "numbers"))
    .group_by(*_BEARERS)
    .having(_IS_ANY)
)
_QUARTER = (charges.c.at_ms // QUARTER_MS).label("quarter")
_PARTS_AT = union_all(
    *(
        select(reasons.c.pull_number, _QUARTER, micros.label("micros"))
        .select_from(tables)
        .where(FOR_PULLS, since(charges))
        for tables, micros in ((WHOLE, charges.c.list_micros), (PARTS, shares.c.micros))
    )
).subquery()
_SPENT_AT = select(_PARTS_AT.c.pull_number, _PARTS_AT.c.quarter, summed(_PARTS_AT.c.micros).label("micros")).group_by(
    _PARTS_AT.c.pull_number, _PARTS_AT.c.quarter
)
_BY_DAY = (
    select(day_sums.c.day, summed(day_sums.c.micros).label("micros"))
    .where(_BETWEEN, ~_IS_UNCONFIRMED)
    .group_by(day_sums.c.day)
    .having(_IS_ANY)
)
_SUMMED_OF_MODEL = (
    day_sums.c.uncached_input_tokens,
    day_sums.c.cache_read_tokens,
    day_sums.c.cache_write_tokens,
    day_sums.c.output_tokens,
    day_sums.c.requests_with_tokens,
    day_sums.c.cache_saving_micros,
)
_BY_MODEL = (
    select(
        day_sums.c.tool,
        day_sums.c.model,
        *_OF_REQUESTS,
        *(summed(column).label(column.name) for column in _SUMMED_OF_MODEL),
    )
    .where(_BETWEEN, ~_IS_UNCONFIRMED)
    .group_by(day_sums.c.tool, day_sums.c.model)
    .having(_IS_ANY)
)
_BY_MODEL_OF_PULL = (
    select(
        day_sums.c.tool,
        day_sums.c.model,
        *_OF_PARTS,
        *(summed(column).label(column.name) for column in _SUMMED_OF_MODEL),
    )
    .where(of_repository(day_sums), day_sums.c.pull_number == bindparam("of_number"))
    .group_by(day_sums.c.tool, day_sums.c.model)
    .having(_IS_ANY)
)
_FIRST_DAYS = (
    select(day_sums.c.pull_number, func.min(day_sums.c.day).label("day"))
    .where(of_repository(day_sums), among(day_sums.c.pull_number, "numbers"))
    .where(day_sums.c.parts > 0)
    .group_by(day_sums.c.pull_number)
)
_SENDERS = (
    select(day_senders.c.author)
    .where(of_repository(day_senders), _in_span(day_senders), day_senders.c.requests > 0, day_senders.c.author != "")
    .distinct()
)
_REPORTING = (
    select(day_senders.c.author)
    .where(of_repository(day_senders), among(day_senders.c.author, "authors"))
    .where(day_senders.c.day >= bindparam("since"), day_senders.c.requests > 0)
    .distinct()
)
_OF_REPOSITORY, _OF_PULL = (day_sums.c.repository_id,), (day_sums.c.repository_id, day_sums.c.pull_number)
_FINENESS: dict[By, tuple[Any, ...]] = {
    "repository": _OF_REPOSITORY,
    "pull": _OF_PULL,
    "issue": _OF_PULL,
    "label": _OF_PULL,
    "tool": (day_sums.c.tool,),
    "model": (day_sums.c.model,),
    "stage": (day_sums.c.stage,),
    "day": (day_sums.c.day,),
}


@cache
def _cells(by: By) -> Select[*tuple[Any, ...]]:
    columns = _FINENESS[by]
    is_unconfirmed = case((_IS_UNCONFIRMED, 1), else_=0).label("is_unconfirmed")
    return (
        select(*columns, is_unconfirmed, *(_OF_PARTS if columns == _OF_PULL else _OF_REQUESTS))
        .where(of_account(day_sums), among(day_sums.c.repository_id, "repository_ids"))
        .where(_in_span(day_sums))
        .group_by(*columns, is_unconfirmed)
        .having(_IS_ANY)
    )


@cache
def _spent_in(periods: int) -> Select[*tuple[Any, ...]]:
    """By period, of which `start_1` and so on are the later starts."""
    starts = (day_sums.c.day < bindparam(f"start_{i}") for i in range(1, periods))
    period = (
        case(*((is_before, i) for i, is_before in enumerate(starts)), else_=periods - 1) if periods > 1 else literal(0)
    )
    inner = select(period.label("period"), *_BEARERS, *(day_sums.c[name] for name in _SPENT)).where(_BETWEEN).subquery()
    bearers = (inner.c.period, inner.c.pull_number, inner.c.stage, inner.c.evidence)
    listed = inner.c.micros - inner.c.reported_micros
    sums = map(summed, (listed, inner.c.parts, inner.c.unpriced_parts, inner.c.reported_micros))
    return select(*bearers, *sums).group_by(*bearers).having(func.sum(inner.c.parts) > 0)


def spent_in(connection: Connection, key: RepositoryKey, starts: Sequence[date], end: date) -> list[list[Spend]]:
    """What was used from each start to the next, and from the last to the end, by what bears it. Complete: what no rule has
    looked at yet is unattributed."""
    params = _span(key, starts[0], end) | {f"start_{i}": start for i, start in enumerate(starts) if i}
    periods: list[list[Spend]] = [[] for _ in starts]
    for period, *values in connection.execute(_spent_in(len(starts)), params):
        periods[period].append(_spend(values))
    return periods


def total_between(connection: Connection, key: RepositoryKey, first: date, end: date) -> Cost:
    """What was used on these days, and none of what is unconfirmed."""
    return Cost(*connection.execute(_TOTAL, _span(key, first, end)).one())


def spent_on(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> list[Spend]:
    """What these pull requests bore in their whole lives."""
    return [_spend(row) for row in rows_in(connection, _SPENT_ON, key.params, "numbers", numbers)]


def spent_at(
    connection: Connection, key: RepositoryKey, numbers: Collection[int], since: date
) -> list[tuple[int, datetime, Micros]]:
    """What these pull requests bore, none of it before that day, and when: number, the beginning of a quarter of an hour, and the
    amount. From their charges: days are too coarse to tell what was used before they were opened."""
    params = key.params | {"from_id": first_id_ms(beginning_ms(since))}
    rows = rows_in(connection, _SPENT_AT, params, "numbers", numbers)
    return [(row.pull_number, from_ms(row.quarter * QUARTER_MS), row.micros) for row in rows]


def first_days(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> dict[int, date]:
    """The first day on which each of these pull requests bore something that it still bears."""
    return {row.pull_number: row.day for row in rows_in(connection, _FIRST_DAYS, key.params, "numbers", numbers)}


def beginning_ms(day: date) -> int:
    """A time before any of a day, in whatever time zone."""
    return to_ms(midnight(day - timedelta(days=1), ZoneInfo("UTC")))


def used_for(connection: Connection, key: PullKey) -> tuple[tuple[ModelRow, ...], Micros]:
    """The tools and models that were used for a pull request in its whole life, and what reading from cache saved."""
    rows = connection.execute(_BY_MODEL_OF_PULL, key.params).all()
    return tuple(_row(*row) for row in rows), sum(int(row.cache_saving_micros) for row in rows)


def by_day(connection: Connection, key: RepositoryKey, first: date, end: date) -> dict[date, Micros]:
    """What was used on each day that has requests, and none of what is unconfirmed."""
    return {row.day: row.micros for row in connection.execute(_BY_DAY, _span(key, first, end))}


def used_between(
    connection: Connection, key: RepositoryKey, first: date, end: date
) -> tuple[tuple[ModelRow, ...], Micros]:
    """The tools and models that were used on these days, dearest first, and what reading from cache saved: all without what is
    unconfirmed."""
    rows = connection.execute(_BY_MODEL, _span(key, first, end)).all()
    models = sorted((_row(*row) for row in rows), key=lambda row: (-row.cost.priced_micros, row.tool, row.model))
    return tuple(models), sum(int(row.cache_saving_micros) for row in rows)


def cells(
    connection: Connection, account_id: int, names: Mapping[int, str], by: By, span: tuple[date, date]
) -> list[Cell]:
    """What was used in repositories of an account from a day on, up to another (not included), cut as finely as `by` needs. `names`
    are by id of the repository. The days of each are those of its own time zone."""
    params = {"of_account": account_id, "first_day": span[0], "end_day": span[1]}
    listed: list[Cell] = []
    for row in rows_in(connection, _cells(by), params, "repository_ids", names):
        place = dict(row._mapping)
        cost = Cost(**{name: place.pop(name) for name in Cost.__struct_fields__})
        repository_id = place.pop("repository_id", None)
        place["is_unconfirmed"] = bool(place["is_unconfirmed"])
        if "pull_number" in place:
            place["pull_number"] = place["pull_number"] or None
        listed.append(Cell(repository="" if repository_id is None else names[repository_id], cost=cost, **place))
    return listed


def senders_between(connection: Connection, key: RepositoryKey, first: date, end: date) -> frozenset[str]:
    """Digests of the people whose sessions reached us from a repository."""
    return frozenset(connection.execute(_SENDERS, _span(key, first, end)).scalars())


def reporting(connection: Connection, key: RepositoryKey, authors: Collection[str], since: date) -> set[str]:
    """Those of these people, by digest, whose sessions reached us from a repository since that day."""
    return {row.author for row in rows_in(connection, _REPORTING, key.params | {"since": since}, "authors", authors)}


def _span(key: RepositoryKey, first: date, end: date) -> dict[str, Any]:
    return {**key.params, "first_day": first, "end_day": end}


def _spend(row: Any) -> Spend:
    number, stage, evidence, *cost = row
    return Spend(
        pull_number=number or None,
        stage=Stage(stage),
        evidence=Evidence(evidence),
        cost=Cost(*cost),
    )


def _row(*values: Any) -> ModelRow:
    tool, model, *cost, uncached, read, write, output, requests_with_tokens, _ = values
    return ModelRow(
        tool=tool,
        model=model,
        cost=Cost(*cost),
        uncached_input_tokens=uncached,
        cache_read_tokens=read,
        cache_write_tokens=write,
        output_tokens=output,
        tokens_known=requests_with_tokens > 0,
    )
