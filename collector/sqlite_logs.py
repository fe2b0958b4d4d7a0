"""Rows of the SQLite databases in which some tools keep their logs."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from attribution.tools.log import Sqlite
from collector.logs import UnreadableLog

# How long to wait for a tool that has its database locked.
LOCK_TIMEOUT_SECONDS = 1


def rows(source: Sqlite, path: Path) -> Iterator[bytes]:
    """Rows as they are now. The database is opened read-only and locked only while it is read, so that a running tool can write.

    Raises UnreadableLog.
    """
    uri = f"file:{quote(os.fsencode(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_SECONDS)) as connection:
            connection.text_factory = bytes
            connection.create_function("unzstd", 1, _unzstd, deterministic=True)
            for query in source.queries:
                yield from _records(connection, query)
    except sqlite3.Error as error:
        raise UnreadableLog(str(error)) from error


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
