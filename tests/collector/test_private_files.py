"""What the collector writes is for its user alone, and whole."""

import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.files import NoRegularFile, TooLarge, open_regular, private_file, read_bytes, write_bytes
from collector.hooks.launcher import GUARD, PUSH
from tests.collector.developer import Developer
from tests.collector.fake_server import TOKEN, Server
from tests.collector.machine import git


@pytest.fixture(params=[0, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_files_are_for_the_user_alone_whatever_the_umask(umask: None, home: Path, repo: Path, server: Server):
    dev = Developer(home, repo, MERGECOST_URL=server.url, MERGECOST_TOKEN=TOKEN)
    del dev.env["MERGECOST_STATE"]
    server.caps = {"repositories": []}
    dev.set_caps(session_usd=1)
    dev.work(2)
    dev.mergecost("hooks", "install", "--offline", "--guard")
    dev.run_hook()
    git(repo, "commit", "-q", "--allow-empty", "-m", "work", CLAUDE_CODE_SESSION_ID="s")
    for arguments in (("push",), ("push", "--if-due"), ("guard",), ("guard", "--unlock", "1h", "--reason", "r")):
        assert dev.mergecost(*arguments).returncode == 0
    with (dev.state / "push.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # what the hook began in the background, or the push that is due, has ended
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in dev.state.iterdir()}
    assert {
        "state.db",
        "index.db",
        "stamps",
        "guard.json",
        "guard.request",
        "unlocks.jsonl",
        "attempts.json",
        "push.lock",
    } <= set(modes)
    assert {name: oct(mode) for name, mode in modes.items() if mode != 0o600} == {PUSH: "0o700", GUARD: "0o700"}
    assert stat.S_IMODE(dev.state.stat().st_mode) == 0o700


def test_settings_of_a_tool_are_never_readable_by_others_while_they_are_written(
    umask: None, home: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
):
    """They may hold keys."""
    dev = Developer(home, repo)
    path = home / ".claude/settings.json"
    path.write_text("{}")
    path.chmod(0o600)
    modes: list[int] = []
    replace = Path.replace

    def look(self: Path, target: Path) -> Path:
        modes.append(stat.S_IMODE(self.stat().st_mode))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    dev.mergecost("hooks", "install", "--offline")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert modes[:4] == [0o700, 0o700, 0o600, 0o600], "two scripts, a backup and the settings"


def test_a_state_that_is_no_file_is_named(home: Path, repo: Path, server: Server):
    dev = Developer(home, repo, MERGECOST_URL=server.url, MERGECOST_TOKEN=TOKEN)
    del dev.env["MERGECOST_STATE"]
    dev.state.mkdir(parents=True)
    dev.work(1)
    for name in ("state.db", "index.db", "stamps", "attempts.json", "guard.json", "unlocks.jsonl", "caps.json"):
        (dev.state / name).unlink(missing_ok=True)
        os.mkfifo(dev.state / name)
    assert "cannot use" in dev.mergecost("push").stderr
    assert "index.db: " in dev.mergecost("scan").stdout
    assert dev.mergecost("guard").returncode == 0


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, other = tmp_path / "file", tmp_path / "other"
    other.write_text("other")
    path.symlink_to(other)
    write_bytes(path, b"new")
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"other")

    def full(*arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(OSError, match="no space"):
        write_bytes(path, b"half")
    assert path.read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 2


def test_only_regular_files_of_a_size_are_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), Path("/dev/null"), "a\0b"):
        with pytest.raises(NoRegularFile):
            open_regular(path)
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(OSError):  # noqa: PT011 (a pipe without a reader has an error of its own)
            private_file(path)
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bytes(tmp_path / "file", 5) == b"12345"
    with pytest.raises(TooLarge):
        read_bytes(tmp_path / "file", 4)
