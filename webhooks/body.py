"""Read requests' bodies: each up to a size and a time, all of them within one budget of memory, whatever their headers say."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec
from starlette.types import Receive

# All bodies that are coming in or being worked on: two webhooks of the largest size, and thousands of usual ones.
BUDGET_BYTES = 64 * 1024 * 1024
# So many may be on their way at once; each has a connection that somebody else could use.
MOST_AT_ONCE = 500

See = Callable[[bytes], object]


class Refusal(Exception):
    """A request is not taken: the status of the answer, and what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Limits(msgspec.Struct, frozen=True):
    """Of one body. `too_large` says what to do about one over `most_bytes`."""

    most_bytes: int
    seconds: float
    too_large: str


class _Arrival:
    """A body on its way, and then in use, until the request is answered."""

    def __init__(self, seconds: float) -> None:
        self.is_crowded_out = False
        self.size_bytes = 0
        self.body = bytearray()
        self.timeout = asyncio.timeout(seconds)


class Bodies:
    """All bodies of a server.

    Where they are too many, first those go whose sender is not known, and of them the one that has been coming for the longest:
    whoever sends without a pause is in time. GitHub is known only by the signature, at the end of the body.
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES, most_at_once: int = MOST_AT_ONCE) -> None:
        self.size_bytes = 0
        self._budget_bytes = budget_bytes
        self._most_at_once = most_at_once
        # On their way, in the order of their beginning.
        self._known: dict[_Arrival, None] = {}
        self._strangers: dict[_Arrival, None] = {}

    @asynccontextmanager
    async def read(
        self,
        headers: Mapping[bytes, bytes],
        receive: Receive,
        limits: Limits,
        *,
        is_known: bool = False,
        see: See | None = None,
    ) -> AsyncIterator[bytes]:
        """The raw body, which is in use until the `with` ends. `see` gets each piece as it comes. Raises `Refusal`."""
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and (len(length) > 15 or int(length) > limits.most_bytes):
            raise Refusal(413, limits.too_large)
        arrival = _Arrival(limits.seconds)
        self._make_room(1)
        on_their_way = self._known if is_known else self._strangers
        on_their_way[arrival] = None
        try:
            try:
                async with arrival.timeout:
                    body = await self._whole(arrival, receive, limits, see)
            except TimeoutError:
                raise _too_late(arrival, limits) from None
            finally:
                on_their_way.pop(arrival, None)
            yield body
        finally:
            self.size_bytes -= arrival.size_bytes

    async def _whole(self, arrival: _Arrival, receive: Receive, limits: Limits, see: See | None) -> bytes:
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise Refusal(400, "the body ended before its time: send it again")
            piece: bytes = message.get("body", b"")
            if not self._is_counted(arrival, len(piece)):
                raise _too_late(arrival, limits)
            if arrival.size_bytes > limits.most_bytes:
                raise Refusal(413, limits.too_large)
            if see is not None:
                see(piece)
            is_last = not message.get("more_body", False)
            if is_last and not arrival.body:  # as nearly all are: one piece, and no copy
                return piece
            arrival.body += piece
            if is_last:
                body, arrival.body = bytes(arrival.body), bytearray()
                return body

    def _is_counted(self, arrival: _Arrival, size_bytes: int) -> bool:
        """False if there is no room for more of this body."""
        if not arrival.is_crowded_out:
            arrival.size_bytes += size_bytes
            self.size_bytes += size_bytes
            self._make_room()
        return not arrival.is_crowded_out

    def _make_room(self, more_count: int = 0) -> None:
        """For what has been counted, and for so many bodies that begin."""
        while (
            self.size_bytes > self._budget_bytes
            or len(self._known) + len(self._strangers) + more_count > self._most_at_once
        ):
            among = self._strangers or self._known
            if not among:
                return
            slowest = next(iter(among))
            del among[slowest]
            self.size_bytes -= slowest.size_bytes
            slowest.size_bytes, slowest.body, slowest.is_crowded_out = 0, bytearray(), True
            # Its request is answered when its turn comes.
            slowest.timeout.reschedule(asyncio.get_running_loop().time())


def _too_late(arrival: _Arrival, limits: Limits) -> Refusal:
    if arrival.is_crowded_out:
        return Refusal(503, "too many are sending at once: send it again in a while")
    return Refusal(408, f"the body did not come within {limits.seconds:.0f} seconds: send it again")
