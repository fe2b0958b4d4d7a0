"""A Mergecost server in this process, spoken to over ASGI, for tests that need no GitHub behind it."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from bot.context import Outside
from bot.settings import AppCredentials, Settings
from bot.store import accounts as account_store
from bot.store import repositories as repository_store
from bot.store import tokens as token_store
from bot.store.database import Database
from bot.work import queue
from tests.patience import DEADLOCK_SECONDS
from webhooks.server import create_app

CREDENTIALS = AppCredentials(app_id=7, slug="mergecost", private_key="(not used)", webhook_secret="a webhook secret")
NOON = 1_795_435_200_000  # Mon 23 Nov 2026 12:00 UTC


def sign(body: bytes, secret: str = CREDENTIALS.webhook_secret) -> str:
    return "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()


class Server:
    """Sends requests and looks at what was noted."""

    def __init__(
        self, database: Database, folder: Path, credentials: AppCredentials | None, transport: Any = None
    ) -> None:
        self.database = database
        self.settings = Settings(data_dir=folder, database_url="(given)", public_url="https://mergecost.example")
        self.app = create_app(
            self.settings, database, credentials, clock=lambda: NOON, outside=Outside(github_transport=transport)
        )
        self._runner = asyncio.Runner()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://server", timeout=DEADLOCK_SECONDS
            ) as client:
                return await client.request(method, path, **options)

        return self.run(ask())

    def run(self, work: Any) -> Any:
        return self._runner.get_loop().run_until_complete(work)  # see `World.run`

    def deliver(self, event: str, payload: Any, **headers: str) -> httpx.Response:
        """A delivery as GitHub makes it, correctly signed unless `headers` say otherwise."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        ours = {"X-GitHub-Event": event, "X-Hub-Signature-256": sign(body), "Content-Type": "application/json"}
        return self.send("POST", "/webhooks/github", content=body, headers=ours | headers)

    def post_usage(self, token: str, *records: Any) -> httpx.Response:
        return self.send("POST", "/v1/usage", json={"requests": records}, headers={"Authorization": f"Bearer {token}"})

    def request_counts(self) -> dict[str, int]:
        """The work in the queue: `pull 1/2/3` -> how often it was requested."""
        with self.database.read() as connection:
            rows = connection.execute(select(queue.jobs).order_by(queue.jobs.c.kind, queue.jobs.c.number))
            return {f"{row.kind} {row.account_id}/{row.repository_id}/{row.number}": row.request_count for row in rows}

    def token(self, account_id: int = 1, **repositories: int) -> str:
        """Install the App on `owner__name=id` repositories and make a token for it."""
        facts = [
            repository_store.RepositoryFacts(
                repository_id=number, full_name=name.replace("__", "/"), private=True, default_branch="main"
            )
            for name, number in repositories.items()
        ]
        with self.database.write() as connection:
            account_store.save_account(self.database, connection, account_id, "acme", account_id + 50, suspended=False)
            repository_store.save_repositories(self.database, connection, account_id, facts)
            return token_store.new(connection, account_id, "a laptop", NOON)

    def close(self) -> None:
        assert self.app.state.runner.stop(DEADLOCK_SECONDS), "the worker goes on"
        self._runner.close()


@contextmanager
def serving(database: Database, folder: Path, credentials: AppCredentials | None = CREDENTIALS) -> Iterator[Server]:
    server = Server(database, folder, credentials)
    yield server
    server.close()
