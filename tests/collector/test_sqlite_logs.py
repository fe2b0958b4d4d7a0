"""Databases of tools that may be running: read without changing them."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from collector.index import Index
from collector.scan import scan
from tests.tools import recordings

ENV = {"PATH": os.environ["PATH"]}


@pytest.fixture(autouse=True)
def impatient_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is reported at once, not after a second."""
    monkeypatch.setattr("collector.sqlite_logs.LOCK_TIMEOUT_SECONDS", 0)


@pytest.fixture
def database(home: Path) -> Path:
    folder = home / ".local/share/opencode"
    folder.mkdir(parents=True)
    path = folder / "opencode.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((recordings.FIXTURES / "opencode/opencode.db.sql").read_text())
    return path


def test_reading_a_database_does_not_change_it(home: Path, database: Path):
    before = database.read_bytes(), database.stat().st_mtime_ns
    assert len(scan(home, ENV).usages) == 12
    assert (database.read_bytes(), database.stat().st_mtime_ns) == before
    assert sorted(path.name for path in database.parent.iterdir()) == ["opencode.db"]


def test_rows_in_the_write_ahead_log_of_a_running_tool_are_read(home: Path, database: Path):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE message SET data = json_set(data, '$.tokens.output', 999, '$.tokens.total', NULL)")
        connection.commit()
        usages = scan(home, ENV).usages
        connection.execute("INSERT INTO session (id) VALUES ('a tool writes on')")
        connection.commit()
    assert {usage.tokens.output - usage.tokens.reasoning for usage in usages} == {999}


def test_a_locked_database_is_reported_and_the_others_are_read(home: Path, database: Path):
    (database.parent / "opencode-2.db").write_bytes(database.read_bytes())
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        result = scan(home, ENV)
        connection.execute("ROLLBACK")
    assert len(result.usages) == 12
    assert result.tally.unreadable_files == [f"{database}: database is locked"]


def test_of_a_locked_database_the_requests_of_the_last_scan_are_used(home: Path, database: Path, tmp_path: Path):
    with Index(tmp_path / "index.db") as index:
        before = scan(home, ENV, index).usages
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("UPDATE session SET time_created = time_created")
            os.utime(database, ns=(1, 1))
            result = scan(home, ENV, index)
        assert result.usages == before
        assert result.tally.unreadable_files == [f"{database}: database is locked"]
        assert scan(home, ENV, index).tally.unreadable_files == []


def test_a_file_that_is_not_a_database_is_reported(home: Path, database: Path):
    database.write_bytes(b"not a database" * 1000)
    result = scan(home, ENV)
    assert result.usages == []
    assert result.tally.unreadable_files == [f"{database}: file is not a database"]
