"""How much it costs to acknowledge a webhook, against probot on the same signed deliveries in one run.

    python -m benchmarks.webhooks [--seconds 8] [--rounds 3]

Ours commits what is wanted to disk (SQLite, synchronous=FULL) before it answers; the peer stores nothing. The figure to compare is
requests for each second of the server's CPU time, in the same round.
"""

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.webhooks.load import Measured, deliveries, fire
from tests.github.accounts import private_key
from tests.node import node, npm_ci
from tests.processes import free_port

FOLDER = Path(__file__).parent
SECRET = "a webhook secret"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A server process and how it answered."""

    name: str
    path: str
    port: int
    process: subprocess.Popen[bytes]
    cold_start_ms: float = 0

    def cpu_seconds(self) -> float:
        """CPU time of the process and all its children so far."""
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                words = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat.parent.name) == self.process.pid or int(words[1]) == self.process.pid:
                total += int(words[11]) + int(words[12])
        return total / TICKS

    def memory_mib(self, field: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    npm_ci(FOLDER)
    signed = deliveries(SECRET)
    with tempfile.TemporaryDirectory() as folder:
        servers = [_probot(), _ours(Path(folder))]
        try:
            accepted = {server.name: _wait(server, signed) for server in servers}
            idle = {server.name: server.memory_mib("VmRSS") for server in servers}
            ratios = []
            for number in range(1, options.rounds + 1):
                rates = {}
                for server in servers:
                    before = server.cpu_seconds()
                    seen = asyncio.run(fire(server.port, server.path, signed, options.seconds))
                    rates[server.name] = seen.answers / (server.cpu_seconds() - before)
                    print(_line(number, server, seen, rates[server.name], options.seconds))
                    accepted[server.name] += seen.answers - seen.not_2xx
                ratios.append(rates["mergecost"] / rates["probot"])
                print(f"round {number}: ours / probot, requests for a CPU second: {ratios[-1]:.2f}")
            for server in servers:
                memory = f"idle {idle[server.name]:.0f}, peak {server.memory_mib('VmHWM'):.0f} MiB"
                print(f"{server.name}: memory {memory}; cold start {server.cold_start_ms:.0f} ms")
            print(f"on disk: {_wanted(Path(folder))} wishes for {accepted['mergecost']} accepted deliveries")
        finally:
            for server in servers:
                server.process.kill()
                server.process.wait()
    return 0


def _line(number: int, server: Server, seen: Measured, rate: float, seconds: float) -> str:
    return (
        f"round {number}: {server.name:<10} {rate:7.0f} requests/CPU-s  {seen.answers / seconds:7.0f}/s  "
        f"p50 {seen.percentile(0.5):5.1f} ms  p99 {seen.percentile(0.99):5.1f} ms  not 2xx: {seen.not_2xx}"
    )


def _probot() -> Server:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "NODE_ENV": "production",
        "LOG_LEVEL": "warn",
        "APP_ID": "1",
        "PRIVATE_KEY": private_key(0),
        "WEBHOOK_SECRET": SECRET,
        "PORT": str(port),
    }
    command = [node(), "node_modules/probot/bin/probot.js", "run", "./noop.cjs"]
    return Server("probot", "/api/github/webhooks", port, subprocess.Popen(command, cwd=FOLDER, env=environ))


def _ours(folder: Path) -> Server:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.webhooks.ours", str(port), str(folder), SECRET]
    return Server("mergecost", "/webhooks/github", port, subprocess.Popen(command, cwd=FOLDER.parent.parent))


def _wait(server: Server, signed: list[tuple[bytes, bytes]]) -> int:
    """Until it accepts its first delivery. Returns how many it has accepted then."""
    start = time.perf_counter()
    while time.perf_counter() - start < 30:
        try:
            seen = asyncio.run(fire(server.port, server.path, signed[:1], 0.01, connections=1))
        except OSError:
            seen = Measured()
        if accepted := seen.answers - seen.not_2xx:
            server.cold_start_ms = (time.perf_counter() - start) * 1000
            return accepted
        time.sleep(0.005)
    raise SystemExit(f"{server.name} did not start")


def _wanted(folder: Path) -> int:
    with sqlite3.connect(folder / "mergecost.db") as connection:
        return connection.execute("SELECT sum(wanted) FROM job").fetchone()[0]


if __name__ == "__main__":
    sys.exit(main())
