"""`GET /healthz`: the process answers. `GET /readyz`: it can also work. `GET /metrics`: figures for Prometheus."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.store import accounts as account_store
from webhooks.edge import Edge, edge_of


async def healthz(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> JSONResponse:
    edge = edge_of(request)
    if edge.credentials is None:
        return JSONResponse({"status": "waiting for the App: open the set-up link"}, 503)
    try:
        await asyncio.to_thread(_ask, edge)
    except DBAPIError:
        return JSONResponse({"status": "the database does not answer"}, 503)
    return JSONResponse({"status": "ok"})


async def metrics(request: Request) -> Response:
    """https://prometheus.io/docs/instrumenting/exposition_formats/"""
    try:
        errors = await asyncio.to_thread(_ledger_errors, edge_of(request))
    except DBAPIError:
        return PlainTextResponse("the database does not answer\n", 503)
    text = (
        "# HELP mergecost_ledger_errors Promises of the ledger that the newest nightly checks saw broken.\n"
        f"# TYPE mergecost_ledger_errors gauge\nmergecost_ledger_errors {errors}\n"
    )
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _ledger_errors(edge: Edge) -> int:
    with edge.database.read() as connection:
        return account_store.ledger_errors(connection)


def _ask(edge: Edge) -> None:
    with edge.database.read() as connection:
        connection.execute(text("SELECT 1"))
