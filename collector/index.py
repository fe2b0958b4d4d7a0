"""What was read of each log, so that an unchanged one costs a look at its size and time, and a grown one only its new lines.

A cache in one SQLite file: without it everything is read again. But tools delete their logs (Claude Code after 30 days), and what a
deleted log said is kept here. When the file is full, what is oldest stays: newer logs are still there to be read.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from attribution.usage import Usage
from collector.logs import State

# A new version reads everything again, and forgets what only it remembers.
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS read_log (
    path TEXT NOT NULL, source TEXT NOT NULL, below TEXT NOT NULL, stamp BLOB NOT NULL, state BLOB NOT NULL, requests BLOB NOT NULL,
    PRIMARY KEY (path, source)
) WITHOUT ROWID""",
    # What git said of a folder or of a commit.
    "CREATE TABLE IF NOT EXISTS git_fact (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
)
_VERSION = 1
MOST_BYTES = 512 * 1024 * 1024


class Entry(msgspec.Struct):
    """A log as it was at `stamp`."""

    stamp: bytes
    state: State
    packed: bytes

    @property
    def requests(self) -> list[Usage]:
        return _REQUESTS.decode(self.packed)


_STATE = msgspec.msgpack.Decoder(State)
_REQUESTS = msgspec.msgpack.Decoder(list[Usage])
_encode = msgspec.msgpack.Encoder().encode


class Index:
    """The file at `path`, made if missing. A context manager. Raises OSError or sqlite3.Error where it cannot be used."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection = sqlite3.connect(self._path, timeout=5)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if self._connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            self._connection.executescript("DROP TABLE IF EXISTS read_log; DROP TABLE IF EXISTS git_fact")
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        for statement in _SCHEMA:
            self._connection.execute(statement)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def entries(self, source: str, below: Path) -> dict[str, Entry]:
        """What is known of the logs of a source in a folder, by path."""
        query = "SELECT path, stamp, state, requests FROM read_log WHERE source = ? AND below = ?"
        rows = self._connection.execute(query, (source, str(below)))
        return {path: Entry(stamp, _STATE.decode(state), packed) for path, stamp, state, packed in rows}

    def save(self, source: str, below: Path, read: Iterable[tuple[str, bytes, State, list[Usage]]]) -> None:
        """Remember logs as they were read, unless the file is full. All or nothing."""
        rows = [
            (path, source, str(below), stamp, _encode(state), _encode(requests))
            for path, stamp, state, requests in read
        ]
        if rows and self._path.stat().st_size <= self._most_bytes:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO read_log VALUES (?, ?, ?, ?, ?, ?)", rows)

    def git_fact(self, key: str) -> bytes | None:
        row = self._connection.execute("SELECT value FROM git_fact WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def save_git_facts(self, facts: Mapping[str, bytes]) -> None:
        if facts:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO git_fact VALUES (?, ?)", facts.items())


def gone(entries: dict[str, Entry], present: Iterable[Path]) -> Iterator[tuple[str, Entry]]:
    """Entries of logs that are not there any more."""
    there = {str(path) for path in present}
    return ((path, entry) for path, entry in entries.items() if path not in there)
