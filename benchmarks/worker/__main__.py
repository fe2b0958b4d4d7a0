"""How many comments the worker writes, and whether one account waits for another, beside a GitHub that answers in 200 ms.

    python -m benchmarks.worker [--database sqlite --database postgresql] [--seconds 20] [--only rate|slow|queue] [--pieces 6000]

rate: 100 accounts with comments to write, one replica and four. GitHub allows one write a second for each account.
slow: ten accounts that ask for a comment now and then, without and with an eleventh whose GitHub takes 5 s.
queue: two replicas on PostgreSQL work off 6,000 waiting pieces of one repository, unpaced. Nothing may fail, and every pull request
    has its comment.

The bare limit is httpx against the same stub with nothing in between. Exit status 1: a piece of work failed.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
from sqlalchemy import func, select

from benchmarks.databases import database
from benchmarks.worker import teams
from benchmarks.worker.stub import LATENCY_SECONDS, Stub, listening
from bot.store.database import Database
from bot.work import queue
from bot.work.queue import Kind

ROOT = Path(__file__).parent.parent.parent
ACCOUNTS, PULLS = 100, 40
WARM_UP_SECONDS = 6.0
SLOW, OTHERS, SLOW_SECONDS = 11, 10, 5.0
# Each of the others asks for a comment so often, and so many times.
EVERY_SECONDS, TIMES = 2.0, 10
STRAGGLER_SECONDS = 60.0
QUEUE_SECONDS = 1800.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", choices=["rate", "slow", "queue"])
    parser.add_argument("--pieces", type=int, default=6000)
    options = parser.parse_args()
    kinds = options.database or ["sqlite", "postgresql"]
    return asyncio.run(_all(kinds, options.seconds, options.pieces, options.only))


async def _all(kinds: list[str], seconds: float, pieces: int, only: str | None) -> int:
    failures = 0
    async with listening() as stub:
        if only in (None, "rate"):
            await _bare(stub, seconds)
        for kind in kinds:
            with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as filled:
                url = filled.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
                if only in (None, "rate", "slow"):
                    teams.fill(filled, ACCOUNTS, PULLS)
                if only in (None, "rate"):
                    for replicas in (1, 4):
                        failures += await _rate(stub, filled, url, replicas, seconds)
                if only in (None, "slow"):
                    for is_slow in (False, True):
                        failures += await _slow(stub, filled, url, is_slow=is_slow)
            if kind == "postgresql" and only in (None, "queue"):
                with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as filled:
                    url = filled.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
                    failures += await _queue(stub, filled, url, pieces)
    return 1 if failures else 0


async def _bare(stub: Stub, seconds: float) -> None:
    """Look and write for each account, one write a second: what the worker does, without the worker."""
    until = time.perf_counter() + seconds + WARM_UP_SECONDS
    certificates = httpx.create_ssl_context()

    async def write(account_id: int) -> None:
        number, turn = 0, time.perf_counter()
        async with httpx.AsyncClient(base_url=f"{stub.url}/api/v3", verify=certificates) as client:
            while turn < until:
                path = f"/repos/o{account_id}/r/issues/{(number := number + 1)}/comments"
                await client.get(path)
                await asyncio.sleep(max(0.0, turn - time.perf_counter()))
                turn = time.perf_counter() + 1
                await client.post(path, json={"body": "text"})

    await _counted(stub, seconds, "bare limit: httpx alone", *map(write, range(1, ACCOUNTS + 1)))


async def _rate(stub: Stub, filled: Database, url: str, replicas: int, seconds: float) -> int:
    """Comments a second while every account has some to write."""
    teams.reset(filled)
    teams.request(
        filled, [(account_id, number) for account_id in range(1, ACCOUNTS + 1) for number in range(1, PULLS + 1)]
    )
    async with _running(url, stub, replicas):
        await _counted(stub, seconds, f"{filled.engine.dialect.name}, replicas: {replicas}")
    return _failures(filled)


async def _counted(stub: Stub, seconds: float, name: str, *load: object) -> None:
    tasks = [asyncio.ensure_future(each) for each in load]  # type: ignore[arg-type]
    await _until(lambda: bool(stub.writes), STRAGGLER_SECONDS)
    await asyncio.sleep(WARM_UP_SECONDS)
    before = len(stub.writes)
    start = time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (len(stub.writes) - before) / (time.perf_counter() - start)
    print(f"{name:<32} {rate:6.1f} comments/s", flush=True)
    await asyncio.gather(*tasks)


async def _slow(stub: Stub, filled: Database, url: str, *, is_slow: bool) -> int:
    """How long the others wait for their comments."""
    teams.reset(filled)
    stub.writes.clear()
    stub.latency_of[SLOW] = SLOW_SECONDS if is_slow else LATENCY_SECONDS
    async with _running(url, stub, 1):
        teams.request(filled, [(account_id, PULLS) for account_id in range(1, OTHERS + 1)])  # tokens and imports
        await _until(lambda: len(stub.writes) >= OTHERS, STRAGGLER_SECONDS)
        stub.writes.clear()
        if is_slow:
            teams.request(filled, [(SLOW, number) for number in range(1, PULLS + 1)])
        requested: dict[tuple[int, int], float] = {}
        for number in range(1, TIMES + 1):
            for account_id in range(1, OTHERS + 1):
                await asyncio.to_thread(teams.request, filled, [(account_id, number)])
                requested[account_id, number] = time.perf_counter()
                await asyncio.sleep(EVERY_SECONDS / OTHERS)
        await _until(lambda: requested.keys() <= _arrivals(stub).keys(), STRAGGLER_SECONDS)
    arrivals = _arrivals(stub)
    waits = sorted(arrivals[key] - at for key, at in requested.items() if key in arrivals)
    never = len(requested) - len(waits)
    waits += [float("inf")] * never
    p50, p95 = statistics.median(waits), waits[int(len(waits) * 0.95)]
    name = f"{filled.engine.dialect.name}, {'with' if is_slow else 'without'} a slow account"
    print(f"{name:<40} others wait p50 {p50:6.2f} s  p95 {p95:6.2f} s  never {never} of {len(requested)}", flush=True)
    del stub.latency_of[SLOW]
    return _failures(filled)


def _arrivals(stub: Stub) -> dict[tuple[int, int], float]:
    return {(account_id, number): at for account_id, number, at in reversed(stub.writes)}


async def _queue(stub: Stub, filled: Database, url: str, pieces: int) -> int:
    """Two replicas read all pull requests of one repository, attribute its sessions and write the comments."""
    teams.fill(filled, 1, pieces, is_read=False)
    teams.reset(filled)
    teams.request(filled, [(1, number) for number in range(1, pieces + 1)], Kind.PULL)
    teams.request(filled, [(1, 0)], Kind.ATTRIBUTE)
    stub.latency_of[1] = 0.0
    start = time.perf_counter()
    async with _running(url, stub, 2, "unpaced"):
        await _until(lambda: len(_arrivals(stub)) >= pieces or _failures(filled) > 0, QUEUE_SECONDS)
        seconds, comments = time.perf_counter() - start, len(_arrivals(stub))
        twice, failures = len(stub.writes) - comments, _failures(filled)
    waiting = sum(_waiting(filled, kind) for kind in (Kind.PULL, Kind.ATTRIBUTE, Kind.COMMENT))
    print(
        f"postgresql, two replicas: {pieces} pieces of one repository in {seconds:.0f} s, {comments} comments, {twice} twice, "
        f"failed {failures}, left {waiting}, load {os.getloadavg()[0]:.0f}"
    )
    return failures + twice + pieces - comments


def _waiting(filled: Database, kind: Kind) -> int:
    jobs = queue.jobs
    waiting = select(func.count()).where(jobs.c.done_count < jobs.c.request_count, jobs.c.kind == kind.value)
    with filled.read() as connection:
        return connection.execute(waiting).scalar_one()


def _failures(filled: Database) -> int:
    with filled.read() as connection:
        return connection.execute(select(func.count()).where(queue.jobs.c.last_error != "")).scalar_one()


async def _until(is_true: Callable[[], bool], seconds: float) -> None:
    until = time.perf_counter() + seconds
    while not is_true() and time.perf_counter() < until:  # noqa: ASYNC110 - the stub's notes and a database are no events
        await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def _running(url: str, stub: Stub, replicas: int, *options: str) -> AsyncIterator[None]:
    stub.writes.clear()
    command = [sys.executable, "-m", "benchmarks.worker.replica", url, stub.url, *options]
    pipe = asyncio.subprocess.PIPE
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
    processes = [
        await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=log)
        for _ in range(replicas)
    ]
    try:
        yield
    finally:
        answers = await asyncio.gather(*(process.communicate(b"") for process in processes))
        cpu_seconds = sum(float(answer) for answer, _ in answers)
        log.seek(0)
        errors = log.read().decode()
        print(
            f"    CPU of the replicas: {cpu_seconds:.1f} s, {cpu_seconds * 1000 / max(len(stub.writes), 1):.0f} ms a comment; "
            f"done again for contention: {errors.count('is done again')}; load {os.getloadavg()[0]:.0f}"
        )
        if "Traceback" in errors or "failed" in errors:
            print(errors[:5000], file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
