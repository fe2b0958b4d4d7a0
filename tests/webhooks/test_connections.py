"""Connections: whoever only holds one open is let go, and never shuts anybody out."""

import asyncio
import socket
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from tests import hurry
from tests.patience import DEADLOCK_SECONDS
from tests.processes import serving_asgi
from tests.server import sign
from webhooks.connections import Connection, Connections, Limits
from webhooks.serve import options

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Wire(asyncio.Transport):
    """The server's end of a connection from an address. No packet leaves."""

    def __init__(self, host: str) -> None:
        super().__init__({"peername": (host, 50_000), "sockname": ("127.0.0.1", 8000)})
        self.said = b""
        self.is_closed = False
        self.protocol: Connection

    def write(self, data: Any) -> None:
        self.said += data

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        """As the rest of these, nothing."""

    def resume_reading(self) -> None:
        """Nothing either."""


class Door:
    """A server without sockets. `answer` lets requests end."""

    def __init__(self, **limits: Any) -> None:
        self.connections = Connections(Limits(**limits))
        self.config = uvicorn.Config(self._app, **options("127.0.0.1", 8000) | {"interface": "asgi3"})
        self.config.load()
        self.answer = asyncio.Event()
        self.answer.set()
        self.state = ServerState()

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await self.answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def come(self, host: str, said: bytes = b"") -> Wire:
        wire = Wire(host)
        wire.protocol = self.connections.protocol(self.config, self.state, {})
        wire.protocol.connection_made(wire)
        await say(wire, said)
        return wire


async def say(wire: Wire, data: bytes) -> None:
    if data:
        wire.protocol.data_received(data)
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_ends_its_connection(said):
    async def story():
        door = Door()
        wire = await door.come("8.8.8.8", said)
        await asyncio.sleep(14)
        assert not wire.is_closed
        await say(wire, b"X-A: b\r\n" if said else b"")  # a little now and then is no help
        await asyncio.sleep(3)
        assert wire.is_closed
        assert len(door.connections) == 0

    hurry.run(story())


def test_a_connection_that_was_answered_is_used_again_and_let_go_when_idle():
    async def story():
        door = Door()
        wire = await door.come("8.8.8.8", HEAD)
        await asyncio.sleep(4)
        await say(wire, HEAD)
        assert wire.said.count(b"200 OK") == 2
        assert not wire.is_closed
        await asyncio.sleep(20)
        assert wire.is_closed

    hurry.run(story())


def test_a_request_that_is_being_answered_takes_the_time_it_takes():
    async def story():
        door = Door()
        door.answer.clear()
        wire = await door.come("8.8.8.8", HEAD)
        await asyncio.sleep(1000)
        assert not wire.is_closed
        door.answer.set()
        await say(wire, b"")
        assert b"200 OK" in wire.said

    hurry.run(story())


