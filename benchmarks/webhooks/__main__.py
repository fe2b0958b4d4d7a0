"""What it costs to acknowledge a webhook, against probot on the same signed deliveries in one run.

    python -m benchmarks.webhooks [--seconds 10] [--rounds 3]

Ours is `mergecost serve`: it commits what is wanted to disk (SQLite, synchronous=FULL) before it answers; the peer stores nothing.
Each round starts both anew and loads them in turns, a second at a time, so that what else runs on the machine meets both alike.
Compare requests for a second of the server's CPU time, in the same round. Latencies are at saturation (closed loop): they
only compare, too. Exit status 1: something was refused, or what was accepted is not on disk.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.webhooks.load import Delivery, Measurement, deliveries, fire
from benchmarks.webhooks.servers import (
    FOLDER,
    SECRET,
    Server,
    hold_back,
    machine_cpu_seconds,
    mergecost,
    pending_count,
    probot,
    running,
)
from tests.node import npm_ci

SERVERS: dict[str, Callable[[Path], Server]] = {"probot": probot, "mergecost": mergecost}
SLICE_SECONDS = 1.0
WARM_UP_SECONDS = 2.0  # V8 compiles what is hot


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="of load for each server in each round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    npm_ci(FOLDER)
    load = deliveries(SECRET)
    faults = 0
    for number in range(1, options.rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            faults += _round(number, load, options.seconds, Path(folder))
    return 1 if faults else 0


@dataclass
class Tally:
    """One server in one round."""

    server: Server
    cold_start: str
    idle_mib: float
    main: Measurement = field(default_factory=Measurement)
    warm: Measurement = field(default_factory=Measurement)
    cpu_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.main.answers / self.cpu_seconds

    @property
    def refusals(self) -> int:
        return self.warm.not_2xx + self.main.not_2xx

    def load(self, load: list[Delivery]) -> None:
        cpu, start = self.server.cpu_seconds(), time.perf_counter()
        _load(self.server, load, SLICE_SECONDS, self.main)
        self.cpu_seconds += self.server.cpu_seconds() - cpu
        self.seconds += time.perf_counter() - start

    def __str__(self) -> str:
        return (
            f"{self.rate:6.0f} requests/CPU-s {self.main.answers / self.seconds:6.0f}/s"
            f"  p50 {self.main.percentile(0.5):4.1f}  p99 {self.main.percentile(0.99):5.1f} ms"
            f"  memory idle {self.idle_mib:.0f} peak {self.server.memory_mib('VmHWM'):.0f} MiB"
            f"  cold start {self.cold_start}  not 2xx {self.refusals}"
        )


def _round(number: int, load: list[Delivery], seconds: int, folder: Path) -> int:
    """Start both, warm up, load in turns, kill. Returns how many deliveries were refused or lost."""
    hold_back(folder, load[0].body)
    tallies: dict[str, Tally] = {}
    with ExitStack() as stack:
        for name in sorted(SERVERS, reverse=number % 2 == 1):
            server = stack.enter_context(running(SERVERS[name], folder))
            tallies[name] = Tally(server, _cold_start(server, load[0]), server.memory_mib("VmRSS"))
            _load(server, load, WARM_UP_SECONDS, tallies[name].warm)
        busy, start = machine_cpu_seconds() - time.process_time(), time.perf_counter()
        for _ in range(seconds):
            for tally in tallies.values():
                tally.load(load)
        busy = machine_cpu_seconds() - time.process_time() - busy - sum(tally.cpu_seconds for tally in tallies.values())
        for name, tally in tallies.items():
            print(f"round {number}: {name:<9} {tally}")
    ours, peer = tallies["mergecost"], tallies["probot"]
    accepted = 1 + ours.warm.answers + ours.main.answers - ours.refusals
    on_disk = pending_count(folder)
    elsewhere = busy / (time.perf_counter() - start)
    print(
        f"round {number}: killed; {on_disk} deliveries are on disk, {accepted} were accepted. Cores busy elsewhere: {elsewhere:.2f}"
    )
    print(f"round {number}: ours / probot, requests for a CPU second: {ours.rate / peer.rate:.2f}", flush=True)
    return ours.refusals + peer.refusals + abs(on_disk - accepted)


def _load(server: Server, load: list[Delivery], seconds: float, measurement: Measurement) -> None:
    uvloop.run(fire(server.port, server.path, load, seconds, measurement))


def _cold_start(server: Server, delivery: Delivery) -> str:
    """Time from the start of the process to the first delivery that it accepts."""
    while time.perf_counter() - server.start < 30 and server.process.poll() is None:
        measurement = Measurement()
        try:
            uvloop.run(fire(server.port, server.path, [delivery], 0, measurement, connections=1))
        except OSError:  # not listening yet
            time.sleep(0.002)
            continue
        if measurement.not_2xx == 0:
            wall = time.perf_counter() - server.start
            return f"{wall * 1000:.0f} ms, {server.cpu_seconds() * 1000:.0f} CPU-ms"
    raise SystemExit(f"the server did not start: {server.process.args}")


if __name__ == "__main__":
    sys.exit(main())
