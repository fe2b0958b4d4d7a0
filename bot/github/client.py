"""GitHub's REST API for this App. The only user of githubkit.

githubkit's defaults would wait for ever, re-send POSTs and share its cache between tokens; all three are off. Its typed models
refuse real answers, so bodies are decoded by narrow models of our own. Waiting for a limit happens in the queue.
"""

import asyncio
import functools
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import copy_context
from datetime import timedelta
from typing import Any, Self, TypeVar

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from githubkit import AppAuthStrategy, AppInstallationAuthStrategy, GitHub
from githubkit.cache import MemCacheStrategy
from githubkit.exception import (
    GitHubException,
    GraphQLFailed,
    RateLimitExceeded,
    RequestError,
    RequestFailed,
    SecondaryRateLimitExceeded,
)
from githubkit.response import Response

from bot import journal
from bot.clock import Clock
from bot.settings import AppCredentials, Settings
from bot.trampoline import on_loop

T = TypeVar("T")

# Without it GitHub may answer as the newest version does, which drops fields: https://docs.github.com/en/rest/about-the-rest-api/api-versions
API_VERSION = "2022-11-28"
_NEXT_PAGE = re.compile(r'<([^<>]++)>;\s*+rel="next"')
# "If you receive a secondary rate limit without a header, wait at least one minute."
# https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
_UNSAID_LIMIT = timedelta(minutes=1)
_LONGEST_LIMIT_MS = 3_600_000


class GitHubError(Exception):
    """A call did not do what it should; the message is for the log and holds no secret."""


class Missing(GitHubError):
    """404 or 410: it does not exist, or the App may not see it."""


class Refusal(GitHubError):
    """403, 422, 451 and the like: asking again will hardly help."""


class InvalidToken(GitHubError):
    """401: the token is not valid any more, or not yet everywhere; nothing was carried out."""


class Unsure(GitHubError):
    """No answer, or a fault of GitHub's: the call may or may not have been carried out."""


class NotInstalled(GitHubError):
    """The account has no installation of the App now, or GitHub gives no token for it, as while it is suspended: nothing can be
    read or written for it."""


class Limited(GitHubError):
    """GitHub asks us to wait until `until_ms`; of a secondary limit, longer each time."""

    def __init__(self, message: str, until_ms: int, *, is_secondary: bool) -> None:
        super().__init__(message)
        self.until_ms = until_ms
        self.is_secondary = is_secondary


