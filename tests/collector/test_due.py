"""Pushes that nobody waits for."""

import fcntl
import os
from pathlib import Path

import pytest

from collector.due import push_if_due
from collector.index import Index
from collector.scan import Scan
from tests.collector.machine import request, write_log


@pytest.fixture
def env(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("HOME", str(home))
    state = {"MERGECOST_STATE": str(home / "state/state.db"), "PATH": os.environ["PATH"], "HOME": str(home)}
    return state | {"MERGECOST_URL": "https://mergecost.example", "MERGECOST_TOKEN": "t"}


class Server:
    """Answers as it is told, and counts."""

    def __init__(self) -> None:
        self.asked, self.status, self.found = 0, 0, 0

    def push(self, found: Scan) -> int:
        self.asked += 1
        self.found = len(found.usages)
        return self.status

    def try_at(self, env: dict[str, str], now: float) -> int:
        push_if_due(env, self.push, lambda: now)
        return self.asked


def test_the_pause_grows_while_the_server_is_away_and_ends_when_it_is_back(env: dict[str, str]):
    server = Server()
    server.status = 1
    assert [server.try_at(env, now) for now in (0, 59, 60, 179, 180, 419, 420)] == [1, 1, 2, 2, 3, 3, 4]
    server.status = 0
    assert [server.try_at(env, now) for now in (420 + 480, 901, 902)] == [5, 6, 7]


def test_one_at_a_time(env: dict[str, str], home: Path):
    server = Server()
    server.try_at(env, 0)
    with (home / "state/push.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert server.try_at(env, 1) == 1
    assert server.try_at(env, 2) == 2


def test_a_hook_that_comes_while_a_push_runs_is_not_forgotten(env: dict[str, str], home: Path):
    logs = iter([1, 2])

    def push(found: Scan) -> int:
        pushed.append([usage.request_id for usage in found.usages])
        for number in logs:
            write_log(home, request(number, "/nowhere"), name=f"log-{number}")
            (home / "state/woken").write_text("now")
            os.utime(home / "state/woken", ns=(number, number))
            assert push_if_due(env, push) == 0  # finds the lock taken
            break
        return 0

    pushed: list[list[str]] = []
    push_if_due(env, push)
    assert pushed == [[], ["msg_1"], ["msg_1", "msg_2"]]


def test_without_a_server_or_while_it_is_away_logs_are_kept_all_the_same(env: dict[str, str], home: Path):
    server = Server()
    log = write_log(home, request(1, "/nowhere"))
    without = {name: value for name, value in env.items() if name not in ("MERGECOST_URL", "MERGECOST_TOKEN")}
    assert push_if_due(without, server.push) == 0
    assert server.asked == 0
    log.unlink()
    with Index(home / "state/index.db") as index:
        (log,) = index.stamps("claude-code 0", home / ".claude")
        assert [usage.request_id for usage in index.log("claude-code 0", log).requests] == ["msg_1"]
