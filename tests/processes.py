"""Real processes and real sockets, for what only they can show: a server killed with SIGKILL, and the emulator's deliveries."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from bot.store import tokens as token_store
from bot.store.database import Database
from tests.patience import DEADLOCK_SECONDS
from webhooks.serve import options

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def serving_asgi(app: Any) -> Iterator[str]:
    """An ASGI app on a loopback port, served as ours is; gives its address."""
    port = free_port()
    settings = options("127.0.0.1", port) | {"log_level": "error", "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    start = threading.Event()

    class Watched(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            start.set()

    server.__class__ = Watched
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert start.wait(DEADLOCK_SECONDS), "the server did not start"
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(DEADLOCK_SECONDS)


class MergecostProcess:
    """`mergecost serve`, as an operator runs it."""

    def __init__(self, environ: dict[str, str], log: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self._log = log.open("ab")
        # Nothing of the shell's own settings; paths as they are.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MERGECOST_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "collector.command", "serve", "--port", str(self.port)],
            cwd=ROOT,
            env=clean | environ,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def make_token(self, database: Database, account_id: int) -> str:
        """A collector's token, once the server has read who installed its App."""
        with database.write() as connection:
            return token_store.new(connection, account_id, "a laptop", 0)

    def stop(self) -> int:
        """SIGTERM: it finishes what it has in hand. Returns its exit status."""
        self.process.terminate()
        status = self.process.wait(DEADLOCK_SECONDS)
        self._log.close()
        return status

    def wait(self) -> int:
        """It ends by itself. Returns its exit status."""
        status = self.process.wait(DEADLOCK_SECONDS)
        self._log.close()
        return status

    def kill(self) -> None:
        """SIGKILL: it finishes nothing."""
        self.process.kill()
        self.process.wait(DEADLOCK_SECONDS)
        self._log.close()