class GitHubApp:
    """Calls as the App (`account_id` None) or as its current installation on an account, which `installation_of` names (0: none).
    Use as a context: it keeps connections open. Calls may come from any thread of `trampoline.in_threads`, many at once."""

    def __init__(
        self,
        settings: Settings,
        credentials: AppCredentials,
        clock: Clock,
        installation_of: Callable[[int], int],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.credentials = credentials
        self._clock = clock
        self._installation_of = installation_of
        self._options: dict[str, Any] = {
            "base_url": settings.api_url,
            "user_agent": "mergecost",
            "timeout": httpx.Timeout(20),
            "auto_retry": False,
            "http_cache": False,
            "async_transport": transport,
            # Reading the certificates takes 20 ms: once, and not for every installation.
            "ssl_verify": httpx.create_ssl_context() if transport is None else True,
        }
        self._app = self._client(AppAuthStrategy(str(credentials.app_id), _signing_key(credentials.private_key)))
        self._installations: dict[int, GitHub[Any]] = {}
        self._open = AsyncExitStack()
        # githubkit keeps a client's open connections in a context variable: every call runs in the context that opened them.
        self._context = copy_context()

    async def __aenter__(self) -> Self:
        await self._in_context(self._open.enter_async_context(self._app))
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._in_context(self._open.aclose())

    async def get(self, account_id: int | None, path: str, model: type[T], **params: Any) -> T:
        """One object. Raises `Missing`, `Refusal`, `InvalidToken`, `NotInstalled`, `Limited` or `Unsure`."""
        return _decoded(await self._call(account_id, "GET", path, params=params), model, f"GET {path}")

    async def pages(self, account_id: int | None, path: str, model: type[T], **params: Any) -> AsyncIterator[T]:
        """Every page of a listing, following GitHub's links."""
        url: str | None = path
        query: Mapping[str, Any] | None = {"per_page": 100} | params
        seen = set[str]()
        while url:
            if url in seen:
                raise Unsure(f"GET {path}: the pages go round in a circle")
            seen.add(url)
            response = await self._call(account_id, "GET", url, params=query)
            yield _decoded(response, model, f"GET {path}")
            link = _NEXT_PAGE.search(response.headers.get("link", ""))
            # The link carries all parameters. Its host may be another name of the one we call; ours has the credentials.
            url, query = (httpx.URL(link[1]).raw_path.decode() if link else None), None
            url = self._below_api(url) if url else None

    async def write(self, account_id: int | None, method: str, path: str, body: Any, model: type[T]) -> T:
        """Create or change something, once: never re-sent here. `Unsure` means it may have happened."""
        response = await self._call(account_id, method, path, json=body)
        return _decoded(response, model, f"{method} {path}")

    async def ask(self, account_id: int, query: str, variables: Mapping[str, Any], model: type[T]) -> T:
        """One GraphQL query, for what REST does not tell. Raises as `get` does; `Refusal` where GitHub refuses a part of it."""
        async with _our_errors(self._clock, "POST /graphql"):
            installation_id = self._installed_on(account_id)
            answer = await on_loop(self._in_context(self._query(installation_id, query, variables)))
        return msgspec.convert(answer, model)

    async def delete(self, account_id: int, path: str) -> None:
        await self._call(account_id, "DELETE", path)

    async def _call(self, account_id: int | None, method: str, path: str, **options: Any) -> Response[Any]:
        try:
            return await self._ask(account_id, method, path, options)
        except InvalidToken:
            if account_id is None:
                raise
            # The token was revoked before its time: the client goes, and its token with it.
            self._installations.pop(self._installed_on(account_id), None)
            return await self._ask(account_id, method, path, options)

    async def _ask(self, account_id: int | None, method: str, path: str, options: Mapping[str, Any]) -> Response[Any]:
        installation_id = None if account_id is None else self._installed_on(account_id)
        async with _our_errors(self._clock, f"{method} {path}"):
            return await on_loop(self._in_context(self._request(installation_id, method, path, options)))

    def _installed_on(self, account_id: int) -> int:
        installation_id = self._installation_of(account_id)
        if not installation_id:
            raise NotInstalled(f"the App is not installed on account {account_id} now")
        return installation_id

    # On the loop, where nothing may ask the database.

    async def _in_context(self, call: Coroutine[Any, Any, T]) -> T:
        return await asyncio.create_task(call, context=self._context)

    async def _request(
        self, installation_id: int | None, method: str, path: str, options: Mapping[str, Any]
    ) -> Response[Any]:
        return await (await self._of(installation_id)).arequest(method, path, **options)

    async def _query(self, installation_id: int, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        return await (await self._of(installation_id)).async_graphql(query, dict(variables))

    async def _of(self, installation_id: int | None) -> GitHub[Any]:
        if installation_id is None:
            return self._app
        if installation_id not in self._installations:
            app_id, key = str(self.credentials.app_id), _signing_key(self.credentials.private_key)
            client = self._client(AppInstallationAuthStrategy(app_id, key, installation_id))
            # Before it is open, so that a second call at the same time does not open another: githubkit opens without waiting.
            self._installations[installation_id] = client
            await self._open.enter_async_context(client)
        return self._installations[installation_id]

    def _client(self, auth: Any) -> GitHub[Any]:
        """Every client has a token cache of its own, so that dropping the client drops its token."""
        installation_id = getattr(auth, "installation_id", None)

        async def note(response: httpx.Response) -> None:
            left = response.headers.get("x-ratelimit-remaining", "")
            journal.note_answer(response.request.method, response.status_code, installation_id, left)

        hooks = {"request": [_name_version], "response": [note]}
        return GitHub(auth, cache_strategy=MemCacheStrategy(), async_event_hooks=hooks, **self._options)

    def _below_api(self, raw_path: str) -> str:
        base = self._app.config.base_url.raw_path.decode()
        return "/" + raw_path.removeprefix(base).lstrip("/")


async def _name_version(request: httpx.Request) -> None:
    """githubkit names none, not for tokens either."""
    request.headers["X-GitHub-Api-Version"] = API_VERSION


@functools.cache
def _signing_key(pem: str) -> Any:
    """The key, parsed once per process: PyJWT parses a text anew, in 50 ms, for every token that it signs.

    A text that is no key stays a text. PyJWT then reports it where it signs.
    """
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except ValueError:
        return pem


@functools.cache
def _problem_of_key(pem: str) -> str:
    try:
        jwt.encode({}, _signing_key(pem), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        return f"the App's private key cannot sign ({error}): it must be the PEM file that GitHub made for the App"
    return ""


def signing_problem(credentials: AppCredentials) -> str:
    """Why the key cannot sign as GitHub wants it, found out without GitHub; empty if it can."""
    return _problem_of_key(credentials.private_key)


@asynccontextmanager
async def _our_errors(clock: Clock, what: str) -> AsyncIterator[None]:
    """githubkit's exceptions as ours."""
    try:
        yield
    except GitHubException as error:
        # A token that cannot be minted comes wrapped once more.
        inner = error.exc if isinstance(error, RequestError) and isinstance(error.exc, RequestFailed) else error
        ours = _ours(clock, what, inner)
        if inner is not error and isinstance(ours, (Missing, Refusal)):
            raise NotInstalled(f"no token for {ours}") from None
        raise ours from None


def _decoded(response: Response[Any], model: type[T], what: str) -> T:
    """The body; `Unsure` where it is none: a proxy's page, or cut off."""
    try:
        return msgspec.json.decode(response.content, type=model)
    except msgspec.DecodeError as error:
        raise Unsure(f"{what}: {response.status_code} with a body that is not GitHub's: {error}") from None


def _ours(clock: Clock, what: str, error: GitHubException) -> GitHubError:
    if isinstance(error, RateLimitExceeded):
        is_secondary = isinstance(error, SecondaryRateLimitExceeded)
        return Limited(f"{what}: GitHub limits us", _after(clock, error.retry_after), is_secondary=is_secondary)
    if isinstance(error, GraphQLFailed):
        return Refusal(f"{what}: {error!r}")
    if not isinstance(error, RequestFailed):
        return Unsure(f"{what}: {error!r}")
    status, message = error.response.status_code, f"{error.response.status_code} {_message(error.response)}"
    if status == 429 or (status == 403 and "rate limit" in message.lower()):
        return Limited(f"{what}: {message}", _after(clock, _UNSAID_LIMIT), is_secondary=True)
    kinds = {401: InvalidToken, 404: Missing, 410: Missing}
    return kinds.get(status, Unsure if status >= 500 else Refusal)(f"{what}: {message}")


def _after(clock: Clock, pause: timedelta) -> int:
    """No limit of GitHub's lasts for longer than an hour; its clock may be another."""
    return clock() + min(max(int(pause.total_seconds() * 1000), 1000), _LONGEST_LIMIT_MS)


def _message(response: Response[Any]) -> str:
    try:
        return msgspec.json.decode(response.content, type=_Message).message
    except msgspec.DecodeError:
        return "(no message)"


class _Message(msgspec.Struct):
    message: str = ""
