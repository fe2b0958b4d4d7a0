"""How many records of usage a second enter the ledger, beside the bare limit: the same rows put into the same tables by the driver.

    python -m benchmarks.ingest [--database sqlite --database postgresql] [--records 50000] [--only rate|server]

rate: `ingest.receive` in this process, a batch at a time: what is new, and what is sent again.
server: `mergecost serve`, with ten developers who push their history at once over HTTP. Beside it webhooks, one after the other,
  and events of pull requests of another tenant, from each to its comment at a stub of GitHub; both without the push, too.

Rates are records for a second of the process's CPU time, the database's own not counted where it has a process of its own.
Exit status 1: a record was not taken, or a webhook was refused.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from sqlalchemy import Table, delete, select

from benchmarks.databases import database
from benchmarks.ingest.records import account, bodies
from benchmarks.webhooks.load import Measurement, deliveries, delivery_of, fire
from benchmarks.webhooks.servers import SECRET, Server, mergecost, running
from benchmarks.worker import teams
from benchmarks.worker.stub import Stub, listening
from bot import ingest
from bot.clock import system_clock
from bot.keys import Sender
from bot.repository_settings import OperatorSettings
from bot.store import ledger_tables, request_names
from bot.store.database import Database

DEVELOPERS = 10
# Another tenant, whose pull requests have no comment yet.
OTHER, _MOST_COMMENTS = 2, 400
_EVERY_SECONDS, _ALONE_SECONDS, _LONGEST_SECONDS = 1.5, 10, 60
_AT_ONCE = 500


class Rate(NamedTuple):
    """Records for a CPU second, and for a second."""

    cpu: float
    wall: float

    def __str__(self) -> str:
        return f"{self.cpu:>10,.0f} /CPU-s {self.wall:>10,.0f} /s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--records", type=int, default=50_000, help="of all developers together")
    parser.add_argument("--only", choices=["rate", "server"])
    options = parser.parse_args()
    faults = 0
    for kind in options.database or ["sqlite", "postgresql"]:
        if options.only != "server":
            with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as target:
                faults += _rate(target, bodies(0, options.records), options.records)
        if options.only != "rate":
            with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as target:
                faults += asyncio.run(_server(target, Path(folder), options.records // DEVELOPERS))
    return 1 if faults else 0


def _rate(target: Database, load: Sequence[bytes], count: int) -> int:
    account(target)
    name = target.engine.dialect.name
    _receive(target, bodies(1, _AT_ONCE))  # imports, prices and statements
    before = _counts(target)
    new = _measured(count, lambda: _receive(target, load))
    taken = _counts(target) - before
    again = _measured(count, lambda: _receive(target, load))
    print(f"{name:<12} new        {new}\n{name:<12} sent again {again}")
    print(f"{name:<12} bare limit {_measured(count, _bare(target))}   (the same rows by the driver)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<12} peak memory {peak:.0f} MiB, bodies included; taken {taken:,} of {count:,}", flush=True)
    return count - taken


def _receive(target: Database, load: Sequence[bytes]) -> None:
    for body in load:
        ingest.receive(target, OperatorSettings(), system_clock, 1, [(Sender(1), body)])


def _measured(count: int, work: Callable[[], object]) -> Rate:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Rate(count / (time.process_time() - cpu), count / (time.perf_counter() - wall))


def _counts(target: Database) -> int:
    with target.read() as connection:
        return len(connection.execute(select(ledger_tables.charges.c.charge_id)).all())


def _bare(target: Database) -> Callable[[], None]:
    """Puts back the rows that are there now: executemany on SQLite, COPY on PostgreSQL."""
    tables = (ledger_tables.origins, ledger_tables.charges, request_names.names)
    with target.write() as connection:
        rows = {of: [tuple(row) for row in connection.execute(select(of))] for of in tables}
        for of in tables:
            connection.execute(delete(of))

    def put() -> None:
        batches = max(len(rows[ledger_tables.charges]) // _AT_ONCE, 1)
        for i in range(batches):
            with target.write() as connection:
                driver: Any = connection.connection.driver_connection
                for of in tables:
                    _put(driver, of, rows[of][i::batches])

    return put


def _put(driver: Any, of: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    into = of.name + " (" + ", ".join(f'"{column.name}"' for column in of.c) + ")"
    if hasattr(driver, "executemany"):
        driver.executemany(f"INSERT INTO {into} VALUES ({', '.join('?' * len(of.c))})", rows)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


async def _server(target: Database, folder: Path, each: int) -> int:
    """Ten developers push, and GitHub delivers webhooks: how long each waits, and another tenant for its comments."""
    token = account(target)
    teams.fill(target, 1, _MOST_COMMENTS, first=OTHER)
    teams.reset(target)
    url = target.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    settings = folder / "mergecost.toml"
    settings.write_text("[defaults]\nsettle_seconds = 0\n")
    async with listening() as stub:
        environ = {
            "MERGECOST_DATABASE_URL": url, "MERGECOST_GITHUB_URL": stub.url, "MERGECOST_SETTINGS": str(settings),
        }  # fmt: skip
        with running(lambda folder: mergecost(folder, environ), folder) as server:
            await _until_ready(server)
            beside = _Beside(server, stub)
            await beside.measure(lambda seconds: seconds > _ALONE_SECONDS)  # connections, imports, tokens
            faults = await _phase(target, beside, "alone", None, 0)
            for what in ("new", "sent again"):
                histories = [bodies(developer, each) for developer in range(DEVELOPERS)]
                pushes = Measurement()
                pushing = asyncio.gather(*(_push(server, token, history, pushes) for history in histories))
                faults += await _phase(target, beside, what, pushing, each * DEVELOPERS)
                print(f"{'':<12} batches {_times(pushes)}  peak {server.memory_mib('VmHWM'):.0f} MiB", flush=True)
                faults += pushes.not_2xx
    return faults


async def _phase(
    target: Database, beside: "_Beside", what: str, pushing: "asyncio.Future[Any] | None", count: int
) -> int:
    """What others waited meanwhile: while the push goes on, or for some seconds without one."""
    cpu, start = beside.server.cpu_seconds(), time.perf_counter()
    webhooks, comments = await beside.measure(
        (lambda seconds: seconds > _ALONE_SECONDS) if pushing is None else (lambda _: pushing.done())
    )
    if pushing is not None:
        await pushing
    spent = beside.server.cpu_seconds() - cpu, time.perf_counter() - start
    rate = f"{Rate(count / spent[0], count / spent[1])}" if count else ""
    print(
        f"{target.engine.dialect.name:<12} server, {what:<10} {rate:<40} webhooks {_times(webhooks)}"
        f"  another tenant's comments {_times(comments)} ({len(comments.latencies_ms)})",
        flush=True,
    )
    return webhooks.not_2xx + comments.not_2xx


class _Beside:
    """What others ask of the server: webhooks, one after the other, and a comment now and then."""

    def __init__(self, server: Server, stub: Stub) -> None:
        self.server = server
        self._stub = stub
        self._load = deliveries(SECRET)
        self._numbers = iter(range(1, _MOST_COMMENTS + 1))

    async def measure(self, is_over: Callable[[float], bool]) -> tuple[Measurement, Measurement]:
        """Latencies of webhooks, and those from an event to its comment. `is_over` is asked with the seconds so far."""
        webhooks, comments, start = Measurement(), Measurement(), time.perf_counter()
        while not is_over(time.perf_counter() - start):
            await asyncio.gather(self._webhooks(webhooks), self._comment(comments))
        return webhooks, comments

    async def _webhooks(self, webhooks: Measurement) -> None:
        await fire(self.server.port, self.server.path, self._load, _EVERY_SECONDS, webhooks, connections=1)

    async def _comment(self, comments: Measurement) -> None:
        number, start = next(self._numbers), time.perf_counter()
        if any((OTHER, number) == write[:2] for write in self._stub.writes):
            raise SystemExit(f"nobody asked for the comment on {number}")
        event = [delivery_of(OTHER, number, SECRET)]
        await fire(self.server.port, self.server.path, event, 0, Measurement(), connections=1)
        while not any((OTHER, number) == write[:2] for write in self._stub.writes):
            if time.perf_counter() - start > _LONGEST_SECONDS:
                comments.not_2xx += 1
                return
            await asyncio.sleep(0.01)
        comments.latencies_ms.append((time.perf_counter() - start) * 1000)


def _times(measurement: Measurement) -> str:
    p50, p99 = measurement.percentile(0.5), measurement.percentile(0.99)
    return f"p50 {p50:.0f} p99 {p99:.0f} ms"


async def _push(server: Server, token: str, history: Sequence[bytes], measurement: Measurement) -> None:
    """As a collector does: the next batch once the one before is answered."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=300) as client:
        for body in history:
            start = time.perf_counter()
            answer = await client.post(f"http://127.0.0.1:{server.port}/v1/usage", content=body, headers=headers)
            measurement.latencies_ms.append((time.perf_counter() - start) * 1000)
            measurement.not_2xx += answer.status_code != 200


async def _until_ready(server: Server) -> None:
    async with httpx.AsyncClient() as client:
        while server.process.poll() is None:
            try:
                await client.get(f"http://127.0.0.1:{server.port}/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    sys.exit(main())
