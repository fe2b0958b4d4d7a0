"""The two servers, each as its operator starts it, and what the kernel says they cost (Linux only: it reads /proc)."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec

from bot.store.database import Database
from tests.github.accounts import private_key
from tests.node import node
from tests.processes import free_port

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
SECRET = "a webhook secret"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A running server: where it takes webhooks, its process and when that was started (`time.perf_counter`)."""

    path: str
    port: int
    process: subprocess.Popen[bytes]
    start: float

    def cpu_seconds(self) -> float:
        """User and system time so far, of the process and of what descends from it, living or dead."""
        total = 0
        for pid in _tree(self.process.pid):
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(int(word) for word in words[11:15])
        return total / TICKS

    def memory_mib(self, field: str) -> float:
        """`VmRSS` (now) or `VmHWM` (peak), of the process and its descendants."""
        status = (Path(f"/proc/{pid}/status").read_text() for pid in _tree(self.process.pid))
        return sum(int(text.split(f"{field}:")[1].split()[0]) for text in status) / 1024


def probot(_folder: Path) -> Server:
    """One handler that does nothing; signatures are checked. Log level warn, as it logs every request otherwise."""
    settings = {"NODE_ENV": "production", "LOG_LEVEL": "warn", "APP_ID": "1", "WEBHOOK_SECRET": SECRET}
    command = [node(), "node_modules/probot/bin/probot.js", "run", "./noop.cjs"]
    port = free_port()
    environ = settings | {"PRIVATE_KEY": private_key(0), "PORT": str(port)}
    return _start("/api/github/webhooks", port, command, FOLDER, environ)


def mergecost(folder: Path, environ: Mapping[str, str] = MappingProxyType({})) -> Server:
    """`mergecost serve` with its worker, which looks for work every second and finds none: see `hold_back`."""
    settings = {
        "MERGECOST_DATA": str(folder),
        "MERGECOST_GITHUB_URL": "http://127.0.0.1:9",  # nothing listens there, should it call all the same
        "MERGECOST_APP_ID": "1",
        "MERGECOST_APP_SLUG": "mergecost",
        "MERGECOST_PRIVATE_KEY": private_key(0),
        "MERGECOST_WEBHOOK_SECRET": SECRET,
    }
    port = free_port()
    command = [sys.executable, "-m", "collector.command", "serve", "--port", str(port)]
    return _start("/webhooks/github", port, command, ROOT, {**settings, **environ})


def hold_back(folder: Path, body: bytes) -> None:
    """Make the database, and note that this delivery's account is suspended: what is wanted is kept, and waits.

    The peer's handler does nothing either. Account 0 is the hourly sweep's.
    """
    account_id = msgspec.json.decode(body)["repository"]["owner"]["id"]
    database = Database(f"sqlite:///{folder / 'mergecost.db'}")
    database.migrate()
    with database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO account (account_id, login, installation_id, suspended, next_write_at_ms, writes_spread_until_ms,"
            " not_before_ms, limit_pause_ms, ledger_checked_at_ms, ledger_errors)"
            " VALUES (?, '', 1, 1, 0, 0, 0, 0, 0, 0)",
            [(0,), (account_id,)],
        )
    database.close()


def pending_count(folder: Path) -> int:
    """How many deliveries the database holds."""
    with sqlite3.connect(folder / "mergecost.db") as connection:
        return connection.execute("SELECT coalesce(sum(request_count), 0) FROM job WHERE kind = 'pull'").fetchone()[0]


@contextmanager
def running(start: Callable[[Path], Server], folder: Path) -> Iterator[Server]:
    """A server for a while. It is killed, not stopped: what it has accepted must be on disk anyway."""
    server = start(folder)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


def machine_cpu_seconds() -> float:
    """Busy time of all cores so far: everything but idle and iowait."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    return (sum(map(int, words)) - int(words[3]) - int(words[4])) / TICKS


def _start(path: str, port: int, command: list[str], cwd: Path, environ: dict[str, str]) -> Server:
    environ = {"PATH": os.environ["PATH"]} | environ
    start = time.perf_counter()
    return Server(path, port, subprocess.Popen(command, cwd=cwd, env=environ, stdout=subprocess.DEVNULL), start)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree(int(child))