def test_the_rest_of_a_body_that_nobody_reads_is_thrown_away_for_a_while():
    async def story():
        door = Door()
        wire = await door.come("8.8.8.8", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99000000\r\n\r\n")
        assert b"200 OK" in wire.said
        for _ in range(40):
            await say(wire, b"x" * 60_000)
            assert not wire.is_closed
            assert not wire.protocol.cycle.body
            await asyncio.sleep(0.1)
        await asyncio.sleep(20)
        assert wire.is_closed

    hurry.run(story())


def test_thousands_that_hold_connections_open_shut_nobody_out():
    async def story():
        door = Door(most=700)
        crowd = [await door.come("127.0.0.1", b"POST /webhooks/github HTTP/1.1\r\n") for _ in range(1300)]
        assert len(door.connections) == 700
        assert [wire.is_closed for wire in crowd] == [True] * 600 + [False] * 700
        github = await door.come("140.82.112.1", HEAD)
        assert b"200 OK" in github.said

    hurry.run(story())


def test_an_address_has_its_share_and_others_keep_theirs():
    async def story():
        door = Door(most_of_peer=3)
        other = await door.come("1.1.1.1")
        crowd = [await door.come("8.8.8.8") for _ in range(5)]
        assert [wire.is_closed for wire in crowd] == [True, True, False, False, False]
        assert not other.is_closed
        network = [await door.come(f"2606:4700::{i}") for i in range(5)]
        assert sum(not wire.is_closed for wire in network) == 3

    hurry.run(story())


@pytest.mark.parametrize("host", ["127.0.0.1", "172.17.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"])
def test_a_proxy_is_not_counted_as_one_client(host):
    async def story():
        door = Door(most_of_peer=3)
        wires = [await door.come(host) for _ in range(5)]
        assert not any(wire.is_closed for wire in wires)

    hurry.run(story())


def test_where_all_are_busy_a_newcomer_hears_so():
    async def story():
        door = Door(most=2)
        door.answer.clear()
        busy = [await door.come("8.8.8.8", HEAD) for _ in range(2)]
        late = await door.come("1.1.1.1", HEAD)
        assert late.said.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after" in late.said
        assert b"send it again later" in late.said
        assert late.is_closed
        door.answer.set()
        for wire in busy:
            await say(wire, b"")
            assert b"200 OK" in wire.said
        assert b"200 OK" in (await door.come("1.1.1.1", HEAD)).said

    hurry.run(story())


@pytest.mark.parametrize("piece", [b"X-Long: " + b"x" * 40_000, b"a:\r\n" * 200])
def test_an_endless_head_is_refused(piece):
    async def story():
        door = Door()
        wire = await door.come("8.8.8.8", b"GET / HTTP/1.1\r\n")
        await say(wire, piece)
        assert wire.said.startswith(b"HTTP/1.1 431 ")
        assert b"send fewer and shorter ones" in wire.said
        assert b"nosniff" in wire.said
        assert wire.is_closed

    hurry.run(story())


# With sockets.


def ask(url: str, said: bytes) -> bytes:
    """The head of what a real server answers to these bytes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), DEADLOCK_SECONDS) as connection:
        connection.sendall(said)
        answer = b""
        while b"\r\n\r\n" not in answer and (piece := connection.recv(65536)):
            answer += piece
    return answer


@pytest.fixture
def url(server):
    with serving_asgi(server.app) as url:
        yield url


@pytest.mark.parametrize(
    "path", ["/healthz", "/v1/coverage", "/setup", "/api/v1/repositories", "/api/v1/openapi.json", "/nowhere"]
)
def test_every_answer_has_the_headers_of_safety_and_names_no_server(url, path):
    headers = httpx.get(url + path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_a_stranger_is_answered_before_the_body(url):
    head = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 25000000\r\n\r\n"
    assert ask(url, head).startswith(b"HTTP/1.1 401 ")
    for path in (b"/v1/usage", b"/v1/caps"):
        for header in (b"", b"Authorization: Bearer mergecost_ingest_guess\r\n"):
            head = b"POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: 5000000\r\n\r\n" % (path, header)
            assert ask(url, head).startswith(b"HTTP/1.1 401 ")


def test_who_sends_all_the_same_gets_to_read_why(url):
    answer = httpx.post(
        f"{url}/v1/usage", content=b"x" * 5_000_000, headers={"Authorization": "Bearer mergecost_ingest_x"}
    )
    assert answer.status_code == 401


def test_a_delivery_in_many_pieces_is_verified_as_it_comes(server, url):
    body = b'{"installation": {"id": 5, "account": {"id": 7}}, "padding": "%s"}' % (b"x" * 3_000_000)
    headers = {"X-Hub-Signature-256": sign(body), "X-GitHub-Event": "installation", "Content-Type": "application/json"}
    assert httpx.post(f"{url}/webhooks/github", content=body, headers=headers).status_code == 202
    assert [*server.request_counts()] == ["account 7/0/5"]
