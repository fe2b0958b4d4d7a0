"""Questions to a server over urllib: https only, no redirects, every answer checked and bounded in size and time."""

import http.client
import time
import urllib.error
import urllib.request
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from collector.settings import is_loopback

T = TypeVar("T")

# urllib bounds only each wait for the next bytes. A whole request, and all requests of a push:
REQUEST_SECONDS, PUSH_SECONDS = 60, 900
_WAIT_SECONDS = 30
MAX_ANSWER_BYTES = 16_000_000
MAX_REASON_BYTES = 4_000
# Of a refusal whose cure is in the server's own words.
_IN_ITS_WORDS = (400, 403, 409)


class PushError(Exception):
    """Why the server gives no answer now, and what to do. What was not accepted will be sent by the next push."""


class Busy(PushError):
    """The server takes more again after `seconds`."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class TokenRefused(PushError):
    """The server does not know the token (any more)."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib would carry the token to wherever the answer points."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        return None


class Exchange:
    """A server at `url`, asked with a `token`, or without where it is empty. Raises PushError."""

    def __init__(
        self,
        url: str,
        token: str,
        version: str,
        request_seconds: float = REQUEST_SECONDS,
        all_seconds: float = PUSH_SECONDS,
    ) -> None:
        self.url = url
        self._headers = {"User-Agent": f"mergecost/{version}"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._request_seconds = request_seconds
        self._until = time.monotonic() + all_seconds
        direct = [urllib.request.ProxyHandler({})] if is_loopback(urlsplit(url).hostname or "") else []
        self._opener = urllib.request.build_opener(_NoRedirect, *direct)

    def ask(self, path: str, body: bytes | None, shape: type[T], method: str | None = None) -> T:
        """GET without a body, POST with one, unless `method` says otherwise."""
        url = self.url + path
        headers = self._headers | ({} if body is None else {"Content-Type": "application/json"})
        # Settings admit http and https alone.
        request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310
        answer = self._within_time(request)
        if isinstance(answer, PushError):
            raise answer
        try:
            return msgspec.json.decode(answer, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PushError(
                f"{url} answered what no Mergecost server answers ({error}): is the address right?"
            ) from error

    def _within_time(self, request: urllib.request.Request) -> bytes | PushError:
        """The answer, asked for in a thread that is left behind where time runs out, and ends with the process: a server that
        sends a byte now and then would hold this one, and its lock, for ever."""
        answers: SimpleQueue[bytes | PushError] = SimpleQueue()
        seconds = min(self._request_seconds, self._until - time.monotonic())
        Thread(target=lambda: answers.put(self._exchange(request)), daemon=True).start()
        try:
            return answers.get(timeout=max(seconds, 0))
        except Empty:
            return PushError(f"{request.full_url} was too slow to answer. Nothing is lost: the next push sends it.")

    def _exchange(self, request: urllib.request.Request) -> bytes | PushError:
        url = request.full_url
        try:
            with self._opener.open(request, timeout=_WAIT_SECONDS) as response:
                return response.read(MAX_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                return _refusal(url, error)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            return PushError(f"cannot reach {url}: {reason}. Nothing is lost: the next push sends it.")


def _refusal(url: str, error: urllib.error.HTTPError) -> PushError:
    words, later = _words(url, error), error.headers.get("Retry-After", "")
    if error.code == 401:
        return TokenRefused(words)
    return Busy(words, int(later)) if error.code in (429, 503) and later.isdecimal() else PushError(words)


def _words(url: str, error: urllib.error.HTTPError) -> str:
    """What an error status means for the person who pushes."""
    later = error.headers.get("Retry-After")
    if error.code == 401:
        return f"{url} does not accept your token (401): it may be revoked or of another server. Run `mergecost login`."
    if error.code in _IN_ITS_WORDS and (reason := _reason(error)):
        return f"{url} refuses: {reason}."
    if error.code in (429, 503):
        when = f"in {later} seconds" if later and later.isdigit() else "later"
        return f"{url} is busy ({error.code}): push again {when}. Nothing is lost."
    if error.code == 404:
        return f"{url} is not there (404): is the address right, and the server as new as this mergecost?"
    if 300 <= error.code < 400:
        return f"{url} redirects to {error.headers.get('Location', 'elsewhere')}: set the address of the server itself"
    return f"{url} answered {error.code} {error.reason}. Nothing is lost: the next push sends it."


class _Message(msgspec.Struct):
    message: str = ""


def _reason(error: urllib.error.HTTPError) -> str:
    """The server's own words; empty where it is not a Mergecost server."""
    try:
        words = msgspec.json.decode(error.read(MAX_REASON_BYTES), type=_Message).message
    except (msgspec.DecodeError, UnicodeDecodeError, OSError, http.client.HTTPException):
        return ""
    return "".join(letter for letter in words if letter.isprintable())
