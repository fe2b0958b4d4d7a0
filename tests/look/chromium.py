"""A headless Chromium, driven over a pipe by the DevTools protocol: no port, no library, no network.

https://chromedevtools.github.io/devtools-protocol/ ; with `--remote-debugging-pipe` Chromium reads commands from file
descriptor 3 and writes answers to 4, each a JSON text that ends with a zero byte.
"""

import json
import os
import select
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
PATIENCE_SECONDS = 60


class ChromiumError(Exception):
    """Chromium is missing, ended early, or refused a command."""


@contextmanager
def start() -> Iterator["Chromium"]:
    """A fresh Chromium with one page, for use in a `with` statement; raises ChromiumError when there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise ChromiumError(
            "Chromium is not on the PATH. Debian: apt-get install chromium. macOS: brew install --cask chromium."
        )
    with tempfile.TemporaryDirectory(prefix="look-", ignore_cleanup_errors=True) as profile:
        process, commands, answers = _spawn(program, profile)
        try:
            yield Chromium(commands, answers)
        finally:
            os.close(commands)
            os.close(answers)
            os.kill(process, signal.SIGKILL)  # nothing in the profile is worth a slower end
            os.waitpid(process, 0)


def _spawn(program: str, profile: str) -> tuple[int, int, int]:
    """The process id, and our ends of the pipes: the one to write to and the one to read from."""
    # The first descriptor made is the lowest free one, so that putting it at 3 hides none of the others.
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    process = os.posix_spawn(
        program,
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, commands_out, 3),
            (os.POSIX_SPAWN_DUP2, answers_in, 4),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
    os.close(commands_out)
    os.close(answers_in)
    return process, commands_in, answers_out


class Chromium:
    """One page of a running Chromium."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._buffer = b""
        self._last_id = 0
        self._session: dict[str, str] = {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        self.call("Page.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends one command and waits for its answer; raises ChromiumError when there is none."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params, **self._session}
        try:
            os.write(self._commands, json.dumps(message).encode() + b"\0")
        except BrokenPipeError as error:
            raise ChromiumError(f"Chromium ended before {method}: does it start by hand?") from error
        while (answer := self._receive(method)).get("id") != self._last_id:
            pass  # an event
        if "error" in answer:
            raise ChromiumError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url: str) -> None:
        """Goes to a page and waits until it has loaded."""
        self.call("Page.navigate", url=url)
        while self._receive("Page.navigate").get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise ChromiumError(f"{script}: {answer['exceptionDetails']['exception']['description']}")
        return answer["result"].get("value")

    def _receive(self, method: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE_SECONDS)
            chunk = os.read(self._answers, 1 << 20) if ready else b""
            if not chunk:
                raise ChromiumError(f"Chromium {'ended' if ready else 'is silent'} at {method}: does it start by hand?")
            self._buffer += chunk
        first, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(first)
