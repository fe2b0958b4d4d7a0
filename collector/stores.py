"""Rows of the SQLite databases in which some tools keep their logs."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from attribution.tools.log import Sqlite
from collector.logs import UnreadableLog


def rows(source: Sqlite, path: Path) -> Iterator[bytes]:
    """Rows as they are now. The store is opened read-only and locked no longer than a read: a tool that is running writes on.

    Raises UnreadableLog.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True, timeout=1)) as connection:
            connection.text_factory = bytes
            connection.create_function("unzstd", 1, _unzstd, deterministic=True)
            for query in source.queries:
                yield from _answers(connection, query)
    except sqlite3.Error as error:
        raise UnreadableLog(str(error)) from error


def _answers(connection: sqlite3.Connection, query: str) -> Iterator[bytes]:
    try:
        answers = connection.execute(query)
    except sqlite3.OperationalError as error:
        if "no such" in str(error):  # a table or column of another generation
            return
        raise
    for (record,) in answers:
        if isinstance(record, bytes):
            yield record


def _unzstd(packed: bytes) -> str | None:
    from collector.packed import unzstd  # noqa: PLC0415 (only for the tools that pack)

    return unzstd(packed)
