"""What strangers, and people with a token, do to a server. Each goes on until `stop`; what it needs of GitHub it does there."""

import asyncio
import contextlib
import gzip
import json
import multiprocessing
import threading
import time
from collections.abc import Awaitable, Callable
from multiprocessing.synchronize import Event as Stop

import httpx

from benchmarks.attacks.place import PULLS, Place, record

Attack = Callable[[Place, Stop], None]
_SPAWN = multiprocessing.get_context("spawn")
_HEAD = (
    "POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n"
    "X-GitHub-Event: push\r\nX-Hub-Signature-256: sha256={proof}\r\n\r\n"
)
_BODY_BYTES = 25 * 1024 * 1024
_DEEP = "[" * 100_000 + "]" * 100_000
_LATE = "9999-12-31T23:59:59.999Z"


def line_ends(place: Place, stop: Stop) -> None:
    """Ten public pull requests whose text is 65,000 line ends."""
    for number in range(100, 110):
        place.open_pull(place.host, number, "\n" * 65_000)
    place.deliver()
    stop.wait()


def html_comments(place: Place, stop: Stop) -> None:
    """Ten comments of 16,000 opened HTML comments, with a command."""
    for number in range(1, 11):
        place.github.comment(place.host, number % PULLS + 1, "<!--" * 16_000 + "\n/mergecost off", place.mallory)
    place.deliver()
    stop.wait()


def commands(place: Place, stop: Stop) -> None:
    """70 commands of a stranger in a public repository, one by one."""
    for _ in range(70):
        place.github.comment(place.host, 1, "/mergecost off\n" * 20, place.mallory)
        place.deliver()
    stop.wait()


def settings(place: Place, stop: Stop) -> None:
    """Pull requests of repositories whose settings hold `.nan`, times and merge keys."""
    number = 200
    while not stop.wait(0.5):
        for repository in (place.nan, place.merge):
            place.open_pull(repository, number)
        number += 1
        place.deliver()


def invented(place: Place, stop: Stop) -> None:
    """100 records of as many tokens as a record may have, again and again."""
    turn = 0
    while not stop.wait(0.5):
        turn += 1
        place.send(place.token, [record("attacked/host", "feat/1", f"i{turn}-{i}", 10**9) for i in range(100)])


def bodies(place: Place, stop: Stop) -> None:
    """80 connections that send 24 of 25 MB, signed by nobody, and wait."""
    _elsewhere(_slow_bodies, place, stop)


def connections(place: Place, stop: Stop) -> None:
    """1,300 connections that never finish the head of a request."""
    _elsewhere(_half_open, place, stop)


def deep_json(place: Place, stop: Stop) -> None:
    """Batches of 100,000 levels, and of many."""
    _nonsense(place, stop, f'{{"requests": [{_DEEP}]}}', "[" * (4 * 1024 * 1024))


def large_ids(place: Place, stop: Stop) -> None:
    """Numbers of 2^63 and above in records and in paths."""
    one = record("attacked/host", "feat/1", "large", 1) | {"tokens": {"uncached_input": 2**63, "output": 10**400}}
    _nonsense(place, stop, json.dumps({"requests": [one] * 200}))


def late_years(place: Place, stop: Stop) -> None:
    """Requests of the year 9999."""
    one = record("attacked/host", "feat/1", "late", 1) | {"at": _LATE}
    _nonsense(place, stop, json.dumps({"requests": [one] * 500}))


def bad_text(place: Place, stop: Stop) -> None:
    """Bodies that are not UTF-8."""
    _nonsense(
        place, stop, json.dumps({"requests": [record("attacked/host", "a", "b", 1)] * 500}).encode() + b"\xff\xfe"
    )


def gzip_bombs(place: Place, stop: Stop) -> None:
    """500 MB of nothing in 500 KB, at a door that takes no gzip."""
    bomb = gzip.compress(b"[" * (500 * 1024 * 1024), 9)
    _nonsense(place, stop, bomb, encoding="gzip")


ATTACKS: tuple[Attack, ...] = (
    line_ends, html_comments, commands, settings, bodies, connections, deep_json, large_ids, late_years, bad_text, gzip_bombs,
    invented,
)  # fmt: skip


def _nonsense(place: Place, stop: Stop, *bodies: str | bytes, encoding: str = "identity") -> None:
    """Four at a time, as fast as the server answers."""
    raw = [body if isinstance(body, bytes) else body.encode() for body in bodies]
    url = f"{place.server.url}/v1/usage"
    processes = [_SPAWN.Process(target=_post, args=(url, place.token, raw, encoding, stop)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def _post(url: str, token: str, bodies: list[bytes], encoding: str, stop: Stop) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Encoding": encoding, "Content-Type": "application/json"}
    with httpx.Client(timeout=60) as client:
        while not stop.is_set():
            for body in bodies:
                with contextlib.suppress(httpx.HTTPError):
                    status = client.post(url, content=body, headers=headers).status_code
                    if status >= 500 and status != 503:
                        raise AssertionError(f"{status} for {body[:80]!r}")
            time.sleep(0.02)


def _elsewhere(attack: Callable[[int, Stop], Awaitable[None]], place: Place, stop: Stop) -> None:
    process = _SPAWN.Process(target=_run, args=(attack, place.server.port, stop))
    process.start()
    process.join()


def _run(attack: Callable[[int, Stop], Awaitable[None]], port: int, stop: Stop) -> None:
    asyncio.run(attack(port, stop))  # type: ignore[arg-type]


async def _slow_bodies(port: int, stop: Stop) -> None:
    head = _HEAD.format(size=_BODY_BYTES, proof="0" * 64).encode()

    async def one() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(head)
                for _ in range(24):
                    writer.write(b" " * 1024 * 1024)
                    await writer.drain()
                while not stop.is_set() and not writer.is_closing():
                    await asyncio.sleep(0.2)
                    writer.write(b" ")
                    await writer.drain()
            await asyncio.sleep(0.2)

    await _until(stop, one, 80)


async def _half_open(port: int, stop: Stop) -> None:
    async def one() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n")
                await reader.read()
                writer.close()
            await asyncio.sleep(0.5)

    await _until(stop, one, 1300)


async def _until(stop: Stop, work: Callable[[], Awaitable[None]], count: int) -> None:
    tasks = [asyncio.ensure_future(work()) for _ in range(count)]
    await asyncio.to_thread(stop.wait)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def begin(attack: Attack, place: Place) -> tuple[threading.Thread, Stop]:
    """In a thread; most go on in processes, so that they take no time of GitHub's."""
    stop = _SPAWN.Event()
    thread = threading.Thread(target=attack, args=(place, stop))
    thread.start()
    return thread, stop
