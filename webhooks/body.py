"""Read requests' bodies: each up to a size and a time, all of them within one budget of memory, whatever their headers say."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec
from starlette.types import Receive

# All bodies that are coming in or being worked on: two webhooks of the largest size, and thousands of usual ones.
BUDGET_BYTES = 64 * 1024 * 1024
# So many may be on their way at once; each has a connection that somebody else could use.
MOST_AT_ONCE = 500
# What is more than this of a stranger's body comes, with that of all other strangers, at this pace: whoever sends much at once
# takes no time of who sends little.
UNPACED_BYTES = 256 * 1024
PACE_BYTES_A_SECOND = 32 * 1024 * 1024

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
        self._known: dict[Body, None] = {}
        self._strangers: dict[Body, None] = {}
        self._is_watched = False
        self._paced_until = 0.0

    def read(
        self,
        headers: Mapping[bytes, bytes],
        receive: Receive,
        limits: Limits,
        *,
        is_known: bool = False,
        see: See | None = None,
    ) -> "Body":
        """`async with` gives the raw body, which counts until the end. `see` gets each piece as it comes. Raises `Refusal`."""
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and (len(length) > 15 or int(length) > limits.most_bytes):
            raise Refusal(413, limits.too_large)
        return Body(self, receive, limits, is_known, see)

    def begin(self, body: "Body") -> None:
        if len(self._known) + len(self._strangers) >= self._most_at_once:
            self._crowd_out_slowest()
        (self._known if body.is_known else self._strangers)[body] = None
        if not self._is_watched:
            self._watch()

    def has_come(self, body: "Body") -> None:
        """Whole or not, nothing more will."""
        (self._known if body.is_known else self._strangers).pop(body, None)

    def add(self, size_bytes: int) -> None:
        """A piece has come; if need be others make room for it, or the body that it belongs to goes."""
        self.size_bytes += size_bytes
        while self.size_bytes > self._budget_bytes and (self._strangers or self._known):
            self._crowd_out_slowest()

    async def pace(self, size_bytes: int) -> None:
        """Waits until so much more may come. What is not waited for stays with its sender: uvicorn reads no further."""
        now = asyncio.get_running_loop().time()
        self._paced_until = max(self._paced_until, now) + size_bytes / PACE_BYTES_A_SECOND
        await asyncio.sleep(self._paced_until - now)

    def _crowd_out_slowest(self) -> None:
        among = self._strangers or self._known
        slowest = next(iter(among))
        del among[slowest]
        slowest.give_up(Refusal(503, "too many are sending at once: send it again in a while"))

    def _watch(self) -> None:
        """One timer for all: one for each body would cost the many small ones the most."""
        self._is_watched = True
        asyncio.get_running_loop().call_later(1, self._look)

    def _look(self) -> None:
        self._is_watched = False
        now = asyncio.get_running_loop().time()
        for body in [body for body in (*self._strangers, *self._known) if body.is_late(now)]:
            self.has_come(body)
            body.give_up(Refusal(408, f"the body did not come within {body.limits.seconds:.0f} seconds: send it again"))
        if self._strangers or self._known:
            self._watch()


class Body:
    """A body on its way, and then in use."""

    def __init__(self, bodies: Bodies, receive: Receive, limits: Limits, is_known: bool, see: See | None) -> None:
        self.is_known = is_known
        self.limits = limits
        self._bodies = bodies
        self._receive = receive
        self._see = see
        self._pieces = bytearray()
        self._size_bytes = 0
        self._refusal: Refusal | None = None
        self._since = asyncio.get_running_loop().time()
        self._end = asyncio.timeout(None)

    def is_late(self, now: float) -> bool:
        return now - self._since >= self.limits.seconds

    def give_up(self, refusal: Refusal) -> None:
        """Its memory is free at once; its request is answered when its turn comes."""
        self._refusal = refusal
        self._forget()
        self._end.reschedule(0)

    async def __aenter__(self) -> bytes:
        self._bodies.begin(self)
        is_whole = False
        try:
            async with self._end:
                body = await self._whole()
                is_whole = True
                return body
        except TimeoutError:
            if self._refusal is None:
                raise
            raise self._refusal from None
        finally:
            self._bodies.has_come(self)
            if not is_whole:
                self._forget()

    async def __aexit__(self, *error: object) -> None:
        self._forget()

    async def _whole(self) -> bytes:
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise Refusal(400, "the body ended before its time: send it again")
            piece: bytes = message.get("body", b"")
            if self._refusal is None:
                self._size_bytes += len(piece)
                self._bodies.add(len(piece))
            if self._refusal is not None:
                raise self._refusal
            if self._size_bytes > self.limits.most_bytes:
                raise Refusal(413, self.limits.too_large)
            if not self.is_known and self._size_bytes > UNPACED_BYTES:
                await self._bodies.pace(len(piece))
            if self._see is not None:
                self._see(piece)
            is_last = not message.get("more_body", False)
            if is_last and not self._pieces:  # as nearly all are: one piece, and no copy
                return piece
            self._pieces += piece
            if is_last:
                body, self._pieces = bytes(self._pieces), bytearray()
                return body

    def _forget(self) -> None:
        self._bodies.size_bytes -= self._size_bytes
        self._size_bytes, self._pieces = 0, bytearray()
