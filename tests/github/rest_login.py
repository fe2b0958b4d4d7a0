"""A person signs in through an App's device flow, and what an App sees with that person's token.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app#using-the-device-flow-to-generate-a-user-access-token
"""

import secrets
from datetime import UTC, datetime, timedelta

from starlette.responses import Response

from . import credentials, payloads
from .call import Call, Routes, ok
from .errors import RequestRefusal, not_found
from .state import App, DeviceLogin, Installation, User, UserToken

route = Routes()

_EXPIRES_SECONDS, _INTERVAL_SECONDS = 900, 5


def sees(user: User, installation: Installation) -> bool:
    """With an explicit right in one of its repositories, or as the account itself. What is public gives none."""
    return installation.account is user or any(user.login in of.collaborators for of in installation.repositories)


@route("POST", "/login/device/code")
def create_code(call: Call) -> Response:
    app = _app(call)
    if not app.device_flow:
        return _error("device_flow_disabled")
    login = DeviceLogin(
        app, secrets.token_hex(20), f"{secrets.token_hex(2)}-{secrets.token_hex(2)}".upper(), call.github.now()
    )
    call.github.device_logins[login.device_code] = login
    return ok(
        {
            "device_code": login.device_code,
            "user_code": login.user_code,
            "verification_uri": f"{payloads.WEB}/login/device",
            "expires_in": _EXPIRES_SECONDS,
            "interval": _INTERVAL_SECONDS,
        }
    )


@route("POST", "/login/oauth/access_token")
def exchange(call: Call) -> Response:
    """Errors are answered with 200."""
    app, now = _app(call), call.github.now()
    if call.body.get("grant_type") != "urn:ietf:params:oauth:grant-type:device_code":
        return _error("unsupported_grant_type")
    login = call.github.device_logins.get(str(call.body.get("device_code")))
    if login is None or login.app is not app or login.is_used:
        return _error("incorrect_device_code")
    if login.is_denied or now >= login.created_at + timedelta(seconds=_EXPIRES_SECONDS):
        return _error("access_denied" if login.is_denied else "expired_token")
    if login.asked_at and now < login.asked_at + timedelta(seconds=login.interval_seconds):
        login.interval_seconds += 5
        return _error("slow_down", interval=login.interval_seconds)
    login.asked_at = now
    if login.user is None:
        return _error("authorization_pending")
    login.is_used = True
    token = UserToken(f"ghu_{secrets.token_urlsafe(27)}", login.user, app, datetime.now(UTC) + timedelta(hours=8))
    call.github.user_tokens[token.value] = token
    return ok({"access_token": token.value, "token_type": "bearer", "scope": "", "expires_in": 28800})


@route("GET", "/user")
def get_user(call: Call) -> Response:
    return ok(payloads.user(_token(call).user))


@route("GET", "/user/installations")
def list_installations(call: Call) -> Response:
    token = _token(call)
    installations = [of for of in call.github.installations.values() if of.app is token.app and sees(token.user, of)]
    return call.paged(installations, payloads.installation, key="installations")


def _app(call: Call) -> App:
    app = next((app for app in call.github.apps.values() if app.client_id == call.body.get("client_id")), None)
    if app is None:
        raise not_found()
    return app


def _token(call: Call) -> UserToken:
    token = call.github.user_tokens.get(credentials.bearer(call.request))
    if token is None or token.expires_at <= datetime.now(UTC):
        raise RequestRefusal(401, "Bad credentials")
    return token


def _error(code: str, **more: int) -> Response:
    return ok({"error": code, "error_description": code, "error_uri": "https://docs.github.com"} | more)
