"""A home that has not changed since the last scan is not read, and no change of it is missed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from collector import unchanged
from collector.command import main
from tests.collector.machine import request, write_log

ROOT = Path(__file__).parents[2]


@pytest.fixture
def env(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.endswith(("_DIR", "_HOME"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MERGECOST_STATE", str(tmp_path / "state/state.db"))
    # As if every file had been there for a while.
    monkeypatch.setattr("collector.unchanged._TICK_NS", -(10**15))
    monkeypatch.setattr("collector.unchanged._COARSE_TICK_NS", -(10**15))


def scan(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["scan"]) == 0
    return capsys.readouterr().out


def before() -> str | None:
    return unchanged.text_before(unchanged.last_scan_file(os.environ), os.environ)


def _rewrite(log: Path) -> None:
    """Other counts, the same size, the same time."""
    status, content = log.stat(), log.read_bytes()
    other = content.replace(b'"output_tokens": 20', b'"output_tokens": 77')
    log.write_bytes(other)
    assert other != content
    assert len(other) == len(content)
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))


def _grow(log: Path) -> None:
    with log.open("ab") as file:
        file.write(log.read_bytes().replace(b"msg_", b"msg_x").replace(b"req_", b"req_x"))


def _cut(log: Path) -> None:
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])


def _copy(log: Path) -> None:
    log.with_name("other.jsonl").write_bytes(log.read_bytes().replace(b"msg_", b"msg_y").replace(b"req_", b"req_y"))


def _move(log: Path) -> None:
    """To a tool's other folder, which was not there."""
    folder = log.parents[2]
    folder.rename(folder.with_name(".claude-other"))
    os.environ["CLAUDE_CONFIG_DIR"] = str(folder.with_name(".claude-other"))


def _other_tool(log: Path) -> None:
    folder = log.parents[3] / ".codex/sessions"
    folder.mkdir(parents=True)
    (folder / "rollout-1.jsonl").write_text("{}\n")


CHANGES: list[Callable[[Path], None]] = [_rewrite, _grow, _cut, _copy, _move, _other_tool, Path.unlink]


@pytest.mark.usefixtures("env")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_every_change_is_seen(
    change: Callable[[Path], None],
    home: Path,
    repo: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "")
    log = write_log(home, request(1, repo), request(2, repo))
    text = scan(capsys)
    assert before() == text.removesuffix("\n")
    assert scan(capsys) == text
    change(log)
    assert before() is None
    text = scan(capsys)
    assert before() == text.removesuffix("\n")
    if change in (_rewrite, _grow, _cut, _copy):  # what deleted logs said is remembered
        monkeypatch.setenv("MERGECOST_STATE", str(home / "other/state.db"))
        assert scan(capsys) == text


@pytest.mark.usefixtures("env")
def test_without_a_change_nothing_that_reads_logs_is_imported(
    home: Path, repo: Path, capsys: pytest.CaptureFixture[str]
):
    write_log(home, request(1, repo))
    text = scan(capsys)
    code = "import sys; from collector.command import main; main(['scan']); print(sorted({'msgspec', 're', 'pathlib'} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == f"{text}[]\n"


@pytest.mark.usefixtures("env")
def test_what_may_change_within_a_tick_of_the_clock_is_read_again(
    home: Path, repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    write_log(home, request(1, repo))
    monkeypatch.setattr("collector.unchanged._TICK_NS", 10**15)
    monkeypatch.setattr("collector.unchanged._COARSE_TICK_NS", 10**15)
    scan(capsys)
    assert before() is None


@pytest.mark.usefixtures("env")
@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda whole: whole[:-40], lambda whole: whole + b"\0", lambda _: b"\xff\0\0"]
)
def test_a_damaged_memory_is_no_memory(
    damage: Callable[[bytes], bytes], home: Path, repo: Path, capsys: pytest.CaptureFixture[str]
):
    write_log(home, request(1, repo))
    text = scan(capsys)
    file = Path(unchanged.last_scan_file(os.environ))
    file.write_bytes(damage(file.read_bytes()))
    assert before() is None
    assert scan(capsys) == text


@pytest.mark.usefixtures("env")
def test_a_deleted_index_forgets(home: Path, repo: Path, capsys: pytest.CaptureFixture[str]):
    write_log(home, request(1, repo))
    scan(capsys)
    Path(unchanged.last_scan_file(os.environ)).with_name("index.db").unlink()
    assert before() is None
