"""`GET /healthz`: the process answers. `GET /readyz`: it can also work."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import JSONResponse

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


def _ask(edge: Edge) -> None:
    with edge.database.read() as connection:
        connection.execute(text("SELECT 1"))
