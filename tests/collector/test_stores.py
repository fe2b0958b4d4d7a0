"""Databases of tools that may be running: read as they are, never changed, never waited for."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from collector.index import Index
from collector.scan import scan
from tests.tools import recorded

ENV = {"PATH": os.environ["PATH"]}


@pytest.fixture
def store(home: Path) -> Path:
    folder = home / ".local/share/opencode"
    folder.mkdir(parents=True)
    path = folder / "opencode.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((recorded.FIXTURES / "opencode/opencode.db.sql").read_text())
    return path


def test_it_is_read_and_not_touched(home: Path, store: Path):
    before = store.read_bytes(), store.stat().st_mtime_ns
    assert len(scan(home, ENV).usages) == 12
    assert (store.read_bytes(), store.stat().st_mtime_ns) == before
    assert sorted(path.name for path in store.parent.iterdir()) == ["opencode.db"]


def test_what_a_running_tool_has_only_in_its_write_ahead_log_is_seen(home: Path, store: Path):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE message SET data = json_set(data, '$.tokens.output', 999, '$.tokens.total', NULL)")
        connection.commit()
        usages = scan(home, ENV).usages
        connection.execute("INSERT INTO session (id) VALUES ('a tool writes on')")
        connection.commit()
    assert {usage.tokens.output - usage.tokens.reasoning for usage in usages} == {999}


def test_a_locked_store_is_said_and_costs_no_other(home: Path, store: Path):
    (store.parent / "opencode-2.db").write_bytes(store.read_bytes())
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        found = scan(home, ENV)
        connection.execute("ROLLBACK")
    assert len(found.usages) == 12
    assert found.tally.unreadable_files == [f"{store}: database is locked"]


def test_of_a_locked_store_is_known_what_it_said_before(home: Path, store: Path, tmp_path: Path):
    with Index(tmp_path / "index.db") as index:
        before = scan(home, ENV, index).usages
        with closing(sqlite3.connect(store, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("UPDATE session SET time_created = time_created")
            os.utime(store, ns=(1, 1))
            found = scan(home, ENV, index)
        assert found.usages == before
        assert found.tally.unreadable_files == [f"{store}: database is locked"]
        assert scan(home, ENV, index).tally.unreadable_files == []


def test_what_is_no_database_is_said(home: Path, store: Path):
    store.write_bytes(b"not a database" * 1000)
    found = scan(home, ENV)
    assert found.usages == []
    assert found.tally.unreadable_files == [f"{store}: file is not a database"]
