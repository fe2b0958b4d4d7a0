"""A load generator: some connections, each sends its next delivery when the one before is answered."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.github.fake import FakeGitHub

SIZE_BYTES = 24 * 1024
PULLS = 64


@dataclass
class Measured:
    """What one round of load saw. Latencies in milliseconds."""

    answers: int = 0
    not_2xx: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


def deliveries(secret: str) -> list[tuple[bytes, bytes]]:
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
    payloads = [one.payload for one in github.deliveries if one.event == "pull_request"]
    return [_signed(payload, secret) for payload in payloads]


def _signed(payload: dict[str, Any], secret: str) -> tuple[bytes, bytes]:
    """Padded with a description to the size of a real one."""
    payload["pull_request"]["body"] = ""
    payload["pull_request"]["body"] = "word " * ((SIZE_BYTES - len(json.dumps(payload))) // 5)
    body = json.dumps(payload).encode()
    return body, b"sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex().encode()


async def fire(
    port: int, path: str, signed: list[tuple[bytes, bytes]], seconds: float, connections: int = 16
) -> Measured:
    """Load for so many seconds."""
    measured = Measured()
    until = time.perf_counter() + seconds
    await asyncio.gather(
        *(_connection(port, path, signed[i % len(signed) :] + signed, until, measured) for i in range(connections))
    )
    return measured


async def _connection(
    port: int, path: str, signed: list[tuple[bytes, bytes]], until: float, measured: Measured
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    turn = 0
    while (start := time.perf_counter()) < until:
        body, signature = signed[turn % len(signed)]
        turn += 1
        writer.write(request(path, body, signature) + body)
        status = await _answer(reader)
        measured.latencies_ms.append((time.perf_counter() - start) * 1000)
        measured.answers += 1
        measured.not_2xx += not 200 <= status < 300
    writer.close()


def request(path: str, body: bytes, signature: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {uuid.uuid4()}\r\nX-Hub-Signature-256: "
    )
    return head.encode() + signature + b"\r\n\r\n"


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    status = int(lines[0].split(b" ")[1])
    if b"transfer-encoding: chunked" in lines:
        while (size := int(await reader.readline(), 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
        return status
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)
    await reader.readexactly(length)
    return status
