"""The sums by day counted again from charges and shares, to check them and to make them anew.

Where months are not kept any more (`Account.kept_from_ms`), sums hold what no charge says. Such a month ends at midnight UTC, so
in no time zone a later day than the next one has a part of it: days after that are counted, and those before are only added to.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Connection,
    Result,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from attribution.cost import Cost
from attribution.evidence import Evidence, Stage
from attribution.periods import day_of, midnight
from bot.clock import DAY_MS, from_ms, to_ms
from bot.keys import RepositoryKey
from bot.store import accounts as account_store
from bot.store.charge_ids import first_id
from bot.store.database import Database, of_repository, table
from bot.store.day_sums import MEASURES, add, day_senders, day_sums
from bot.store.ledger_tables import IS_OWN, because, charges, current, made_by, origins, reasons, shares, since
from bot.store.tables import Repository
from bot.store.totals import summed
from bot.store.usage_columns import utc_day

repositories = table(Repository)
_DAY = timedelta(days=1)


Rows = list[dict[str, Any]]


class Recount(NamedTuple):
    """A day of a repository: the rows that are saved, and what was counted, by table."""

    day: date
    saved: Mapping[Table, Rows]
    counted: Mapping[Table, Rows]

    @property
    def problem(self) -> str:
        """Where they differ, how; empty where they don't."""
        saved, counted = (_words(rows[day_sums]) for rows in (self.saved, self.counted))
        if self.saved == self.counted:
            return ""
        return f"the sums say {saved}, the ledger {counted}" if saved != counted else f"{saved} are summed up otherwise"


def _words(rows: Rows) -> str:
    micros, requests, unpriced = (
        sum(row[name] for row in rows) for name in ("micros", "requests", "unpriced_requests")
    )
    cost = Cost(micros, requests, unpriced)
    return f"{cost.show()} of {cost.requests:,} requests"


_LOCK = select(repositories.c.time_zone).where(of_repository(repositories)).with_for_update()
_CHANGE_ZONE = update(repositories).where(of_repository(repositories)).values(time_zone=bindparam("new_zone"))
_BETWEEN = and_(
    of_repository(origins),
    origins.c.utc_day.between(bindparam("first_utc_day"), bindparam("last_utc_day")),
    charges.c.at_ms >= bindparam("from_ms"),
    charges.c.at_ms < bindparam("to_ms"),
    since(charges),
)
_IS_FIRST = func.coalesce(shares.c.position, 0) == 0


def _of_first(amount: Any) -> Any:
    """Once for a request, with its first share."""
    return summed(case((_IS_FIRST, amount), else_=0))


_IS_UNPRICED = case((charges.c.list_micros.is_(None), 1), else_=0)
# A share's part of the charge, or the charge itself where no rule has looked at it yet.
_MICROS = case((shares.c.charge_id.is_(None), charges.c.list_micros), else_=shares.c.micros)
_MEASURES = {
    "micros": summed(_MICROS),
    "reported_micros": summed(case((IS_OWN, _MICROS), else_=0)),
    "parts": func.count(),
    "unpriced_parts": summed(_IS_UNPRICED),
    "requests": _of_first(1),
    "unpriced_requests": _of_first(_IS_UNPRICED),
    "requests_with_tokens": _of_first(case((charges.c.output_tokens.is_(None), 0), else_=1)),
    "uncached_input_tokens": _of_first(charges.c.uncached_input_tokens),
    "cache_read_tokens": _of_first(charges.c.cache_read_tokens),
    "cache_write_tokens": _of_first(charges.c.cache_write_5m_tokens + charges.c.cache_write_1h_tokens),
    "output_tokens": _of_first(charges.c.output_tokens),
    "cache_saving_micros": _of_first(charges.c.cache_saving_micros),
}
_PLACE = {
    "pull_number": func.coalesce(reasons.c.pull_number, 0),
    "stage": func.coalesce(reasons.c.stage, Stage.BUILD.value),
    "evidence": func.coalesce(reasons.c.evidence, Evidence.NONE.value),
    "tool": origins.c.tool,
    "model": origins.c.model,
}
_CHARGES = origins.join(charges, made_by())
_COUNT = {
    day_sums: select(
        *(column.label(name) for name, column in _PLACE.items()), *(_MEASURES[name].label(name) for name in MEASURES)
    )
    .select_from(_CHARGES.outerjoin(shares, current()).outerjoin(reasons, because()))
    .where(_BETWEEN)
    .group_by(*_PLACE.values()),
    day_senders: select(origins.c.author, func.count().label("requests"))
    .select_from(_CHARGES)
    .where(_BETWEEN)
    .group_by(origins.c.author),
}
_OF_DAY = {to: and_(of_repository(to), to.c.day == bindparam("of_day")) for to in _COUNT}
_MEASURES_OF = {day_sums: MEASURES, day_senders: ("requests",)}
_SAVED = {
    to: select(*(column for column in to.c if column.name not in ("account_id", "repository_id", "day"))).where(
        _OF_DAY[to]
    )
    for to in _COUNT
}
_DELETE = {to: delete(to).where(_OF_DAY[to]) for to in _COUNT}
_DELETE_FROM = {to: delete(to).where(of_repository(to), to.c.day >= bindparam("from_day")) for to in _COUNT}
_FIRST_UTC_DAY = select(func.min(origins.c.utc_day)).where(
    of_repository(origins), origins.c.utc_day >= bindparam("from_utc_day")
)
_FIRST_SUM = {
    to: select(func.min(to.c.day)).where(of_repository(to), to.c.day >= bindparam("from_day")) for to in _COUNT
}


