"""Faults of the machine (numbers as in `tests/faults.py`): real processes that are killed, stopped and told to end."""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text

from bot.store.database import Database
from tests.github.accounts import private_key
from tests.notation import session
from tests.patience import DEADLOCK_SECONDS
from tests.processes import MergecostProcess, serving_asgi
from tests.server import CREDENTIALS, Server, sign
from tests.webhooks.test_github import PULL

USAGE = [json.loads(msgspec.json.encode(usage)) for usage in session("09:00 feat/a $1.00")]


class Silence:
    """A GitHub that takes every request and answers none; `asked` is set by the first."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.set()
        while (await receive())["type"] != "http.disconnect":
            pass


class Place:
    """Where servers run: one database, a GitHub that says nothing."""

    def __init__(self, database_url: str, github_url: str, folder: Path) -> None:
        self._folder = folder
        self.log = folder / "server.log"
        self.environ = {
            "MERGECOST_DATA": str(folder / "data"),
            "MERGECOST_DATABASE_URL": database_url,
            "MERGECOST_GITHUB_URL": github_url,
            "MERGECOST_APP_ID": str(CREDENTIALS.app_id),
            "MERGECOST_APP_SLUG": CREDENTIALS.slug,
            "MERGECOST_PRIVATE_KEY": private_key(0),
            "MERGECOST_WEBHOOK_SECRET": CREDENTIALS.webhook_secret,
        }

    def start(self, **environ: str) -> MergecostProcess:
        return MergecostProcess(self.environ | environ, self.log)


@pytest.fixture
def silence() -> Silence:
    return Silence()


@pytest.fixture
def place(database_url: str, tmp_path: Path, silence: Silence) -> Iterator[Place]:
    with serving_asgi(silence) as url:
        yield Place(database_url, url, tmp_path)


def post(url: str, token: str, request_id: str) -> int:
    record = USAGE[0] | {"request_id": request_id}
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{url}/v1/usage", json={"requests": [record]}, headers=headers, timeout=60).status_code


def deliver(url: str) -> int:
    body = json.dumps(PULL).encode()
    headers = {"X-GitHub-Event": "pull_request", "X-Hub-Signature-256": sign(body)}
    return httpx.post(f"{url}/webhooks/github", content=body, headers=headers, timeout=60).status_code


def stored(database: Database) -> tuple[set[str], int]:
    with database.read() as connection:
        requests = set(connection.execute(text("SELECT request_id FROM charge")).scalars())
        count = connection.execute(text("SELECT request_count FROM job WHERE kind = 'pull'")).scalar()
    return requests, count or 0


def test_what_was_acknowledged_is_there_after_sigkill_and_sigterm_ends_with_0_beside_a_silent_github(
    database: Database, place: Place, silence: Silence, tmp_path: Path
):
    server = Server(database, tmp_path / "here", CREDENTIALS)
    token = server.token(acme__widgets=34)
    server.close()
    process = place.start()
    assert silence.asked.wait(DEADLOCK_SECONDS), place.log.read_text()
    acknowledged: list[str] = []
    deliveries: list[int] = []
    kill = threading.Event()

    def load(name: str) -> None:
        with contextlib.suppress(httpx.TransportError):
            for nth in range(10_000):
                if post(process.url, token, f"{name}-{nth}") == 200:
                    acknowledged.append(f"{name}-{nth}")
                deliveries.append(deliver(process.url))
                if len(acknowledged) > 40:
                    kill.set()

    threads = [threading.Thread(target=load, args=(f"r{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    assert kill.wait(DEADLOCK_SECONDS)
    process.kill()
    for thread in threads:
        thread.join()
    requests, count = stored(database)
    assert set(acknowledged) <= requests
    assert set(deliveries) == {202}
    assert len(deliveries) <= count <= len(deliveries) + len(threads)

    silence.asked.clear()
    again = place.start()
    assert silence.asked.wait(DEADLOCK_SECONDS), place.log.read_text()
    assert post(again.url, token, acknowledged[0]) == 200
    assert again.stop() == 0
    assert stored(database)[0] == requests
    assert "Traceback" not in place.log.read_text()


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"MERGECOST_PRIVATE_KEY": "-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----"},
            "key cannot sign",
        ),
        ({"MERGECOST_DATABASE_URL": "sqlite:////dev/null/x.db"}, "cannot be opened: give this user the right"),
        ({"MERGECOST_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "PostgreSQL cannot be used: "),
    ],
    ids=["key", "sqlite", "postgresql"],
)
def test_a_server_that_cannot_start_says_why_in_a_sentence(tmp_path: Path, environ: dict[str, str], says: str):
    place = Place(f"sqlite:///{tmp_path}/unused.db", "http://127.0.0.1:1", tmp_path)
    process = place.start(**environ)
    assert process.wait() == 2
    (line,) = place.log.read_text().strip().splitlines()
    assert line.startswith("mergecost serve: ")
    assert says in line
