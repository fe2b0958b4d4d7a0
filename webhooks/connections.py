"""How many connections there may be, and how long one may take: uvicorn's protocol for HTTP, with limits.

uvicorn waits for ever for the head of a request, and once its `limit_concurrency` is reached it refuses everybody. Here whoever has
waited for the longest without asking for anything makes room for who comes.
"""

import asyncio
import ipaddress
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# As on every other answer.
_HEADERS = (
    "content-type: application/json\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n"
    "x-frame-options: DENY\r\ncontent-security-policy: frame-ancestors 'none'\r\nconnection: close\r\n"
)


def _refusal(status: str, message: str, headers: str = "") -> bytes:
    """An answer of our own, where no application sees the request."""
    body = msgspec.json.encode({"message": message})
    head = f"HTTP/1.1 {status}\r\n{_HEADERS}{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_FULL = _refusal(
    "503 Service Unavailable",
    "as many connections as there may be are in use: send it again later",
    "retry-after: 30\r\n",
)
_HEAD_TOO_LARGE = _refusal(
    "431 Request Header Fields Too Large",
    "the head of a request may have 32 KB and 100 headers: send fewer and shorter ones",
)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`most` leaves files to the database where a process may open 1,024. `seconds` is the time from a connection's beginning, or
    from the answer before, to the whole head of the next request; until then the rest of a body that was refused is thrown away,
    so that its sender gets to read why."""

    most: int = 700
    most_of_peer: int = 100
    most_head_bytes: int = 32 * 1024
    most_headers: int = 100
    seconds: float = 15


class Connections:
    """All connections of a server, and of them those that wait: they have no request that is being answered."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._open: dict[Connection, str] = {}
        self._waiting: dict[Connection, float] = {}  # since when, the longest first
        self._is_watched = False

    def __len__(self) -> int:
        return len(self._open)

    def protocol(self, *args: Any, **options: Any) -> "Connection":
        """What uvicorn calls for each new connection."""
        return Connection(self, *args, **options)

    def admit(self, connection: "Connection") -> bool:
        """False if all are busy, or all of this peer's."""
        peer = _peer(connection.client)
        is_full = len(self._open) >= self.limits.most
        is_peer_full = bool(peer) and sum(other == peer for other in self._open.values()) >= self.limits.most_of_peer
        if is_full or is_peer_full:
            among = (other for other in self._waiting if not is_peer_full or self._open[other] == peer)
            longest = next(among, None)
            if longest is None:
                return False
            self._abort(longest)
        self._open[connection] = peer
        self.wait(connection)
        return True

    def wait(self, connection: "Connection") -> None:
        """Nothing is being answered now."""
        if connection in self._open:
            self._waiting[connection] = connection.loop.time()
            self._watch(connection.loop)

    def go_on(self, connection: "Connection") -> None:
        """A request has come."""
        self._waiting.pop(connection, None)

    def forget(self, connection: "Connection") -> None:
        self._open.pop(connection, None)
        self._waiting.pop(connection, None)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all: one for each request would cost the busiest connections the most."""
        if not self._is_watched:
            self._is_watched = True
            loop.call_later(1, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_watched = False
        until = loop.time() - self.limits.seconds
        for connection, since in list(self._waiting.items()):
            if since > until:
                break
            self._abort(connection)
        if self._waiting:
            self._watch(loop)

    def _abort(self, connection: "Connection") -> None:
        self.forget(connection)
        connection.transport.abort()  # `close` would wait for who does not read


class Connection(HttpToolsProtocol):
    """A connection that is counted."""

    def __init__(self, connections: Connections, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._all = connections
        self._head_bytes: int | None = None  # None outside of a head

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        if not self._all.admit(self):
            self._end(_FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is None:
            return
        self._head_bytes += len(data)
        limits = self._all.limits
        if self._head_bytes > limits.most_head_bytes or len(self.headers) > limits.most_headers:
            self._end(_HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._all.go_on(self)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        if not self.pipeline:
            self._all.wait(self)
        super().on_response_complete()

    def _end(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.transport.close()


def _peer(client: tuple[str, int] | None) -> str:
    """Whose connections are counted together: an address, of IPv6 a network of the size that one customer gets. Empty for addresses
    that are not public: a proxy's, which counts its own peers, or this machine's."""
    try:
        ip = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return ""
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if not ip.is_global:
        return ""
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
