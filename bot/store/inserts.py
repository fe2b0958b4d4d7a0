"""Many rows at once. SQLAlchemy's own way costs as much for each row as the database does."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Table


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], on_conflict: str = "") -> None:
    """Add rows, all with the same columns, in one statement; what some of them meet there is for `on_conflict`, in SQL."""
    if rows:
        insert_values(connection, table, tuple(rows[0]), [tuple(row.values()) for row in rows], on_conflict)


def insert_values(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    values: Sequence[tuple[Any, ...]],
    on_conflict: str = "",
) -> None:
    """The same of rows that are tuples. PostgreSQL takes new rows by COPY, which knows no ON CONFLICT, and others as JSON."""
    if not values:
        return
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql(_insert(table, columns, on_conflict), values)
    elif on_conflict:
        rows = msgspec.json.encode([dict(zip(columns, row, strict=True)) for row in values]).decode()
        connection.exec_driver_sql(_insert_json(table, columns, on_conflict), (rows,))
    else:
        _copy(connection, f"COPY {table.name} ({_listed(table, columns)}) FROM STDIN", values)


@cache
def _insert(table: Table, columns: tuple[str, ...], on_conflict: str) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({_listed(table, columns)}) VALUES ({marks}) {on_conflict}"  # noqa: S608 - our names


@cache
def _insert_json(table: Table, columns: tuple[str, ...], on_conflict: str) -> str:
    # https://www.postgresql.org/docs/current/functions-json.html
    listed = _listed(table, columns)
    rows = f"SELECT {listed} FROM json_populate_recordset(NULL::{table.name}, %s::json)"  # noqa: S608 - our names
    return f"INSERT INTO {table.name} ({listed}) {rows} {on_conflict}"


@cache
def _listed(table: Table, columns: tuple[str, ...]) -> str:
    """Quoted: `commit` is a word of SQL. Raises KeyError where the table has no such column."""
    return ", ".join(f'"{table.c[name].name}"' for name in columns)


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """https://www.psycopg.org/psycopg3/docs/basic/copy.html"""
    driver_connection: Any = connection.connection.driver_connection
    with driver_connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
