"""What was read of each log, so that an unchanged one costs a look at its size and time, and a grown one only its new lines.

A cache in one SQLite file: without it everything is read again. But tools delete their logs (Claude Code after 30 days), and what a
deleted log said is kept here. When the file is full, what is oldest stays: newer logs are still there to be read.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from attribution.usage import Usage
from collector.files import private_file, private_folder
from collector.logs import Tally, plain
from collector.reading import Log, State
from collector.unchanged import VERSION

# Another VERSION reads everything again, and forgets what only the index remembers.
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS read_log (
    path TEXT NOT NULL, source TEXT NOT NULL, below TEXT NOT NULL, stamp BLOB NOT NULL, requests BLOB NOT NULL,
    tally BLOB NOT NULL, state BLOB NOT NULL, PRIMARY KEY (source, path)
) WITHOUT ROWID""",
    # What git said of a folder or of a commit.
    "CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
)
MOST_BYTES = 512 * 1024 * 1024


_REQUESTS = msgspec.msgpack.Decoder(list[Usage])
_TALLY = msgspec.msgpack.Decoder(Tally)
_STATE = msgspec.msgpack.Decoder(State)
_encode = msgspec.msgpack.Encoder().encode


class Index:
    """The file at `path`, made if missing. A context manager. Raises OSError or sqlite3.Error where it cannot be used."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes

    def __enter__(self) -> Self:
        private_folder(self._path.parent)
        private_file(self._path)
        self._connection = sqlite3.connect(self._path, timeout=5)
        self._connection.execute("PRAGMA trusted_schema = OFF")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if self._connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            self._connection.executescript(
                "DROP TABLE IF EXISTS read_log; DROP TABLE IF EXISTS git_fact; DROP TABLE IF EXISTS fact"
            )
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        for statement in _SCHEMA:
            self._connection.execute(statement)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def stamps(self, source: str, below: Path) -> dict[str, bytes]:
        """The logs of a source in a folder that are known, by path."""
        query = "SELECT path, stamp FROM read_log WHERE source = ? AND below = ?"
        return dict(self._connection.execute(query, (source, plain(below))))

    def log(self, source: str, path: str) -> Log:
        """What a known log said, and what was passed over in it."""
        query = "SELECT requests, tally FROM read_log WHERE source = ? AND path = ?"
        requests, tally = self._row(query, source, path)
        return Log(_REQUESTS.decode(requests), _TALLY.decode(tally))

    def state(self, source: str, path: str) -> State:
        """How to read on in a known log."""
        query = "SELECT state FROM read_log WHERE source = ? AND path = ?"
        return _STATE.decode(self._row(query, source, path)[0])

    def _row(self, query: str, *keys: str) -> tuple[bytes, ...]:
        row = self._connection.execute(query, keys).fetchone()
        if row is None:
            raise sqlite3.DataError("another version of mergecost has begun it anew")
        return row

    def save(self, source: str, below: Path, logs: Mapping[tuple[str, bytes], Log]) -> None:
        """Remember logs, by path and stamp, unless the file is full."""
        rows = (
            (path, source, plain(below), stamp, _encode(log.requests), _encode(log.tally), _encode(log.state))
            for (path, stamp), log in logs.items()
        )
        if logs and self._path.stat().st_size <= self._most_bytes:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO read_log VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def fact(self, key: str) -> bytes | None:
        row = self._connection.execute("SELECT value FROM fact WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def save_facts(self, facts: Mapping[str, bytes]) -> None:
        if facts:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())
