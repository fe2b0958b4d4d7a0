"""A GitHub on a loopback port that answers everything after a while, and notes when each write arrived.

Only what is needed: tokens, pull requests, an empty list of comments, a new comment. A repository of account 7 is called `o7/r`.
"""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import httptools

API = "/api/v3"
LATENCY_SECONDS = 0.2
_COMMENTS = re.compile(rb"/api/v3/repos/o(\d+)/r/issues/(\d+)/comments")
_PULL = re.compile(rb"/api/v3/repos/o(\d+)/r/pulls/(\d+)(/\w+)?")
_FACTS = (
    b'{"number":%d,"head":{"ref":"b%d","sha":"%040d"},"base":{"ref":"main","repo":{"id":%d,"full_name":"o%d/r","private":true}},'
    b'"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}'
)
_TOKEN = b'{"token":"t","expires_at":"2099-01-01T00:00:00Z","permissions":{},"repository_selection":"all"}'


class Stub:
    """`writes`: (account, number, time) of each comment that was created. `latency_of` overrides the latency of one account."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, int, float]] = []
        self.latency_of: dict[int, float] = defaultdict(lambda: LATENCY_SECONDS)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, method: bytes, url: bytes) -> tuple[bytes, bytes, float]:
        """Status, body and latency."""
        if match := _COMMENTS.match(url):
            account_id, number = int(match[1]), int(match[2])
            if method == b"POST":
                self.writes.append((account_id, number, time.perf_counter()))
                return b"201 Created", b'{"id":%d}' % len(self.writes), self.latency_of[account_id]
            return b"200 OK", b"[]", self.latency_of[account_id]
        if match := _PULL.match(url):
            account_id, number, part = int(match[1]), int(match[2]), match[3]
            facts = b"[]" if part else _FACTS % (number, number, number, account_id, account_id)
            return b"200 OK", facts, self.latency_of[account_id]
        if b"/contents/" in url:
            return b"200 OK", b"{}", LATENCY_SECONDS
        if url.endswith(b"/access_tokens"):
            return b"201 Created", _TOKEN, self.latency_of[int(url.split(b"/")[-2])]
        return b"200 OK", b"[]", LATENCY_SECONDS


@asynccontextmanager
async def listening() -> AsyncIterator[Stub]:
    stub = Stub()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(stub), "127.0.0.1", 0, backlog=1000)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive; one request at a time, as clients without pipelining send them."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_message_complete(self) -> None:
        status, body, seconds = self._stub.answer(self._parser.get_method(), self._url)
        self._url = b""
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        asyncio.get_running_loop().call_later(seconds, self._send, head + body)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)
