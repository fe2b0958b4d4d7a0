"""The server's end points for usage and caps, asked with one token of a person's."""

import time
from collections.abc import Callable, Iterable, Iterator

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
from collector.exchange import PUSH_SECONDS, REQUEST_SECONDS, Busy, Exchange, PushError
from collector.settings import Settings

# A push waits no longer than this for a server that is busy; what it has not sent by then, the next one sends.
PATIENCE_SECONDS = 300

_HEAD, _TAIL = b'{"requests":[', b"]}"


class Parcel(msgspec.Struct, frozen=True):
    """A request as it is sent: `body` is its JSON."""

    usage: Usage
    body: bytes

    @property
    def key(self) -> tuple[str, str]:
        return self.usage.key


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
        self._exchange = Exchange(settings.url, settings.token, version, request_seconds, push_seconds)
        self._sleep = sleep
        self._patience_seconds = PATIENCE_SECONDS

    def coverage(self) -> Coverage:
        """Which repositories the server wants to hear about."""
        coverage = self._exchange.ask(COVERAGE_PATH, None, Coverage)
        try:
            bytes.fromhex(coverage.salt)
        except ValueError as error:
            raise PushError(
                f"{self._exchange.url}{COVERAGE_PATH}: the salt is not hexadecimal. Is it a Mergecost server?"
            ) from error
        return coverage

    def send(self, batch: list[Parcel]) -> Receipt:
        """Hand over one batch. Sending it again changes nothing. While the server has enough to save, wait as it asks to, in all
        as long as a push may take: no tool waits for it."""
        answer = self._receipt(_HEAD + b",".join(parcel.body for parcel in batch) + _TAIL)
        if any(not 0 <= refusal.index < len(batch) for refusal in answer.refused):
            raise PushError(f"{self._exchange.url}{USAGE_PATH} refused a request that was not sent: update mergecost")
        return answer

    def _receipt(self, body: bytes) -> Receipt:
        while True:
            try:
                return self._exchange.ask(USAGE_PATH, body, Receipt)
            except Busy as busy:
                self._patience_seconds -= max(busy.seconds, 1)
                if self._patience_seconds < 0:
                    raise
                self._sleep(busy.seconds)

    def caps(self, request: CapsQuery) -> CapsAnswer:
        """The caps of covered repositories, and what the pull requests of these branches have cost over everybody."""
        return self._exchange.ask("/v1/caps", msgspec.json.encode(request), CapsAnswer)
