"""The server: routes, and the worker that lives as long as it does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.routing import Route

from bot.clock import Clock, system_clock
from bot.database import Database
from bot.intake import Intake
from bot.repository_settings import OperatorSettings
from bot.runner import Runner
from bot.settings import AppCredentials, Settings
from webhooks import github, health, setup, usage
from webhooks.edge import Edge


def create_app(
    settings: Settings,
    database: Database,
    credentials: AppCredentials | None,
    *,
    operator: OperatorSettings | None = None,
    clock: Clock = system_clock,
    transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """The whole server as an ASGI app. Its worker starts with it, or when the set-up page has made the App."""
    runner = Runner(settings, operator or OperatorSettings(), database, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if credentials is not None:
            runner.start(credentials, transport)
        yield
        runner.stop()

    app = FastAPI(title="Mergecost", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.runner = runner
    app.state.edge = Edge(
        settings=settings,
        database=database,
        clock=clock,
        intake=Intake(database, clock),
        credentials=credentials,
        on_app=lambda made: runner.start(made, transport),
        transport=transport,
    )
    # Plain routes first: a webhook should not pay for FastAPI's validation, which it does not use.
    app.router.routes[:0] = [
        Route("/webhooks/github", github.receive, methods=["POST"]),
        Route("/v1/usage", usage.receive, methods=["POST"]),
        Route("/v1/coverage", usage.coverage, methods=["GET"]),
        Route("/healthz", health.healthz, methods=["GET"]),
        Route("/readyz", health.readyz, methods=["GET"]),
    ]
    app.include_router(setup.router)
    return app
