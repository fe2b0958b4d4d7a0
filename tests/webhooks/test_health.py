"""What monitors are told: `/healthz` of what only a new process mends, `/readyz` of all that keeps the server from working."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import event, text

from bot.clock import from_ms
from bot.context import Outside
from bot.repository_settings import OperatorSettings
from bot.runner import Runner
from bot.store.database import Database
from tests.github.accounts import private_key
from tests.github.fake import FakeGitHub
from tests.patience import DEADLOCK_SECONDS
from tests.server import CREDENTIALS, NOON, Server

SIGNING = msgspec.structs.replace(CREDENTIALS, private_key=private_key(0))


class Watched:
    """A GitHub that has nothing, and tells when it is asked."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._app = FakeGitHub(lambda: from_ms(NOON)).app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.set()
        await self._app(scope, receive, send)


@pytest.fixture
def github() -> Watched:
    return Watched()


@pytest.fixture
def server(database: Database, tmp_path, github: Watched) -> Iterator[Server]:
    server = Server(database, tmp_path, SIGNING, httpx.ASGITransport(github))
    yield server
    server.close()


def started(server: Server, github: Watched) -> Server:
    server.app.state.runner.start(SIGNING)
    assert github.asked.wait(DEADLOCK_SECONDS), "the worker never asked GitHub for anything"
    return server


def status(server: Server) -> tuple[int, str]:
    answer = server.send("GET", "/readyz")
    return answer.status_code, answer.json()["status"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_server_whose_worker_works_is_ready(server: Server, github: Watched, method: str):
    started(server, github)
    assert server.send(method, "/readyz").status_code == 200
    assert server.send(method, "/healthz").status_code == 200


def test_a_server_whose_worker_does_not_run_is_not_ready_and_still_alive(server: Server):
    assert status(server) == (503, "the worker has not begun")
    assert server.send("GET", "/healthz").status_code == 200


@pytest.mark.parametrize(
    "key", ["(not a key)", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"]
)
def test_a_key_that_cannot_sign_is_told(database: Database, tmp_path, key: str):
    server = Server(database, tmp_path, msgspec.structs.replace(CREDENTIALS, private_key=key))
    code, problem = status(server)
    server.close()
    assert code == 503
    assert "private key cannot sign" in problem


def test_tables_that_are_missing_are_told(server: Server, github: Watched):
    started(server, github)
    with server.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert "lacks the tables 0001" in status(server)[1]
    with server.database.write() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    assert "lacks the tables 0001" in status(server)[1]


def test_a_worker_that_fails_at_its_start_begins_anew_and_says_so(server: Server, github: Watched):
    """The database refuses the worker's first transactions."""
    refusals = iter([True, True])
    problems: list[str] = []

    @event.listens_for(server.database.engine, "before_cursor_execute")
    def _(*_arguments: Any) -> None:
        if threading.current_thread().name.startswith(("asyncio", "uvloop")) and next(refusals, False):
            raise server.database.engine.dialect.loaded_dbapi.OperationalError("the server closed the connection")

    runner = server.app.state.runner

    async def no_pause(_seconds: float) -> None:
        problems.append(runner.problem)

    runner._pause = no_pause
    started(server, github)
    assert problems == [f"the worker ended with Unavailable and begins anew in {seconds} s" for seconds in (1, 2)]
    assert status(server) == (200, "ok")


def test_a_loop_that_is_stuck_is_told_to_the_one_who_restarts(database: Database, tmp_path, github: Watched):
    time = [0.0]
    server = Server(database, tmp_path, SIGNING, httpx.ASGITransport(github))
    stuck, release = threading.Event(), threading.Event()
    runner = Runner(
        server.settings, OperatorSettings(), database, lambda: NOON + int(time[0] * 1000),
        Outside(github_transport=httpx.ASGITransport(github)), seconds=lambda: time[0],
    )  # fmt: skip
    server.app.state.edge.runner = runner
    runner.start(SIGNING)
    assert github.asked.wait(DEADLOCK_SECONDS)

    def block() -> None:
        stuck.set()
        release.wait(DEADLOCK_SECONDS)

    runner._loop.call_soon_threadsafe(block)
    assert stuck.wait(DEADLOCK_SECONDS)
    assert server.send("GET", "/healthz").status_code == 200
    time[0] = 61.0
    assert server.send("GET", "/healthz").status_code == 503
    assert status(server) == (503, "the worker's loop is stuck")
    release.set()
    assert runner.stop(DEADLOCK_SECONDS)
    server.close()


def test_metrics_say_what_waits_and_what_was_done(server: Server):
    token = server.token(acme__widgets=7)
    assert server.post_usage(token).status_code == 200
    pull = {"action": "opened", "installation": {"id": 5}, "repository": {"id": 7, "owner": {"id": 1}}}
    assert server.deliver("pull_request", pull | {"pull_request": {"number": 12}}).status_code == 202
    lines = server.send("GET", "/metrics").text.splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["mergecost_ledger_errors"] == "0.0"
    assert values['mergecost_work_waiting{kind="pull"}'] == "1.0"
    assert float(values['mergecost_work_oldest_seconds{kind="pull"}']) >= 0
    assert float(values['mergecost_events_total{event="delivery"}']) >= 1
