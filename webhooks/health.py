"""`GET /healthz`: the process works or can recover. `GET /readyz`: it works now. `GET /metrics`: figures for Prometheus."""

from collections.abc import Iterator, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.github.client import signing_problem
from bot.journal import REGISTRY
from bot.store import accounts as account_store
from bot.store.database import Unavailable
from bot.store.opening import NEWEST, revision_of
from bot.work import queue
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
            now = await edge.in_thread(lambda: _now(edge))
    except Unavailable:
        return PlainTextResponse("the database does not answer\n", 503)
    registry = CollectorRegistry()
    registry.register(now)
    text = generate_latest(registry) + generate_latest(REGISTRY)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


class _Now(Collector):
    """What the database says now: read once, before anything is written."""

    def __init__(self, ledger_errors: int, waiting: Sequence[tuple[str, int, int]]) -> None:
        """`waiting`: kind of work, pieces, and the age of the oldest in seconds."""
        self._ledger_errors = ledger_errors
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "mergecost_ledger_errors",
            "Promises of the ledger that the newest nightly checks saw broken.",
            self._ledger_errors,
        )
        pieces = GaugeMetricFamily("mergecost_work_waiting", "Pieces of work that wait, by kind.", labels=["kind"])
        ages = GaugeMetricFamily(
            "mergecost_work_oldest_seconds", "How long the oldest of them has been due, by kind.", labels=["kind"]
        )
        for kind, count, oldest_seconds in self._waiting:
            pieces.add_metric([kind], count)
            ages.add_metric([kind], oldest_seconds)
        yield from (pieces, ages)


def _now(edge: Edge) -> _Now:
    now_ms = edge.clock()
    with edge.database.read() as connection:
        waiting = [
            (kind, count, max(0, (now_ms - oldest_ms) // 1000))
            for kind, count, oldest_ms in queue.waiting_by_kind(connection)
        ]
        return _Now(account_store.ledger_errors(connection), waiting)
