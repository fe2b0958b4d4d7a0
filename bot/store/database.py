"""The two kinds of transaction that the rest uses, on SQLite and PostgreSQL, and how rows leave them."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    FromClause,
    Row,
    Table,
    and_,
    bindparam,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import SQLModel

from bot.store.among import among
from bot.store.engines import LOCK_SECONDS, engine_of
from bot.store.fair_lock import FairLock

Model = TypeVar("Model", bound=SQLModel)

# In one statement: databases bound the number of parameters (SQLite 32,766, PostgreSQL 65,535).
_AT_ONCE = 10_000
MIGRATIONS = Path(__file__).parents[2] / "deploy" / "migrations"
_AT_END = "at_end"


class Unavailable(Exception):
    """The database is away, locked, stalled or refuses: nothing may be acknowledged, and the same may succeed later. `reason` is
    the driver's, and holds no password."""

    def __init__(self, reason: str, *, is_contention: bool = False) -> None:
        super().__init__(f"the database does not take it: {reason}")
        self.reason = reason
        self.is_contention = is_contention


class Database:
    """`read()` and `write()` give a connection, in a transaction where that makes a difference; a write on SQLite takes its lock
    at once, so that two writers queue up instead of failing half-way (https://www.sqlite.org/lang_transaction.html)."""

    def __init__(self, url: str) -> None:
        self.engine = engine_of(url)
        self.is_postgresql = self.engine.dialect.name == "postgresql"
        # In PostgreSQL's READ COMMITTED every statement sees what is committed by then, in a transaction or not: reads do without.
        self._reading = (
            self.engine.execution_options(isolation_level="AUTOCOMMIT") if self.is_postgresql else self.engine
        )
        self._writing = self.engine.execution_options(writes=True)
        # SQLite has writers poll for its lock, which is slow and unfair: threads of one process queue up here instead.
        self._writer = None if self.is_postgresql else FairLock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Raises `Unavailable`."""
        with _our_errors(), self._reading.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """What is done within is committed at its end. Raises `Unavailable`: then it is not, or nobody knows."""
        with _our_errors(), self._turn(), self._writing.connect() as connection, connection.begin():
            last: dict[Callable[[Connection, list[Any]], None], list[Any]] = {}
            # It belongs to the driver's connection, which others use after us; asked for again once that has ended, it raises.
            info = connection.info
            info[_AT_END] = last
            try:
                yield connection
            finally:
                info.pop(_AT_END, None)
            for write, rows in last.items():
                write(connection, rows)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(LOCK_SECONDS):
            raise Unavailable("another transaction takes too long")
        try:
            yield
        finally:
            self._writer.release()

    def insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """See `insert_for`."""
        return insert_for(self.engine.dialect, table)

    def migrate(self) -> None:
        """Bring the tables up to date. Alembic is slow to import, so only where a server starts."""
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.write() as connection:
            if (
                self.is_postgresql
            ):  # replicas that start together migrate one after the other, however long the first one takes
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7240103)")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        self.engine.dispose()


def at_end(connection: Connection, write: Callable[[Connection, list[Any]], None], rows: Iterable[Any]) -> None:
    """Have `write` called once at the end of the transaction, with the rows of all calls: what is wanted by many is locked last,
    together and in one order."""
    connection.info[_AT_END].setdefault(write, []).extend(rows)


@contextmanager
def _our_errors() -> Iterator[None]:
    """The errors of drivers and of the pool as ours. A driver's own come through where SQLAlchemy prepares a connection."""
    try:
        yield
    except DBAPIError as error:
        raise Unavailable(str(error.orig), is_contention=_is_contention(error)) from error
    except (PoolTimeout, psycopg.Error, sqlite3.Error) as error:
        raise Unavailable(str(error)) from error


def _is_contention(error: DBAPIError) -> bool:
    """Whether a transaction was given up because another one was in its way: doing it again is all that it takes."""
    # https://www.postgresql.org/docs/current/errcodes-appendix.html: serialization_failure, deadlock_detected
    return getattr(error.orig, "sqlstate", None) in ("40001", "40P01") or "database is locked" in str(error.orig)


def table(model: type[SQLModel]) -> Table:
    return model.__table__  # type: ignore[attr-defined]


# Conditions with parameters, so that a statement is built once. The `params` of a key fill them in.


def insert_for(dialect: Dialect, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """The dialect's INSERT, for ON CONFLICT, which both spell alike."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


def of_account(of: FromClause) -> ColumnElement[bool]:
    return of.c.account_id == bindparam("of_account")


def of_repository(of: FromClause) -> ColumnElement[bool]:
    return and_(of_account(of), of.c.repository_id == bindparam("of_repository"))


def of_pull(of: Table) -> ColumnElement[bool]:
    return and_(of_repository(of), of.c.number == bindparam("of_number"))


def of_week(of: Table) -> ColumnElement[bool]:
    return and_(of_repository(of), of.c.week == bindparam("of_week"))


def one(model: type[Model], connection: Connection, statement: Executable, params: Mapping[str, Any]) -> Model | None:
    """The one row of a `select(table)`, or None."""
    row = connection.execute(statement, params).first()
    return None if row is None else model(**row._mapping)


def rows(
    model: type[Model], connection: Connection, statement: Executable, params: Mapping[str, Any] | None = None
) -> list[Model]:
    """The rows of a `select(table)`."""
    return [model(**row._mapping) for row in connection.execute(statement, params or {})]


def rows_in(
    connection: Connection, statement: Executable, params: Mapping[str, Any], name: str, values: Collection[Any]
) -> Iterator[Row[Any]]:
    """The rows of a statement with a parameter of this name, a list (`among`) or an expanding one, for however many values."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _AT_ONCE):
        yield from connection.execute(statement, {**params, name: ordered[start : start + _AT_ONCE]}).all()


def of_names(tool: ColumnElement[str], name: ColumnElement[str]) -> ColumnElement[bool]:
    """What has one of several names that a tool gave it: for `rows_named`."""
    return and_(tool == bindparam("of_tool"), among(name, "of_names"))


def rows_named(
    connection: Connection, statement: Executable, params: Mapping[str, Any], names: Iterable[tuple[str, str]]
) -> Iterator[Row[Any]]:
    """The rows of a statement with `of_names`, for as many (tool, name) as there are. One tool after the other, since SQLite looks
    up pairs in an index by their first part alone."""
    for tool, pairs in groupby(sorted(set(names)), key=itemgetter(0)):
        yield from rows_in(connection, statement, {**params, "of_tool": tool}, "of_names", [name for _, name in pairs])
