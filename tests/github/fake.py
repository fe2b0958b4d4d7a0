"""A stateful stand-in for GitHub, strict where GitHub is strict.

    github = FakeGitHub(now=clock)
    acme = github.add_user("acme", type="Organization")
    widgets = github.add_repository(acme, "widgets")
    app = github.add_app("mergecost", acme)
    installation = github.install(app, acme, [widgets])
    pull = github.open_pull(widgets, "feature", alice, [github.commit("Add a widget", author=alice)])

`github.app` is the ASGI app of its REST API, for `httpx.ASGITransport`. Apps are notified of what happens: `github.deliveries`
holds the webhook calls to make, `request_of(delivery, secret)` their headers and body, `github.record_answer` notes what came back.
A request that GitHub has and this does not raises NotImplementedError, so that a test cannot mistake it for a 404.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NoReturn

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import credentials, graphql, payloads, rest_app, rest_issues, rest_login, rest_pulls, rest_repositories
from .accounts import Accounts
from .call import Call, RouteSpec
from .conversations import Conversations
from .credentials import RateLimit
from .deliveries import request_of
from .errors import RequestRefusal, answer
from .faults import Faults, Gate
from .state import Delivery, Installation

__all__ = ["FakeGitHub", "RequestRecord", "request_of"]

ROUTES = [
    spec
    for module in (rest_app, rest_login, rest_repositories, rest_pulls, rest_issues, graphql)
    for spec in module.route.specs
]


class RequestRecord(NamedTuple):
    method: str
    path: str
    api_version: str


class FakeGitHub(Accounts, Conversations, Faults):
    """`now` is the clock of all its dates; tokens alone live on the real clock, because githubkit's cannot be set."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        Accounts.__init__(self, now)
        Faults.__init__(self)
        self.requests: list[RequestRecord] = []
        self._limits: dict[int, RateLimit] = {}
        self._requests_served = 0
        self._routes = self._routed()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the routes: a copy has its own."""
        return {name: value for name, value in vars(self).items() if name != "_routes"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._routes = self._routed()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI app of the REST API."""
        if scope["type"] != "http":
            raise NotImplementedError("GitHub's REST API speaks HTTP alone")
        request = Request(scope, receive)
        api_version = request.headers.get("X-GitHub-Api-Version", "")
        self.requests.append(RequestRecord(request.method, request.url.path, api_version))
        fault = self.take(request)
        outcome = fault.outcome if fault else None
        if isinstance(outcome, Gate):
            outcome.arrival.set()
            await outcome.release.wait()
            outcome = None
        if fault is None or outcome is None:
            return await self._routes(self._by_name(scope), receive, send)
        if fault.after_applying:
            await self._routes(self._by_name(scope), receive, _unheard)
        if isinstance(outcome, Response):
            return await outcome(scope, receive, send)
        assert not isinstance(outcome, Gate)
        raise outcome("ordered by a test")

    def writes(self) -> list[RequestRecord]:
        """The requests that change something: neither those that fetch a token nor queries."""
        reads = ("/access_tokens", "/graphql")
        return [request for request in self.requests if request.method != "GET" and not request.path.endswith(reads)]

    def record_answer(self, delivery: Delivery, status_code: int) -> None:
        """Note what the App's webhook answered."""
        delivery.status_code = status_code

    def rate_limit(self, installation: Installation | None) -> RateLimit:
        """The hour's account of an installation, or that of all anonymous callers."""
        key = installation.id if installation else 0
        limit = self._limits.get(key)
        if limit is None or limit.reset_at <= self.now():
            limit = self._limits[key] = RateLimit(self.now() + timedelta(hours=1))
        return limit

    def exhaust(self, installation: Installation) -> RateLimit:
        """Use up the hour's requests of an installation."""
        limit = self.rate_limit(installation)
        limit.used = limit.limit
        return limit

    def _routed(self) -> Starlette:
        routes = [Route(spec.path, self._endpoint(spec), methods=[spec.method]) for spec in ROUTES]
        app = Starlette(routes=routes, exception_handlers={RequestRefusal: answer, HTTPException: _no_route})
        app.router.redirect_slashes = False
        return app

    def _endpoint(self, spec: RouteSpec) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            call = Call(self, request, _decoded(await request.body()), "read" if spec.method == "GET" else "write")
            # The App itself, and people, have hours of their own, which are not counted here.
            as_other = spec.path.startswith(("/app", "/user", "/login"))
            call.token = None if as_other else credentials.token_of(self, request)
            headers = {} if as_other else self._count_request(call, free=spec.path == "/rate_limit")
            try:
                redirect = call.find_repository(spec.needs) if "{repo}" in spec.path else None
                response = redirect or spec.handler(call)
            except RequestRefusal as refusal:
                response = await answer(request, refusal)
            response = self._abridged(response)
            self._requests_served += 1
            response.headers.update(headers | {"X-GitHub-Request-Id": f"FA4E:{self._requests_served:06X}"})
            return response

        return endpoint

    def _abridged(self, response: Response) -> Response:
        """Without `absent_keys`."""
        if not self.absent_keys or not response.body:
            return response
        links = {name: response.headers[name] for name in ("link", "location") if name in response.headers}
        body = payloads.without(json.loads(bytes(response.body)), self.absent_keys)
        return JSONResponse(body, response.status_code, links)

    def _count_request(self, call: Call, *, free: bool) -> dict[str, str]:
        installation = call.token.installation if call.token else None
        limit = self.rate_limit(installation)
        if not free:
            if limit.used >= limit.limit:
                whose = f"installation ID {installation.id}" if installation else "127.0.0.1"
                raise RequestRefusal(403, f"API rate limit exceeded for {whose}.", headers=limit.headers())
            limit.used += 1
        return limit.headers()

    def _by_name(self, scope: Scope) -> Scope:
        """`/repositories/17/pulls` is `/repos/acme/widgets/pulls`: GitHub's own links and redirects go by id."""
        by_id = re.match(r"/repositories/(\d+)(?=/|$)", scope["path"])
        repository = self.repositories.get(int(by_id[1])) if by_id else None
        if by_id is None or repository is None:
            return scope
        return {**scope, "path": f"/repos/{repository.full_name}{scope['path'][by_id.end() :]}"}


def _decoded(body: bytes) -> dict[str, object]:
    try:
        decoded = json.loads(body or b"{}")
    except ValueError as error:
        raise RequestRefusal(400, "Problems parsing JSON") from error
    if not isinstance(decoded, dict):
        raise RequestRefusal(400, "Body should be a JSON object")
    return decoded


async def _unheard(message: object) -> None:
    """Where the answer to a request goes that the client never hears of."""


async def _no_route(request: Request, error: Exception) -> NoReturn:
    raise NotImplementedError(f"the fake GitHub has no {request.method} {request.url.path}")
