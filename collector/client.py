"""The server's end points for collectors, over urllib: https only, no redirects, every answer checked and bounded."""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from attribution.protocol import (
    COVERAGE_PATH,
    SENT_BYTES,
    SENT_REQUESTS,
    USAGE_PATH,
    CapsAnswer,
    CapsQuery,
    Receipt,
)
from attribution.usage import Usage
from collector.coverage import Coverage
from collector.settings import Settings, is_loopback

T = TypeVar("T")

# urllib bounds only each wait for the next bytes. A whole request, and all requests of a push:
REQUEST_SECONDS, PUSH_SECONDS = 60, 900
_WAIT_SECONDS = 30
# A push waits no longer than this for a server that is busy; what it has not sent by then, the next one sends.
PATIENCE_SECONDS = 300
MAX_ANSWER_BYTES = 16_000_000
MAX_REASON_BYTES = 4_000

_HEAD, _TAIL = b'{"requests":[', b"]}"


class PushError(Exception):
    """Why nothing more can be sent now, and what to do. What was not accepted will be sent by the next push."""


class Busy(PushError):
    """The server takes more again after `seconds`."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Parcel(msgspec.Struct, frozen=True):
    """A request as it is sent: `body` is its JSON."""

    usage: Usage
    body: bytes

    @property
    def key(self) -> tuple[str, str]:
        return self.usage.key


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib would carry the token to wherever the answer points."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        return None


def parcels(usages: Iterable[Usage]) -> list[Parcel]:
    """Requests as JSON."""
    encode = msgspec.json.Encoder().encode
    return [Parcel(usage, encode(usage)) for usage in usages]


def batches(waiting: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    """Batches of at most 500 requests and a megabyte; a larger request goes alone."""
    batch: list[Parcel] = []
    size = len(_HEAD + _TAIL)
    for parcel in waiting:
        next_size = size + len(parcel.body) + 1
        if batch and (len(batch) == SENT_REQUESTS or next_size > SENT_BYTES):
            yield batch
            batch, next_size = [], len(_HEAD + _TAIL) + len(parcel.body) + 1
        batch.append(parcel)
        size = next_size
    if batch:
        yield batch


class Client:
    """A server and a person's token there, for one push. Every method raises PushError. `sleep` takes seconds."""

    def __init__(
        self,
        settings: Settings,
        version: str,
        request_seconds: float = REQUEST_SECONDS,
        push_seconds: float = PUSH_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._request_seconds = request_seconds
        self._until = time.monotonic() + push_seconds
        self._settings = settings
        self._version = version
        self._sleep = sleep
        self._patience_seconds = PATIENCE_SECONDS
        direct = [urllib.request.ProxyHandler({})] if is_loopback(urlsplit(settings.url).hostname or "") else []
        self._opener = urllib.request.build_opener(_NoRedirect, *direct)

    def coverage(self) -> Coverage:
        """Which repositories the server wants to hear about."""
        coverage = self._ask(COVERAGE_PATH, None, Coverage)
        try:
            bytes.fromhex(coverage.salt)
        except ValueError as error:
            raise PushError(
                f"{self._settings.url}{COVERAGE_PATH}: the salt is not hexadecimal. Is it a Mergecost server?"
            ) from error
        return coverage

    def send(self, batch: list[Parcel]) -> Receipt:
        """Hand over one batch. Sending it again changes nothing. While the server has enough to save, wait as it asks to, in all
        as long as a push may take: no tool waits for it."""
        answer = self._receipt(_HEAD + b",".join(parcel.body for parcel in batch) + _TAIL)
        if any(not 0 <= refusal.index < len(batch) for refusal in answer.refused):
            raise PushError(f"{self._settings.url}{USAGE_PATH} refused a request that was not sent: update mergecost")
        return answer

    def _receipt(self, body: bytes) -> Receipt:
        while True:
            try:
                return self._ask(USAGE_PATH, body, Receipt)
            except Busy as busy:
                self._patience_seconds -= max(busy.seconds, 1)
                if self._patience_seconds < 0:
                    raise
                self._sleep(busy.seconds)

    def caps(self, request: CapsQuery) -> CapsAnswer:
        """The caps of covered repositories, and what the pull requests of these branches have cost over everybody."""
        return self._ask("/v1/caps", msgspec.json.encode(request), CapsAnswer)

    def _ask(self, path: str, body: bytes | None, shape: type[T]) -> T:
        url = self._settings.url + path
        headers = {"Authorization": f"Bearer {self._settings.token}", "User-Agent": f"mergecost/{self._version}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 (settings admit http and https alone)
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
    return Busy(words, int(later)) if error.code in (429, 503) and later.isdecimal() else PushError(words)


def _words(url: str, error: urllib.error.HTTPError) -> str:
    """What an error status means for the person who pushes."""
    later = error.headers.get("Retry-After")
    if error.code == 401:
        return f"{url} does not accept your token (401): it may be revoked or of another server. Make a new one there."
    if error.code == 403 and (reason := _reason(error)):
        return f"{url} refuses: {reason}."
    if error.code in (429, 503):
        when = f"in {later} seconds" if later and later.isdigit() else "later"
        return f"{url} is busy ({error.code}): push again {when}. Nothing is lost."
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
