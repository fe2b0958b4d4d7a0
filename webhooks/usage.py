"""`POST /v1/usage`, `GET /v1/coverage` and `POST /v1/caps`: what collectors talk to, with an ingest token."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from attribution.protocol import MOST_BYTES, Message
from bot import guard_caps as bot_caps
from bot import ingest, journal
from bot.arrivals import RETRY_AFTER_SECONDS, Busy
from bot.store import tokens as token_store
from bot.store.database import Unavailable
from bot.store.tokens import Bearer
from webhooks.body import Limits, Refusal
from webhooks.edge import Edge, edge_of, in_time, in_turn

JSON = "application/json"
_LONGEST_ID = 100

T = TypeVar("T")

LIMITS = Limits(MOST_BYTES, seconds=30, too_large="a batch may have at most 5 MB: send smaller ones")


async def receive(request: Request) -> Response:
    """A batch in; 200 with what became of each record. A 503 or 429 means: send it again later, nothing was saved."""
    edge = edge_of(request)
    length = request.headers.get("content-length", "")
    size_bytes = min(int(length), MOST_BYTES) if length.isdecimal() and len(length) < 16 else MOST_BYTES

    async def save(bearer: Bearer, body: bytes) -> Response:
        async with in_turn():
            receipt = await edge.arrivals.save(bearer.sender, body)
        if receipt.accepted:
            edge.runner.wake()
            journal.note("usage", account_id=bearer.account_id, records=receipt.accepted, request=_request_id(request))
        return answer(200, receipt)

    return await _with_body(request, save, lambda account_id: edge.arrivals.room(account_id, size_bytes))


def _request_id(request: Request) -> str:
    """As a proxy named it, to find the request in its log too."""
    return request.headers.get("x-request-id", "")[:_LONGEST_ID]


async def caps(request: Request) -> Response:
    """The caps of covered repositories, and what the pull requests of the branches asked for cost."""
    edge = edge_of(request)

    async def look(bearer: Bearer, body: bytes) -> Response:
        async with in_time():
            caps_answer = await edge.in_thread(
                lambda: bot_caps.answer(edge.database, edge.operator, edge.clock, bearer.account_id, body)
            )
        return answer(200, caps_answer)

    return await _with_body(request, look, lambda _: nullcontext())


async def coverage(request: Request) -> Response:
    """Which repositories the token's account covers, as digests."""
    edge, token = edge_of(request), bearer_of(request)

    def look() -> Response:
        bearer = known(edge, token)
        if isinstance(bearer, Response):
            return bearer
        return answer(200, ingest.coverage(edge.database, bearer.account_id, edge.settings.github_host))

    return await _in_thread(edge, look)


async def _with_body(
    request: Request,
    work: Callable[[Bearer, bytes], Awaitable[Response]],
    room: Callable[[int], AbstractContextManager[None]],
) -> Response:
    """What `work` makes of the body for the token's account. Of a stranger's body nothing is read, nor where there is no room."""
    edge, token = edge_of(request), bearer_of(request)
    if request.headers.get("content-type", JSON).partition(";")[0].strip().lower() != JSON:
        return answer(415, Message(f"send {JSON}"))
    bearer = await _in_thread(edge, lambda: known(edge, token))
    if isinstance(bearer, Response):
        return bearer
    try:
        with room(bearer.account_id):
            headers = dict(request.scope["headers"])
            async with edge.bodies.read(headers, request.receive, LIMITS, is_known=True) as body:
                return await work(bearer, body)
    except (Busy, Refusal, ingest.BadBatch, ingest.Revoked, bot_caps.BadQuestion, Unavailable) as error:
        return _refused(error)


def _refused(error: Exception) -> Response:
    if isinstance(error, Busy):
        later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return answer(429, Message("enough of this account waits to be saved: send it again later"), later)
    if isinstance(error, Refusal):
        return answer(error.status, Message(str(error)), {"Retry-After": "30"} if error.status == 503 else None)
    if isinstance(error, ingest.Revoked):
        return _not_known()
    return _database_is_away() if isinstance(error, Unavailable) else answer(400, Message(str(error)))


async def _in_thread(edge: Edge, work: Callable[[], T]) -> T | Response:
    try:
        async with in_time():
            return await edge.in_thread(work)
    except Unavailable:
        return _database_is_away()


def _database_is_away() -> Response:
    return answer(503, Message("the database cannot take it now: send it again later"), {"Retry-After": "30"})


def bearer_of(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def known(edge: Edge, token: str) -> Bearer | Response:
    """Whom the token speaks for, or the refusal."""
    if not token.startswith(token_store.PREFIX["ingest"]):
        return _not_known()
    with edge.database.read() as connection:
        bearer = token_store.bearer(connection, token, edge.clock())
    if bearer is None:
        return _not_known()
    token_store.note_use(edge.database, bearer, token, edge.clock())
    if bearer.problem:
        later = "Nothing is lost: usage stays on this machine, and the first push after that sends it"
        return answer(403, Message(f"{bearer.problem}. {later}"))
    return bearer


def _not_known() -> Response:
    message = "this ingest token is not known, was revoked or is over its time: run `mergecost login` with this server's address"
    return answer(401, Message(message), {"WWW-Authenticate": "Bearer"})


def answer(status: int, value: msgspec.Struct, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, "application/json")
