"""Whatever lies where tools keep their logs, a scan goes on in bounded time and memory, and says what it skipped."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from attribution.tools import TOOLS, Sqlite
from collector import compression, logs, sqlite_logs
from collector.compression import unzstd, zstd
from collector.scan import scan
from collector.sqlite_logs import rows
from tests.collector.machine import mergecost, request, write_log
from tests.tools.recordings import FIXTURES, build_databases

ENV = {"PATH": os.environ["PATH"]}


def good_log(home: Path) -> None:
    write_log(home, request(1, "/nowhere"))


def troubles(home: Path) -> list[str]:
    """What the scan says, of one that also found the good request."""
    result = scan(home, ENV)
    assert [usage.request_id for usage in result.usages] == ["msg_1"]
    return [trouble.replace(str(home), "~") for trouble in result.tally.troubles]


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"assistant","output_tokens":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"type":"assistant","output_tokens":' + b'{"a":' * 10_000,
        b'{"type":"assistant","output_tokens":1e400}\xff\xfe',
        b'\xff\xfe\x00\xd8 "output_tokens"',
        b'{"type":"assistant","output_tokens":NaN}',
    ],
)
def test_lines_of_nonsense_are_counted(home: Path, line: bytes):
    good_log(home)
    (home / ".claude/projects/p/evil.jsonl").write_bytes(line + b"\n")
    assert troubles(home) == ["Lines that could not be read: 1."]


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_a_request_of_another_age_is_counted_as_damaged(home: Path, repo: Path, time: str):
    good_log(home)
    write_log(home, request(2, repo, timestamp=time), name="evil")
    assert troubles(home) == ["Lines that could not be read: 1."]
    for arguments in ((), ("--by", "day"), ("--all", "--csv"), ("scan",), ("guard",), ("push", "--dry-run")):
        run = mergecost(repo, {**ENV, "HOME": str(home), "TZ": "Pacific/Kiritimati"}, *arguments)
        assert run.returncode == 0, arguments


def test_a_huge_line_and_a_huge_file_are_skipped(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "MAX_LINE_BYTES", 1_000_000)
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 1 << 30)
    good_log(home)
    folder = home / ".claude/projects/p"
    with (folder / "line.jsonl").open("wb") as file:
        file.truncate(100_000_000)
        file.seek(100_000_000)
        file.write(b"\n" + json.dumps({"no": "needle"}).encode() + b"\n")
    assert troubles(home) == ["Lines too long to read: 1."]
    (folder / "line.jsonl").unlink()
    with (folder / "huge.jsonl").open("wb") as file:
        file.truncate(1 << 40)
    assert troubles(home) == [
        "Lines too long to read: 1.",
        "Could not open ~/.claude/projects/p/huge.jsonl: is larger than 1 GiB",
    ]


def test_what_is_no_file_is_not_opened(home: Path):
    good_log(home)
    folder = home / ".claude/projects/p"
    os.mkfifo(folder / "pipe.jsonl")
    for name, target in {
        "zero": "/dev/zero",
        "loop": "loop.jsonl",
        "up": "..",
        "tty": "/dev/tty",
        "gone": "gone",
    }.items():
        (folder / f"{name}.jsonl").symlink_to(target)
    (folder / "linked").symlink_to("/dev")
    (home / ".gemini").symlink_to("/proc/self/fd")
    (home / ".codex").symlink_to(home / ".codex")
    assert [trouble.rpartition(": ")[2] for trouble in troubles(home)] == ["Too many levels of symbolic links"] * 2


def test_what_becomes_a_pipe_after_it_was_found_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch):
    good_log(home)
    path = home / ".claude/projects/p/log.jsonl"
    os.mkfifo(path)
    monkeypatch.setattr("os.path.isfile", lambda name: Path(name).exists() and not Path(name).is_dir())
    assert troubles(home) == [
        "Could not open ~/.claude/projects/p/log.jsonl: ~/.claude/projects/p/log.jsonl is no regular file"
    ]


def test_a_compressed_log_that_unpacks_without_end_is_skipped(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 10_000_000)
    good_log(home)
    path = home / ".codex/sessions/2026/11/23/rollout-1.jsonl.zst"
    path.parent.mkdir(parents=True)
    path.write_bytes(zstd.compress(b"\0" * 50_000_000))
    assert troubles(home)[-1].startswith(
        "Could not open ~/.codex/sessions/2026/11/23/rollout-1.jsonl.zst: is larger than"
    )


def test_a_text_that_unpacks_without_end_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compression, "MAX_TEXT_BYTES", 1000)
    assert unzstd(zstd.compress(b"a" * 1000)) == "a" * 1000
    assert unzstd(zstd.compress(b"a" * 500) + zstd.compress(b"b" * 500)) == "a" * 500 + "b" * 500
    assert unzstd(zstd.compress(b"a" * 1001)) is None
    assert unzstd(zstd.compress(b"a" * 1000)[:-4]) is None


SOURCE = Sqlite(folders=(".tool",), patterns=("t.db",), queries=("SELECT json FROM message",))


def database(path: Path, *script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("unzstd", 1, lambda data: data, deterministic=True)
        connection.executescript("".join(script))
    return path


ENDLESS = "CREATE VIEW message AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "


@pytest.mark.parametrize("view", ["SELECT CAST('{}' AS BLOB) AS json FROM n", "SELECT 1 AS json FROM n WHERE i < 0"])
def test_a_view_without_a_last_row_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, view: str):
    monkeypatch.setattr(sqlite_logs, "_MOST_STEPS", 5_000_000)
    with pytest.raises(logs.UnreadableLog, match="interrupted"):
        for _ in rows(SOURCE, database(tmp_path / "t.db", ENDLESS, view)):
            pass


def test_rows_without_measure_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_logs, "MAX_LOG_BYTES", 10_000_000)
    path = database(tmp_path / "t.db", ENDLESS, "SELECT zeroblob(1000000) AS json FROM n")
    with pytest.raises(logs.UnreadableLog, match="more than"):
        for _ in rows(SOURCE, path):
            pass
    path.unlink()
    with pytest.raises(logs.UnreadableLog, match="too big"):
        list(rows(SOURCE, database(path, ENDLESS, "SELECT zeroblob(1000000000) AS json FROM n")))


def test_a_view_cannot_call_what_is_ours(tmp_path: Path):
    path = database(tmp_path / "t.db", "CREATE VIEW message AS SELECT unzstd(x'00') AS json")
    with pytest.raises(logs.UnreadableLog, match="unsafe use of unzstd"):
        list(rows(SOURCE, path))


@pytest.mark.parametrize("suffix", ["-wal", "-journal", "-shm"])
def test_a_pipe_beside_a_database_is_not_waited_for(tmp_path: Path, suffix: str):
    path = database(
        tmp_path / "t.db", "CREATE TABLE message (json); PRAGMA journal_mode = WAL; INSERT INTO message VALUES (x'00')"
    )
    for name in ("-wal", "-journal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    os.mkfifo(path.with_name(path.name + suffix))
    with pytest.raises(logs.UnreadableLog, match="no regular file"):
        list(rows(SOURCE, path))


@pytest.mark.parametrize(
    "tool", [name for name, tool in TOOLS.items() if any(isinstance(source, Sqlite) for source in tool.LOGS)]
)
def test_a_damaged_database_costs_no_other_log(home: Path, tool: str):
    """Every page of it in turn."""
    good_log(home)
    source = next(source for source in TOOLS[tool].LOGS if isinstance(source, Sqlite))
    below = home / source.folders[0]
    shutil.copytree(FIXTURES / tool, below, dirs_exist_ok=True)
    build_databases(below)
    for path in (path for pattern in source.patterns for path in below.glob(pattern)):
        content = path.read_bytes()
        for at in range(0, len(content), 512):
            path.write_bytes(content[:at] + b"\xff" * 64 + content[at + 64 :])
            result = scan(home, ENV)
            assert "msg_1" in [usage.request_id for usage in result.usages]
        for end in (0, 1, 100, len(content) // 2):
            path.write_bytes(content[:end])
            scan(home, ENV)
