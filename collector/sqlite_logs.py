"""Rows of the SQLite databases in which some tools keep their logs."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from urllib.parse import quote

from attribution.tools.log import Sqlite
from collector.logs import MAX_LOG_BYTES, UnreadableLog, plain

# How long to wait for a tool that has its database locked.
LOCK_TIMEOUT_SECONDS = 1
# Steps of SQLite's virtual machine: seconds of work, and a hundred times what a large database takes. A view may have no last row.
_MOST_STEPS, _STEPS_TOGETHER = 1_000_000_000, 1_000_000
MAX_VALUE_BYTES = 256 * 1024 * 1024
_ROW_BYTES = 100
# Names of what SQLite opens beside a database.
_SUFFIXES = ("-wal", "-shm", "-journal")


def rows(source: Sqlite, path: Path) -> Iterator[bytes]:
    """Rows as they are now. The database is opened read-only and locked only while it is read, so that a running tool can write.
    It may be a stranger's: https://www.sqlite.org/security.html

    Raises UnreadableLog.
    """
    for name in (path, *(path.with_name(path.name + suffix) for suffix in _SUFFIXES)):
        if name.exists() and not name.is_file():
            raise UnreadableLog(f"{plain(name.name)} is no regular file")
    uri = f"file:{quote(os.fsencode(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_SECONDS)) as connection:
            connection.text_factory = bytes
            _restrict(connection)
            connection.create_function("unzstd", 1, _unzstd, deterministic=True)
            size = 0
            for query in source.queries:
                for record in _records(connection, query):
                    size += len(record) + _ROW_BYTES
                    if size > MAX_LOG_BYTES:
                        raise UnreadableLog(f"holds more than {MAX_LOG_BYTES >> 30} GiB")
                    yield record
    except (sqlite3.Error, MemoryError) as error:  # also for a value over the limit
        raise UnreadableLog(str(error)) from error


def _restrict(connection: sqlite3.Connection) -> None:
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    rounds = count()
    connection.set_progress_handler(lambda: next(rounds) >= _MOST_STEPS // _STEPS_TOGETHER, _STEPS_TOGETHER)


def _records(connection: sqlite3.Connection, query: str) -> Iterator[bytes]:
    try:
        cursor = connection.execute(query)
    except sqlite3.OperationalError as error:
        if "no such" in str(error):  # another version of the tool has another schema
            return
        raise
    for (record,) in cursor:
        if isinstance(record, bytes):
            yield record


def _unzstd(data: bytes) -> str | None:
    from collector.compression import unzstd  # noqa: PLC0415 (only for the tools that compress)

    return unzstd(data)
