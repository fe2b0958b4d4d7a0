"""What collectors and the server say to each other: paths, limits, and the shape of every body. Both sides import it.

`msgspec.json.schema(UsageBatch)` and the like give the JSON schema. Every request but those of a login carries an ingest token as a
bearer token; an error is a `Message` with what to do.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from attribution.money import Micros
from attribution.usage import Usage

USAGE_PATH = "/v1/usage"
COVERAGE_PATH = "/v1/coverage"
CAPS_PATH = "/v1/caps"
LOGIN_PATH = "/v1/login"
LOGIN_TOKENS_PATH = "/v1/login/tokens"
TOKEN_PATH = "/v1/token"  # noqa: S105

# What a server takes at once, and what a collector sends: less, so that a server is never busy with one for long.
MOST_REQUESTS = 1000
MOST_BYTES = 5 * 1024 * 1024
SENT_REQUESTS = 500
SENT_BYTES = 1_000_000
MOST_REPOSITORIES = 200
MOST_BRANCHES = 1000


T = TypeVar("T")


class TooDeep(msgspec.DecodeError):
    """JSON of more levels than can be read, about 1,000."""


def reader(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Reads JSON that strangers sent. Raises `msgspec.DecodeError` whatever is wrong with it, in words that can be sent back."""
    decode = msgspec.json.Decoder(kind).decode

    def read(body: bytes | msgspec.Raw) -> T:
        try:
            return decode(body)
        except RecursionError:
            error = TooDeep("lists and objects are nested too deeply: send what the schema describes")
        except UnicodeDecodeError:
            error = msgspec.DecodeError("a text in it is not UTF-8: encode it so")
        raise error

    return read


class Message(msgspec.Struct, frozen=True):
    """The body of every answer that is an error."""

    message: str


class UsageBatch(msgspec.Struct, frozen=True):
    """The body of `POST /v1/usage`. Sending it again changes nothing."""

    requests: Annotated[list[Usage], msgspec.Meta(extra_json_schema={"maxItems": MOST_REQUESTS})]


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the request at `index` of a batch was not taken. The rest of the batch was. `is_final`: whatever is corrected, it will
    not be taken, so it need not be sent again."""

    index: int
    request_id: str
    reason: str
    is_final: bool = False


class Receipt(msgspec.Struct, frozen=True):
    """What became of a batch: `accepted` changed the ledger, `unchanged` changed nothing, `refused` need a correction."""

    accepted: int
    unchanged: int
    refused: list[Refusal] = []


class Coverage(msgspec.Struct, frozen=True):
    """The answer of `GET /v1/coverage`: which repositories the installation covers, as `repository_digest` under `salt` (hex), so
    that neither side lists its repositories to the other. `host` is where they live."""

    salt: str
    host: str
    repositories: list[str]


class RepositoryQuery(msgspec.Struct, frozen=True):
    """A repository as the server names it, and the branches of it that are worked on."""

    name: str
    branches: list[str] = []


class CapsQuery(msgspec.Struct, frozen=True):
    """The body of `POST /v1/caps`."""

    repositories: Annotated[list[RepositoryQuery], msgspec.Meta(extra_json_schema={"maxItems": MOST_REPOSITORIES})]


class BranchCost(msgspec.Struct, frozen=True, kw_only=True):
    """`pull_number` is the one open pull request from the branch, None where there is none or several; `spent_micros` what it has
    cost over everybody at list price, as its comment says. `closed_at` is when the last one from the branch was closed, if lately:
    work before that is none of the next one's."""

    name: str
    pull_number: int | None = None
    spent_micros: Micros = 0
    closed_at: datetime | None = None


class RepositoryCaps(msgspec.Struct, frozen=True, kw_only=True):
    """By the name that was asked for. Caps of None are not set."""

    name: str
    default_branch: str
    cap_session_micros: Micros | None = None
    cap_day_micros: Micros | None = None
    cap_pull_micros: Micros | None = None
    branches: list[BranchCost] = []


class CapsAnswer(msgspec.Struct, frozen=True):
    """The answer of `POST /v1/caps`. Repositories that the installation does not cover are left out."""

    repositories: list[RepositoryCaps]


class LoginCode(msgspec.Struct, frozen=True):
    """The answer of `POST /v1/login`: the person enters `user_code` at `verification_uri` on GitHub, while the collector asks with
    `device_code` whether that was done, not more often than every `interval_seconds`.
    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
    """

    user_code: str
    verification_uri: str
    device_code: str
    interval_seconds: int
    expires_in_seconds: int


class LoginQuery(msgspec.Struct, frozen=True):
    """The body of `POST /v1/login/tokens`."""

    device_code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AccountToken(msgspec.Struct, frozen=True):
    """An ingest token for one account (user or organization) where the App is installed."""

    account: str
    token: str


class LoginAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer of `POST /v1/login/tokens`. Without tokens the person has not confirmed yet: ask again after
    `interval_seconds`. With tokens: one for each account that GitHub lets `login` see."""

    interval_seconds: int = 0
    login: str = ""
    tokens: list[AccountToken] = []


class TokenOwner(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `GET /v1/token`: whom the token that came with it speaks for. `login` is empty where an operator made it. The
    time and the version are the server's."""

    account: str
    token_id: str
    login: str = ""
    expires_at: datetime | None = None
    now: datetime
    version: str


def repository_digest(salt: bytes, name: str) -> str:
    """HMAC-SHA256 in hex of `owner/name` in lower case."""
    return hmac.new(salt, name.lower().encode(), hashlib.sha256).hexdigest()
