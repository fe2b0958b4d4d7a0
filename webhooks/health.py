"""`GET /healthz`: the process works or can recover. `GET /readyz`: it works now. `GET /metrics`: figures for Prometheus."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.github.client import signing_problem
from bot.store import accounts as account_store
from bot.store.database import Unavailable
from bot.store.opening import NEWEST, revision_of
from webhooks.edge import Edge, edge_of, in_time

# Who asks for this usually waits three seconds.
_ANSWER_SECONDS = 2.5


async def healthz(request: Request) -> JSONResponse:
    """503 is for what only a new process mends: not for a database or a GitHub that is away."""
    if edge_of(request).runner.is_stuck:
        return JSONResponse({"status": "the worker's loop is stuck: start this process anew"}, 503)
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> JSONResponse:
    edge = edge_of(request)
    if edge.credentials is None:
        return JSONResponse({"status": "waiting for the App: open the set-up link"}, 503)
    problem = signing_problem(edge.credentials) or await _problem_of_database(edge) or edge.runner.problem
    return JSONResponse({"status": problem or "ok"}, 503 if problem else 200)


async def _problem_of_database(edge: Edge) -> str:
    try:
        async with in_time(_ANSWER_SECONDS):
            revision = await edge.in_thread(lambda: revision_of(edge.database))
    except Unavailable:
        return "the database does not answer"
    return "" if revision >= NEWEST else f"the database lacks the tables {NEWEST}: start the server anew to make them"


async def metrics(request: Request) -> Response:
    """https://prometheus.io/docs/instrumenting/exposition_formats/"""
    edge = edge_of(request)
    try:
        async with in_time():
            errors = await edge.in_thread(lambda: _ledger_errors(edge))
    except Unavailable:
        return PlainTextResponse("the database does not answer\n", 503)
    text = (
        "# HELP mergecost_ledger_errors Promises of the ledger that the newest nightly checks saw broken.\n"
        f"# TYPE mergecost_ledger_errors gauge\nmergecost_ledger_errors {errors}\n"
    )
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _ledger_errors(edge: Edge) -> int:
    with edge.database.read() as connection:
        return account_store.ledger_errors(connection)
