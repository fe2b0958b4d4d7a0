"""A load generator: some connections, each sends its next delivery when the one before is answered."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import Any, NamedTuple, cast

import httptools

from tests.github.fake import FakeGitHub

SIZE_BYTES = 24 * 1024
PULLS = 64
CONNECTIONS = 16


class Delivery(NamedTuple):
    """A webhook's body and its X-Hub-Signature-256."""

    body: bytes
    signature: bytes


@dataclass
class Measurement:
    """What the load saw. Latencies in milliseconds."""

    answers: int = 0
    not_2xx: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        ascending = sorted(self.latencies_ms)
        return ascending[min(int(len(ascending) * part), len(ascending) - 1)] if ascending else 0.0


def deliveries(secret: str) -> list[Delivery]:
    """Signed bodies of `pull_request` events for PULLS pull requests, and their signatures."""
    github = FakeGitHub(lambda: datetime.now(UTC))
    org = github.add_user("acme", type="Organization")
    alice = github.add_user("alice")
    repository = github.add_repository(org, "widgets")
    app = github.add_app("mergecost", org)
    github.install(app, org, [repository])
    for number in range(1, PULLS + 1):
        github.open_pull(
            repository, f"feat/{number}", alice, [github.commit(f"Change {number}", author=alice)], number=number
        )
    payloads = [delivery.payload for delivery in github.deliveries if delivery.event == "pull_request"]
    return [_delivery(payload, secret) for payload in payloads]


def delivery_of(account_id: int, number: int, secret: str) -> Delivery:
    """A `pull_request` event of the repository of `benchmarks.worker.teams`."""
    repository = {"id": account_id, "owner": {"id": account_id}}
    payload = {"action": "synchronize", "installation": {"id": account_id}, "repository": repository}
    return _delivery({**payload, "pull_request": {"number": number}}, secret)


def _delivery(payload: dict[str, Any], secret: str) -> Delivery:
    """Padded with a description to the size of a real one."""
    payload["pull_request"]["body"] = ""
    payload["pull_request"]["body"] = "word " * ((SIZE_BYTES - len(json.dumps(payload))) // 5)
    body = json.dumps(payload).encode()
    return Delivery(body, b"sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex().encode())


async def fire(
    port: int, path: str, load: list[Delivery], seconds: float, measurement: Measurement, connections: int = CONNECTIONS
) -> None:
    """Load for so many seconds; each connection sends one delivery at least. All that was sent is answered at the end.

    Raises OSError if nobody listens.
    """
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    ends = []
    for nth in range(connections):
        turn = cycle(load[nth % len(load) :] + load[: nth % len(load)])
        _, connection = await loop.create_connection(
            lambda turn=turn: _Connection(path, turn, until, measurement), "127.0.0.1", port
        )
        ends.append(connection.end)
    await asyncio.gather(*ends)


class _Connection(asyncio.Protocol):
    """Sends a delivery, waits for its answer, and so on."""

    def __init__(self, path: str, turn: Iterator[Delivery], until: float, measurement: Measurement) -> None:
        self._path, self._turn, self._until, self._measurement = path, turn, until, measurement
        self.end = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._measurement.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
        self._measurement.answers += 1
        self._measurement.not_2xx += not 200 <= self._parser.get_status_code() < 300
        if self._sent_at < self._until and self._parser.should_keep_alive():
            self._parser = httptools.HttpResponseParser(self)
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.end.set_result(None)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        delivery = next(self._turn)
        self._transport.write(_head(self._path, delivery) + delivery.body)


def _head(path: str, delivery: Delivery) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: GitHub-Hookshot/0000000\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(delivery.body)}\r\n"
        f"X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {uuid.uuid4()}\r\nX-Hub-Signature-256: "
    )
    return head.encode() + delivery.signature + b"\r\n\r\n"
