"""The months of the ledger, by UTC. On PostgreSQL each is a partition of the tables that grow with every request, so that a month
that is not kept any more is dropped at once; SQLite deletes its rows.

The tables are cut by ranges of `charge_id`, which begins with the time. There is no partition for all the rest: a row of a month
that has none is an error. https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from attribution.periods import Month, month_of, months_later
from bot.clock import DAY_MS, from_ms
from bot.store import charge_ids
from bot.store.charge_ids import charges, first_id, shares
from bot.store.database import Database, Unavailable

PARTITIONED = (charges, shares)

_UTC = ZoneInfo("UTC")
# Any number, the same in all replicas.
_MAKER = 7_240_104
# Whoever drops a month keeps readers out for a moment: longer than that he waits for none, and tries again later.
_DROP_WAIT = "300ms"

# Not by `to_regclass`: it remembers within a transaction what was not there.
_EXISTING = text("""
    SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid
    WHERE inhparent = CAST(:parent AS regclass) AND relname = ANY(:names)""")
_ALL = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:parent AS regclass)")


def month_at(at: datetime) -> Month:
    return month_of(at, _UTC)


def earlier(month: Month, by: int) -> Month:
    return months_later(month, -by, _UTC)


def make_for(connection: Connection, ids: Iterable[int]) -> None:
    """Have partitions where charges with these numbers, and their shares, can be stored."""
    if connection.dialect.name == "postgresql":
        days = {charge_ids.minute_of(charge_id) * 60_000 // DAY_MS for charge_id in ids}
        make(connection, {_month_of_day(day) for day in days})


def make_ahead(database: Database, now: datetime) -> None:
    """Have partitions for this month and the next one before anybody needs them."""
    if database.is_postgresql:
        month = month_at(now)
        with database.write() as connection:
            make(connection, [month, earlier(month, -1)])


def make(connection: Connection, months: Iterable[Month]) -> None:
    """On PostgreSQL. Whichever of several replicas comes first makes one, and nobody else waits: a table that is attached locks
    no reader and no writer out, as one that is made as a partition would."""
    if missing := _missing(connection, sorted(months)):
        connection.execute(text("SELECT pg_advisory_xact_lock(:maker)"), {"maker": _MAKER})
        for month in _missing(connection, missing):
            for table in PARTITIONED:
                name, first, end = _name(table.name, month), first_id(month.from_at), first_id(month.to_at)
                connection.exec_driver_sql(
                    f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
                )
                connection.exec_driver_sql(
                    f"ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})"
                )


def drop_before(database: Database, before_ms: int) -> bool:
    """Drop the months that had ended by then, on PostgreSQL, whose disk has their space back at once. False where that has to be
    tried again later."""
    if not database.is_postgresql:
        return True
    try:
        with database.write() as connection:
            names = connection.execute(_ALL, {"parent": charges.name}).scalars().all()
            old = sorted(month for month in map(_month_named, names) if month.to_at <= from_ms(before_ms))
            if old:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_DROP_WAIT}'")
                partitions = [_name(table.name, month) for month in old for table in PARTITIONED]
                connection.exec_driver_sql(f"DROP TABLE {', '.join(partitions)}")
    except Unavailable:  # whoever reads them now is not kept waiting
        return False
    return True


def _missing(connection: Connection, months: list[Month]) -> list[Month]:
    """Those that have no partition."""
    table = PARTITIONED[-1].name  # made last
    names = {_name(table, month): month for month in months}
    made = connection.execute(_EXISTING, {"parent": table, "names": list(names)}).scalars()
    return [names[name] for name in sorted(names.keys() - set(made))]


def _name(table: str, month: Month) -> str:
    return f"{table}_{month.name.replace('-', '_')}"


def _month_named(partition: str) -> Month:
    year, month = partition.split("_")[-2:]
    return month_at(datetime(int(year), int(month), 1, tzinfo=_UTC))


@lru_cache(maxsize=256)
def _month_of_day(day: int) -> Month:
    """Of a day since 1970."""
    return month_at(from_ms(day * DAY_MS))
