"""`GET /api/v1/...`: the figures of the comments and weekly issues, for other programs. With a read token; nobody is named.

Described at /api/v1/openapi.json. Lists come in pages, as GitHub's do: `?page=2&per_page=100`, and a `Link` header.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial, wraps
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import Connection
from starlette.responses import Response

from attribution.breakdown import BreakdownRow, By
from attribution.budget import Budget
from attribution.issues import IssueCost
from attribution.report import PullRequestCost
from attribution.week_report import WeekCost
from bot.clock import from_ms
from bot.context import settings_of
from bot.figures import breakdown as breakdown_figures
from bot.figures import budgets as budget_figures
from bot.figures import issue as issue_figures
from bot.figures import pull as pull_figures
from bot.figures import week as week_figures
from bot.figures.period import BadDay, span
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import senders as sender_store
from bot.store import tokens as token_store
from bot.store.senders import Reporting
from bot.store.tables import Repository
from bot.store.tokens import Bearer
from webhooks.edge import Edge, edge_of

PER_PAGE = 100


class RepositoryListed(msgspec.Struct, frozen=True):
    """A repository that the installation covers (`active`) or covered."""

    full_name: str
    active: bool


class Message(msgspec.Struct, frozen=True):
    """What is wrong, and what to do."""

    detail: str


async def _reader(request: Request) -> int:
    """The account that the token in the request may read, while the App is installed there."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    is_one = kind.lower() == "bearer" and token.strip().startswith(token_store.PREFIX["read"])
    bearer = await edge_of(request).in_thread(lambda: _bearer(edge_of(request), token.strip())) if is_one else None
    if bearer is None:
        raise HTTPException(
            401, "no read token: make one with `mergecost token new --read`", {"WWW-Authenticate": "Bearer"}
        )
    if bearer.problem:
        raise HTTPException(403, f"{bearer.problem}. The figures are kept")
    return bearer.account_id


def _bearer(edge: Edge, token: str) -> Bearer | None:
    with edge.database.read() as connection:
        return token_store.bearer(connection, token, edge.clock(), "read")


def _in_thread(answer: Callable[..., Response]) -> Callable[..., Awaitable[Response]]:
    """Where all else asks the database: never more wait for it than the server has room for."""

    @wraps(answer)
    async def run(*, request: Request, **arguments: Any) -> Response:
        return await edge_of(request).in_thread(partial(answer, request=request, **arguments))

    return run


def _pages(
    page: Annotated[int, Query(ge=1)] = 1, per_page: Annotated[int, Query(ge=1, le=1000)] = PER_PAGE
) -> tuple[int, int]:
    return page, per_page


def _days(since: str = "", until: str = "") -> tuple[str, str]:
    return since, until


Account = Annotated[int, Depends(_reader)]
# As the database keeps it.
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]

Pages = Annotated[tuple[int, int], Depends(_pages)]
Days = Annotated[tuple[str, str], Depends(_days)]

router = APIRouter(prefix="/api/v1", tags=["figures"])


