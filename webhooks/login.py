"""`POST /v1/login` and what follows: a machine gets its tokens by a person's login on GitHub, asks whose they are, and gives them
back."""

from collections.abc import Callable
from importlib.metadata import version

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from attribution.protocol import LOGIN_PATH, LOGIN_TOKENS_PATH, TOKEN_PATH, LoginQuery, Message, TokenOwner, reader
from bot.clock import from_ms
from bot.github.people import GitHubAway, PersonError
from bot.login import TooMany, make_tokens
from bot.settings import AppCredentials
from bot.store import tokens as token_store
from bot.store.tokens import Bearer
from webhooks.body import Limits, Refusal
from webhooks.edge import edge_of
from webhooks.usage import answer, bearer_of, known

router = APIRouter(include_in_schema=False)

_LIMITS = Limits(1000, seconds=10, too_large="a login is asked for in fewer bytes")
_AWAY_SECONDS = 5
_read_query = reader(LoginQuery)


@router.post(LOGIN_PATH)
async def begin(request: Request) -> Response:
    """A code for a person to enter on GitHub."""
    edge = edge_of(request)
    if edge.credentials is None:
        return _no_app()
    try:
        return answer(200, await edge.logins.begin(edge.credentials))
    except (PersonError, GitHubAway, TooMany) as error:
        return _refused(error)


@router.post(LOGIN_TOKENS_PATH)
async def tokens(request: Request) -> Response:
    """The tokens, once the person has confirmed."""
    edge = edge_of(request)
    if edge.credentials is None:
        return _no_app()
    try:
        async with edge.bodies.read(dict(request.scope["headers"]), request.receive, _LIMITS) as body:
            query = _read_query(body)
        return await _confirmed(request, edge.credentials, query.device_code)
    except msgspec.DecodeError as error:
        return answer(400, Message(f"send the device_code of the login: {error}"))
    except Refusal as error:
        return answer(error.status, Message(str(error)))
    except (PersonError, GitHubAway, TooMany) as error:
        return _refused(error)


async def _confirmed(request: Request, credentials: AppCredentials, device_code: str) -> Response:
    edge = edge_of(request)
    seen = await edge.logins.ask(credentials, device_code)
    if not isinstance(seen, tuple):
        return answer(200, seen)
    return answer(
        200,
        await edge.in_thread(
            lambda: make_tokens(edge.database, edge.clock, edge.settings, credentials.slug, seen),
        ),
    )


@router.get(TOKEN_PATH)
async def owner(request: Request) -> Response:
    """Whom the token speaks for."""
    edge = edge_of(request)

    def look(bearer: Bearer) -> Response:
        expires_at_ms = bearer.terms.expires_at_ms
        whose = TokenOwner(
            account=bearer.login,
            token_id=bearer.sender.token_id,
            login=bearer.terms.user_login,
            expires_at=None if expires_at_ms is None else from_ms(expires_at_ms),
            now=from_ms(edge.clock()),
            version=version("mergecost"),
        )
        return answer(200, whose)

    return await _with_token(request, look)


@router.delete(TOKEN_PATH)
async def end(request: Request) -> Response:
    """The token is refused from now on."""
    edge = edge_of(request)

    def revoke(bearer: Bearer) -> Response:
        with edge.database.write() as connection:
            token_store.revoke_own(connection, bearer.account_id, bearer.sender.token_id, edge.clock())
        return answer(200, Message("revoked"))

    return await _with_token(request, revoke)


async def _with_token(request: Request, work: Callable[[Bearer], Response]) -> Response:
    edge, token = edge_of(request), bearer_of(request)

    def look() -> Response:
        bearer = known(edge, token)
        return bearer if isinstance(bearer, Response) else work(bearer)

    return await edge.in_thread(look)


def _no_app() -> Response:
    return answer(403, Message("this server has no GitHub App yet: its operator opens the set-up link that it printed"))


def _refused(error: PersonError | GitHubAway | TooMany) -> Response:
    if isinstance(error, PersonError):
        return answer(403, Message(str(error)))
    seconds = error.seconds if isinstance(error, TooMany) else _AWAY_SECONDS
    status = 429 if isinstance(error, TooMany) else 503
    return answer(status, Message(f"{error}: ask again in {seconds} s"), {"Retry-After": str(seconds)})
