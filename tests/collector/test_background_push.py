"""Pushes in the background."""

import fcntl
import os
from pathlib import Path

import pytest

from collector.background_push import push_if_due
from collector.hook import LAST_RUN
from collector.index import Index
from collector.scan import Scan
from tests.collector.machine import request, write_log


@pytest.fixture
def env(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("HOME", str(home))
    state = {"MERGECOST_STATE": str(home / "state/state.db"), "PATH": os.environ["PATH"], "HOME": str(home)}
    return state | {"MERGECOST_URL": "https://mergecost.example", "MERGECOST_TOKEN": "t"}


class Server:
    """Answers every push with `status`, and counts them."""

    def __init__(self) -> None:
        self.pushes, self.status = 0, 0

    def push(self, scan: Scan) -> int:
        self.pushes += 1
        return self.status

    def try_at(self, env: dict[str, str], now: float) -> int:
        push_if_due(env, self.push, lambda: now)
        return self.pushes


def test_the_pause_grows_until_a_push_succeeds(env: dict[str, str]):
    server = Server()
    server.status = 1
    assert [server.try_at(env, now) for now in (0, 59, 60, 179, 180, 419, 420)] == [1, 1, 2, 2, 3, 3, 4]
    server.status = 0
    assert [server.try_at(env, now) for now in (420 + 480, 901, 902)] == [5, 6, 7]


def test_a_push_does_nothing_while_another_one_runs(env: dict[str, str], home: Path):
    server = Server()
    server.try_at(env, 0)
    with (home / "state/push.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert server.try_at(env, 1) == 1
    assert server.try_at(env, 2) == 2


def test_a_push_starts_again_if_a_hook_ran_meanwhile(env: dict[str, str], home: Path):
    def push(scan: Scan) -> int:
        pushes.append([usage.request_id for usage in scan.usages])
        number = len(pushes)
        if number < 3:
            write_log(home, request(number, "/nowhere"), name=f"log-{number}")
            (home / "state" / LAST_RUN).write_text("now")
            os.utime(home / "state" / LAST_RUN, ns=(number, number))
            assert push_if_due(env, push) == 0  # this one finds the lock taken
        return 0

    pushes: list[list[str]] = []
    push_if_due(env, push)
    assert pushes == [[], ["msg_1"], ["msg_1", "msg_2"]]


def test_without_a_server_the_logs_are_recorded(env: dict[str, str], home: Path):
    server = Server()
    log = write_log(home, request(1, "/nowhere"))
    no_server = {name: value for name, value in env.items() if name not in ("MERGECOST_URL", "MERGECOST_TOKEN")}
    assert push_if_due(no_server, server.push) == 0
    assert server.pushes == 0
    log.unlink()
    with Index(home / "state/index.db") as index:
        (log,) = index.stamps("claude-code 0", home / ".claude")
        assert [usage.request_id for usage in index.log("claude-code 0", log).requests] == ["msg_1"]
