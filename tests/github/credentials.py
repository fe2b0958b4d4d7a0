"""Who asks, and what they may: App tokens, installation tokens, permissions, rate limits."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt.types import Options
from starlette.requests import Request

from .errors import RequestRefusal, not_found
from .state import App, Installation, Repository, State, Token

UNDECODABLE = "A JSON web token could not be decoded"
TOO_FAR = "'Expiration time' claim ('exp') is too far in the future"
EXPIRY_MESSAGE = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
ISSUED_LATER = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
NOT_FOR_APP = "Resource not accessible by integration"


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer ...` or `token ...`; empty for an anonymous request."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value if scheme.lower() in ("bearer", "token") else ""


def app_of(state: State, request: Request) -> App:
    """The App whose key signed the JSON web token. Its `iss` is the App's id or client id.

    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    """
    token = bearer(request)
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError as error:
        raise RequestRefusal(401, UNDECODABLE) from error
    app = next((app for app in state.apps.values() if str(issuer) in (str(app.id), app.client_id)), None)
    if app is None:
        raise RequestRefusal(404, "Integration not found")
    claims = _verified(token, app)
    now = datetime.now(UTC).timestamp()
    if claims["exp"] <= now:
        raise RequestRefusal(401, EXPIRY_MESSAGE)
    if claims["iat"] > now:
        raise RequestRefusal(401, ISSUED_LATER)
    if claims["exp"] > now + 600:
        raise RequestRefusal(401, TOO_FAR)
    return app


def _verified(token: str, app: App) -> dict[str, Any]:
    # The times are checked by the caller, who knows what GitHub says about each.
    times: Options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]}
    try:
        return jwt.decode(token, app.public_key, algorithms=["RS256"], options=times)
    except jwt.InvalidTokenError as error:
        raise RequestRefusal(401, UNDECODABLE) from error


def token_of(state: State, request: Request) -> Token | None:
    """The installation token of a request; None for an anonymous one."""
    value = bearer(request)
    if not value:
        return None
    token = state.tokens.get(value)
    if token is None or token.expires_at <= datetime.now(UTC) or token.installation.id not in state.installations:
        raise RequestRefusal(401, "Bad credentials")
    if token.installation.suspended_at:
        raise RequestRefusal(403, "This installation has been suspended")
    return token


def mint(state: State, installation: Installation, request_body: dict[str, Any]) -> Token:
    """A token for an hour, narrowed to the `repositories`, `repository_ids` and `permissions` that were asked for."""
    if installation.suspended_at:
        raise RequestRefusal(403, "This installation has been suspended")
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    repositories = _narrowed(installation, request_body.get("repositories", []), request_body.get("repository_ids", []))
    permissions: dict[str, str] = request_body.get("permissions") or installation.permissions
    if not all(grants(installation.permissions, name, level) for name, level in permissions.items()):
        raise RequestRefusal(422, "The permissions requested are not granted to this installation.")
    granted = {"metadata": "read"} | permissions
    # The id of the App and a JSON web token: some 520 characters, of no fixed number.
    value = f"ghs_{installation.app.id}_{secrets.token_urlsafe(380)}"
    token = Token(value, installation, granted, repositories, expires_at)
    state.tokens[token.value] = token
    return token


def _narrowed(installation: Installation, names: Collection[str], ids: Collection[int]) -> list[Repository]:
    if not names and not ids:
        return installation.repositories  # the list itself: such a token follows the installation
    selection = [
        repository for repository in installation.repositories if repository.name in names or repository.id in ids
    ]
    if len(selection) != len(names) + len(ids):
        message = (
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
        raise RequestRefusal(422, message)
    return selection


def grants(permissions: dict[str, str], name: str, level: str) -> bool:
    """`write` includes `read`."""
    return permissions.get(name) in (("write", "admin") if level == "write" else ("read", "write", "admin"))


def check_access(token: Token | None, repository: Repository, needs: Sequence[str], level: str) -> None:
    """Refuse with 404 what may not be seen, with 403 what may be seen but not done.

    Any one of `needs` will do. What is public may be read without: https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
    """
    inside = token is not None and repository in token.repositories and repository in token.installation.repositories
    if repository.private and not inside:
        raise not_found()
    if level == "read" and not repository.private:
        return
    if token is None:
        raise RequestRefusal(401, "Requires authentication")
    if not inside or not any(grants(token.permissions, name, level) for name in needs):
        accepted = {"X-Accepted-GitHub-Permissions": "; ".join(f"{name}={level}" for name in needs)}
        raise RequestRefusal(403, NOT_FOR_APP, headers=accepted)
    if level == "write" and repository.archived:
        raise RequestRefusal(403, "Repository was archived so is read-only.")


@dataclass
class RateLimit:
    """One client's hour. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"""

    reset_at: datetime
    limit: int = 5000
    used: int = 0

    def resources(self) -> dict[str, Any]:
        core = {
            "limit": self.limit, "used": self.used, "remaining": self.limit - self.used,
            "reset": int(self.reset_at.timestamp()), "resource": "core",
        }  # fmt: skip
        return {"resources": {"core": core}, "rate": core}

    def headers(self) -> dict[str, str]:
        return {f"X-RateLimit-{name.title()}": str(value) for name, value in self.resources()["rate"].items()}
