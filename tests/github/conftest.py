"""An App on acme/widgets as an unmodified githubkit uses it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from githubkit import AppAuthStrategy, GitHub
from githubkit.cache import MemCacheStrategy
from githubkit.exception import RequestError, RequestFailed
from githubkit.response import Response

from .fake import FakeGitHub
from .state import App, Installation, signing_key

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Setting:
    """An App on acme/widgets, and a person who works there."""

    time: list[datetime] = field(default_factory=lambda: [NOON])

    def __post_init__(self) -> None:
        self.github = FakeGitHub(now=lambda: self.time[0])
        self.acme = self.github.add_user("acme", type="Organization")
        self.alice = self.github.add_user("alice")
        self.widgets = self.github.add_repository(self.acme, "widgets")
        self.app = self.github.add_app("mergecost", self.acme)
        self.installation = self.github.install(self.app, self.acme, [self.widgets])

    def later(self, **by: int) -> None:
        self.time[0] += timedelta(**by)

    def install(self, permissions: dict[str, str]) -> Installation:
        """A second App with other permissions."""
        app = self.github.add_app("other", self.acme, permissions=permissions, single_files=[".github/mergecost.yml"])
        return self.github.install(app, self.acme, [self.widgets])

    def client(self, app: App | None = None) -> GitHub[AppAuthStrategy]:
        app = app or self.app
        return GitHub(
            AppAuthStrategy(str(app.id), signing_key(app.private_key)),
            base_url="https://github.test",
            async_transport=httpx.ASGITransport(self.github.app),
            cache_strategy=MemCacheStrategy(),
            http_cache=False,
            auto_retry=False,
        )

    def ask(self, method: str, path: str, **options: Any) -> Response[Any]:
        """As the installation."""
        return self.ask_as(self.installation, method, path, **options)

    def ask_as(self, installation: Installation | None, method: str, path: str, **options: Any) -> Response[Any]:
        """As an installation, or as the App itself."""

        async def once() -> Response[Any]:
            client = self.client(installation.app if installation else self.app)
            if installation:
                client = client.with_auth(client.auth.as_installation(installation.id))
            return await client.arequest(method, path, **options)

        return asyncio.run(once())

    def anonymous(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Without githubkit, and with no token but that of `headers`."""

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.github.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://github.test") as client:
                return await client.request(method, path, **options)

        return asyncio.run(once())

    def refusal(self, call: Callable[[], object]) -> tuple[int, str]:
        """githubkit wraps the refusal of a token in a second error."""
        with pytest.raises((RequestFailed, RequestError)) as excinfo:
            call()
        error = excinfo.value
        failure = error if isinstance(error, RequestFailed) else error.__cause__
        assert isinstance(failure, RequestFailed)
        return failure.response.status_code, failure.response.json()["message"]


@pytest.fixture
def at() -> Setting:
    return Setting()
