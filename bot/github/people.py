"""A person on GitHub: signed in through the App's device flow, and which installations of the App that person may see.

githubkit's own device flow waits within one call until the person has confirmed, for up to fifteen minutes; here each question is
a request of its own, and the server keeps nothing between them. A person's token is used at once and never stored.
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app#using-the-device-flow-to-generate-a-user-access-token
"""

from typing import Any, TypeVar

import httpx
import msgspec

from bot.github.client import API_VERSION
from bot.settings import Settings

T = TypeVar("T")

# Of an installation list, 100 a page: nobody belongs to more organizations that use one App.
_MOST_PAGES = 5
# RFC 8628: five seconds where the server says nothing, and as much more for each `slow_down`.
_INTERVAL_SECONDS = 5
_SECONDS = httpx.Timeout(6)


class PersonError(Exception):
    """Nobody is signed in. The message says why, and what to do."""


class GitHubAway(Exception):
    """No answer, or none of GitHub's: ask again in a while."""


class DeviceCode(msgspec.Struct, frozen=True):
    user_code: str
    verification_uri: str
    device_code: str
    expires_in: int
    interval: int = _INTERVAL_SECONDS


class Person(msgspec.Struct, frozen=True):
    """GitHub's number of a user, and the login of now."""

    id: int
    login: str


class _Account(msgspec.Struct):
    id: int
    login: str = ""


class InstallationSeen(msgspec.Struct):
    id: int
    account: _Account


class _Installations(msgspec.Struct):
    installations: list[InstallationSeen]


class _Exchange(msgspec.Struct):
    access_token: str = ""
    error: str = ""
    interval: int = 0


# What GitHub says, and what helps. Of a code that was used GitHub says that it is no code.
_AGAIN = "run `mergecost login` again"
_ADVICE = {
    "access_denied": f"the login was cancelled on GitHub: {_AGAIN} if that was not meant",
    "expired_token": f"the code was not entered in time: {_AGAIN}, and enter the new one",
    "incorrect_device_code": f"GitHub does not know this login, or it was finished before: {_AGAIN}",
    "bad_verification_code": f"GitHub does not know this login, or it was finished before: {_AGAIN}",
    "device_flow_disabled": "the App allows no logins yet: its owner ticks *Enable Device Flow* in the App's settings on GitHub",
}


class People:
    """Questions to GitHub about one person, over one `client`. Raises `PersonError` or `GitHubAway`."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def begin(self, client_id: str) -> DeviceCode:
        """A code for a person to enter."""
        body = await self._sign_in("/login/device/code", {"client_id": client_id})
        return _read(body, DeviceCode)

    async def token(self, client_id: str, device_code: str) -> str | int:
        """The token of the person who entered the code, else in how many seconds to ask again (0: as before)."""
        grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device_code}
        answer = _read(await self._sign_in("/login/oauth/access_token", grant | {"client_id": client_id}), _Exchange)
        return answer.access_token or max(answer.interval, 0)

    async def person(self, token: str) -> Person:
        return _read(await self._get(token, "/user", {}), Person)

    async def installations(self, token: str) -> list[InstallationSeen]:
        """Of the App, on accounts where the person may at least read something."""
        seen: list[InstallationSeen] = []
        for number in range(1, _MOST_PAGES + 1):
            page = _read(
                await self._get(token, "/user/installations", {"per_page": 100, "page": number}), _Installations
            )
            seen += page.installations
            if len(page.installations) < 100:
                break
        return seen

    async def _sign_in(self, path: str, body: dict[str, str]) -> bytes:
        """GitHub answers errors with 200, too."""
        answer = await self._ask(
            "POST", self._settings.github_url + path, json=body, headers={"Accept": "application/json"}
        )
        if answer.status_code == 404:
            raise PersonError("GitHub does not know this server's App: was it deleted?")
        error = _read(answer.content, _Exchange).error
        if error in ("authorization_pending", "slow_down"):
            return answer.content
        if error or answer.status_code != 200:
            raise PersonError(_ADVICE.get(error, f"GitHub refuses ({error or answer.status_code}): {_AGAIN}"))
        return answer.content

    async def _get(self, token: str, path: str, query: dict[str, int]) -> bytes:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": API_VERSION,
        }
        answer = await self._ask("GET", self._settings.api_url + path, params=query, headers=headers)
        if answer.status_code != 200:
            raise PersonError(f"GitHub refuses to say who logged in ({answer.status_code}): {_AGAIN}")
        return answer.content

    async def _ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._client.request(method, url, timeout=_SECONDS, **options)
        except httpx.HTTPError as error:
            raise GitHubAway(f"GitHub does not answer ({type(error).__name__})") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise GitHubAway(f"GitHub is busy ({answer.status_code})")
        return answer


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        raise GitHubAway("what answered is not GitHub") from None