def _answers(model: Any, description: str, *refusals: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route, for its description: the view model, and what may be refused."""
    schema: dict[str, Any] = _schema(model)
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": description, "content": {"application/json": {"schema": schema}}}
    }
    for status in (401, 403, 422, *refusals):
        responses[status] = {"description": "", "content": {"application/json": {"schema": _schema(Message)}}}
    return responses


def _schema(model: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([model], ref_template="#/components/schemas/{name}")
    return schema


async def unfit(_request: Request, error: Exception) -> Response:
    """What a query may not hold, in words and the one shape of all refusals, where FastAPI would list its findings."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    detail = "; ".join(f"`{problem['loc'][-1]}`: {problem['msg']}" for problem in problems)
    return Response(msgspec.json.encode(Message(detail)), 422, media_type="application/json")


def components() -> dict[str, Any]:
    """The shapes of all answers, for the OpenAPI description."""
    models = [RepositoryListed, Reporting, BreakdownRow, Budget, PullRequestCost, IssueCost, WeekCost, Message]
    return msgspec.json.schema_components(models, ref_template="#/components/schemas/{name}")[1]


@router.get("/repositories", responses=_answers(list[RepositoryListed], "By name."), response_class=Response)
@_in_thread
def repositories(request: Request, account: Account, pages: Pages) -> Response:
    """The repositories whose figures this token may read."""
    with edge_of(request).database.read() as connection:
        rows = [
            RepositoryListed(row.full_name, row.active) for row in repository_store.repositories_of(connection, account)
        ]
    return _paged(request, rows, pages)


@router.get("/reporting", responses=_answers(Reporting, "In numbers alone."), response_class=Response)
@_in_thread
def reporting(request: Request, account: Account) -> Response:
    """How many of those who have an ingest token send usage, and how many went silent since when (a weekend is no silence)."""
    edge = edge_of(request)
    with edge.database.read() as connection:
        numbers = sender_store.reporting(connection, account, edge.clock())
    return Response(msgspec.json.encode(numbers), media_type="application/json")


@router.get("/costs", responses=_answers(list[BreakdownRow], "By name; complete.", 404), response_class=Response)
@_in_thread
def costs(
    request: Request,
    account: Account,
    pages: Pages,
    days: Days,
    by: By,
    repository: str = "",
) -> Response:
    """Everything that was used from the day `since` (30 days ago) to the day `until` (now), cut by one thing. All pages sum to
    the spend of that time. Days are those of each repository's time zone."""
    edge = edge_of(request)
    with edge.database.read() as connection:
        rows = (
            [_row(connection, account, repository)]
            if repository
            else repository_store.repositories_of(connection, account)
        )
        zone = settings_of(edge.operator, rows[0])[0].zone if repository else ZoneInfo("UTC")
        try:
            first_and_end = span(*days, zone, edge.clock())
        except BadDay as error:
            raise HTTPException(422, str(error)) from None
        lines = breakdown_figures.of_repositories(connection, rows, by, first_and_end)
    return _paged(request, lines, pages)


@router.get(
    "/repositories/{owner}/{name}/pulls/{number}",
    responses=_answers(PullRequestCost, "As its comment says.", 404),
    response_class=Response,
)
@_in_thread
def pull(request: Request, account: Account, owner: str, name: str, number: Number) -> Response:
    """What a pull request cost."""
    edge = edge_of(request)

    def look(connection: Connection, row: Repository) -> PullRequestCost | None:
        key = row.key.pull(number)
        settings = settings_of(edge.operator, row)[0]
        return pull_figures.cost_of(connection, settings, key) if pull_store.pull(connection, key) else None

    return _one(request, account, f"{owner}/{name}", f"no pull request #{number} is known there", look)


@router.get(
    "/repositories/{owner}/{name}/issues/{number}",
    responses=_answers(IssueCost, "Sub-issues included.", 404),
    response_class=Response,
)
@_in_thread
def issue(request: Request, account: Account, owner: str, name: str, number: Number) -> Response:
    """What an issue cost over all its pull requests."""

    def look(connection: Connection, row: Repository) -> IssueCost | None:
        return issue_figures.cost_of(connection, row.key.pull(number))

    return _one(request, account, f"{owner}/{name}", f"no issue #{number} is known there", look)


@router.get(
    "/repositories/{owner}/{name}/weeks/{week}",
    responses=_answers(WeekCost, "As its issue says.", 404),
    response_class=Response,
)
@_in_thread
def week(request: Request, account: Account, owner: str, name: str, week: str) -> Response:
    """What a week came to, such as `2026-W47`."""
    edge = edge_of(request)

    def look(connection: Connection, row: Repository) -> WeekCost | None:
        settings = settings_of(edge.operator, row)[0]
        return week_figures.cost_of(connection, settings, row.key.week(week), edge.clock())

    return _one(request, account, f"{owner}/{name}", f"there is no week {week!r}: write it like 2026-W47", look)


@router.get(
    "/repositories/{owner}/{name}/budgets",
    responses=_answers(list[Budget], "Of this week and month, and of those before, where they have one.", 404),
    response_class=Response,
)
@_in_thread
def running(request: Request, account: Account, pages: Pages, owner: str, name: str) -> Response:
    """How far the budgets of weeks and months are used."""
    edge = edge_of(request)
    with edge.database.read() as connection:
        row = _row(connection, account, f"{owner}/{name}")
        key, now = row.key, from_ms(edge.clock())
        budgets = budget_figures.running(connection, settings_of(edge.operator, row)[0], key, now)
    return _paged(request, budgets, pages)


def _one(
    request: Request,
    account_id: int,
    full_name: str,
    missing: str,
    look: Callable[[Connection, Repository], msgspec.Struct | None],
) -> Response:
    with edge_of(request).database.read() as connection:
        figures = look(connection, _row(connection, account_id, full_name))
    if figures is None:
        raise HTTPException(404, missing)
    return Response(msgspec.json.encode(figures), media_type="application/json")


def _row(connection: Connection, account_id: int, full_name: str) -> Repository:
    rows = repository_store.repositories_of(connection, account_id)
    row = next((row for row in rows if row.full_name.lower() == full_name.lower()), None)
    if row is None:
        raise HTTPException(404, f"this token reads no repository {full_name!r}: see /api/v1/repositories")
    return row


def _paged(request: Request, items: Sequence[msgspec.Struct], pages: tuple[int, int]) -> Response:
    page, per_page = pages
    last = max(-(-len(items) // per_page), 1)
    numbers = {"prev": page - 1, "next": page + 1, "first": 1, "last": last}
    links = [
        f'<{request.url.include_query_params(page=number)}>; rel="{name}"'
        for name, number in numbers.items()
        if 1 <= number <= last
    ]
    rows = items[(page - 1) * per_page : page * per_page]
    return Response(msgspec.json.encode(rows), headers={"Link": ", ".join(links)}, media_type="application/json")