def lock(connection: Connection, key: RepositoryKey) -> ZoneInfo:
    """Keep everybody else from the sums of a repository until the commit. Returns the zone of its days."""
    return ZoneInfo(connection.execute(_LOCK, key.params).scalar_one_or_none() or "UTC")


def first_day(connection: Connection, account_id: int) -> date:
    """The first day whose requests all have their details, in whatever time zone. On days before, some may have none."""
    return _first_day(account_store.kept_from_ms(connection, account_id))


def is_kept(day: date, kept_ms: int) -> bool:
    """Whether all requests of a day have their details, of those since then."""
    return not kept_ms or day >= _first_day(kept_ms)


def _first_day(kept_ms: int) -> date:
    return from_ms(kept_ms).date() + _DAY


def days(connection: Connection, key: RepositoryKey, zone: ZoneInfo, kept_ms: int | None = None) -> Iterator[date]:
    """The days that may have charges, or have sums, and can be counted, oldest first, one look-up after the other."""
    day = first_day(connection, key.account_id) if kept_ms is None else _first_day(kept_ms)
    while True:
        params = key.params | {"from_utc_day": utc_day(midnight(day, zone)), "from_day": day}
        first_utc_day = connection.execute(_FIRST_UTC_DAY, params).scalar_one()
        listed = [connection.execute(first, params).scalar_one() for first in _FIRST_SUM.values()]
        listed += [] if first_utc_day is None else [max(day, day_of(from_ms(first_utc_day * DAY_MS), zone))]
        next_days = [day for day in listed if day is not None]
        if not next_days:
            return
        yield min(next_days)
        day = min(next_days) + _DAY


def recount(connection: Connection, key: RepositoryKey, zone: ZoneInfo, day: date) -> Recount:
    """Count a day again. Nobody may write meanwhile: see `lock`."""
    saved = {to: _in_order(connection.execute(_SAVED[to], key.params | {"of_day": day})) for to in _COUNT}
    counted = _count(connection, key, zone, day)
    # What came to nothing does not matter.
    non_zero = {to: [row for row in rows if any(row[name] for name in _MEASURES_OF[to])] for to, rows in saved.items()}
    return Recount(day, non_zero, counted)


def verify(database: Database, key: RepositoryKey, day: date, *, corrects: bool = False) -> Recount:
    """Count a day again in a transaction of its own, and correct it if wanted."""
    with database.write() as connection:
        counted = recount(connection, key, lock(connection, key), day)
        if corrects and counted.problem:
            renew(connection, key, counted)
    return counted


def _count(
    connection: Connection, key: RepositoryKey, zone: ZoneInfo, day: date, kept_ms: int = 0
) -> dict[Table, Rows]:
    """What the charges of a day say, of those that were requested since then."""
    first, end = max(from_ms(kept_ms), midnight(day, zone)), midnight(day + _DAY, zone)
    span = {
        "from_ms": to_ms(first), "from_id": first_id(first), "to_ms": to_ms(end),
        "first_utc_day": utc_day(first), "last_utc_day": utc_day(end),
    }  # fmt: skip
    return {to: _in_order(connection.execute(_COUNT[to], key.params | span)) for to in _COUNT}


def renew(connection: Connection, key: RepositoryKey, counted: Recount) -> None:
    """Have the sums of a day say what was counted."""
    for to, rows in counted.counted.items():
        connection.execute(_DELETE[to], key.params | {"of_day": counted.day})
        if rows:
            connection.execute(insert(to), [{**key._asdict(), "day": counted.day, **row} for row in rows])


def renew_all(connection: Connection, key: RepositoryKey, zone: ZoneInfo | None = None) -> None:
    """Sum up a whole repository anew in one transaction, by the days of another time zone if one is given."""
    with again(connection, [key]):
        if zone is not None:
            connection.execute(_CHANGE_ZONE, key.params | {"new_zone": zone.key})


@contextmanager
def again(connection: Connection, keys: Collection[RepositoryKey], kept_ms: int = 0) -> Iterator[None]:
    """Within, the sums of these repositories hold only what was requested before then, or has no details; after, what their charges
    say by then is added."""
    for key in keys:
        zone, start_ms = lock(connection, key), max(kept_ms, account_store.kept_from_ms(connection, key.account_id))
        for day in _cut_days(start_ms):
            _add(connection, key, day, _count(connection, key, zone, day, start_ms), -1)
        for statement in _DELETE_FROM.values():
            connection.execute(statement, key.params | {"from_day": _first_day(start_ms)})
    yield
    for key in keys:
        zone, start_ms = lock(connection, key), max(kept_ms, account_store.kept_from_ms(connection, key.account_id))
        for day in [*_cut_days(start_ms), *days(connection, key, zone, start_ms)]:
            _add(connection, key, day, _count(connection, key, zone, day, start_ms), 1)


def _cut_days(kept_ms: int) -> list[date]:
    """Those that the end of what is not kept may be in, according to the time zone."""
    return [_first_day(kept_ms) - 2 * _DAY, _first_day(kept_ms) - _DAY] if kept_ms else []


def _add(connection: Connection, key: RepositoryKey, day: date, counted: Mapping[Table, Rows], sign: int) -> None:
    for to, rows in counted.items():
        places = [column.name for column in to.primary_key][3:]
        sums = [
            ((key.repository_id, day, *(row[name] for name in places)), [sign * row[name] for name in _MEASURES_OF[to]])
            for row in rows
        ]
        add(connection, to, key.account_id, sums)


def _in_order(rows: Result[Any]) -> Rows:
    return sorted((dict(row) for row in rows.mappings()), key=lambda row: list(row.values()))
