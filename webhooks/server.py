"""The server: routes, and the worker that lives as long as it does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from attribution.protocol import CAPS_PATH, COVERAGE_PATH, USAGE_PATH
from bot.arrivals import Arrivals
from bot.clock import Clock, system_clock
from bot.context import Outside
from bot.login import Logins
from bot.repository_settings import OperatorSettings
from bot.runner import Runner
from bot.settings import AppCredentials, Settings
from bot.store.database import Database, Unavailable
from bot.trampoline import DaemonThreads
from bot.work.intake import Intake
from webhooks import api, download, github, health, home, how, login, setup, usage
from webhooks.edge import Edge, in_time


def _plain(endpoint: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    return answer


# The busiest routes, answered before any middleware: they use nothing of it, and it costs more than they do.
HOT: dict[tuple[str, str], ASGIApp] = {
    ("POST", "/webhooks/github"): github.receive,
    ("POST", USAGE_PATH): _plain(usage.receive),
    ("GET", COVERAGE_PATH): _plain(usage.coverage),
    ("POST", CAPS_PATH): _plain(usage.caps),
    ("GET", "/healthz"): _plain(health.healthz),
    ("HEAD", "/healthz"): _plain(health.healthz),
    ("GET", "/readyz"): _plain(health.readyz),
    ("HEAD", "/readyz"): _plain(health.readyz),
    ("GET", "/metrics"): _plain(health.metrics),
}


# As many as ever wait for the database or for SQLite's lock; what computes is one at a time in any case.
_THREADS = 8
# How long the worker may take to finish what it has in hand.
STOP_SECONDS = 8


async def _unavailable(_request: Request, _error: Exception) -> Response:
    message = {"detail": "no answer in time: ask again later"}
    return JSONResponse(message, 503, {"Retry-After": "30"})


class Server(FastAPI):
    """FastAPI, with HOT in front."""

    def openapi(self) -> dict[str, Any]:
        """With the shapes of our own view models, which FastAPI does not know."""
        document = super().openapi()
        document.setdefault("components", {}).setdefault("schemas", {}).update(api.components())
        return document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = HOT.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if app is None:
            return await self._in_time(scope, receive, send)
        scope["app"] = self
        return await app(scope, receive, send)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whatever a page or a figure waits for, it is answered as soon as the busiest routes are."""
        has_begun = False

        async def note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        if scope["type"] != "http":
            return await super().__call__(scope, receive, send)
        try:
            async with in_time():
                await super().__call__(scope, receive, note)
        except Unavailable:
            if not has_begun:
                await (await _unavailable(Request(scope), Exception()))(scope, receive, send)


def create_app(
    settings: Settings,
    database: Database,
    credentials: AppCredentials | None,
    *,
    operator: OperatorSettings | None = None,
    clock: Clock = system_clock,
    outside: Outside | None = None,
) -> Server:
    """The whole server as an ASGI app. Its worker starts with it, or when the set-up page has made the App."""
    operator, outside = operator or OperatorSettings(), outside or Outside()
    runner = Runner(settings, operator, database, clock, outside)
    threads = DaemonThreads(_THREADS, "edge")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if credentials is not None:
            runner.start(credentials)
        yield
        runner.stop(STOP_SECONDS)

    app = Server(
        title="Mergecost",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,  # it would lead to whatever Host the request names
    )
    app.state.runner = runner
    app.state.edge = Edge(
        settings=settings,
        operator=operator,
        database=database,
        clock=clock,
        started_at_ms=clock(),
        intake=Intake(database, clock, runner.wake, threads),
        arrivals=Arrivals(database, operator, clock),
        credentials=credentials,
        runner=runner,
        logins=Logins(settings, clock, outside.github_transport),
        threads=threads,
        transport=outside.github_transport,
    )
    app.add_exception_handler(RequestValidationError, api.unfit)
    app.add_exception_handler(Unavailable, _unavailable)
    app.include_router(setup.router)
    app.include_router(home.router)
    app.include_router(how.router)
    app.include_router(login.router)
    app.include_router(download.router)
    app.include_router(api.router)
    return app
