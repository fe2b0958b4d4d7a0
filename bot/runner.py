"""The worker in threads and an event loop of its own, so that slow work never delays an answer to a webhook.

It is supervised: whatever ends it, it begins anew after a pause that grows, and says so meanwhile.
"""

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable

from bot import ticker
from bot.clock import Clock
from bot.context import Bot, Outside
from bot.dispatcher import PATIENCE_MS, run_forever
from bot.github.client import GitHubApp
from bot.repository_settings import OperatorSettings
from bot.settings import AppCredentials, Settings
from bot.store import accounts as account_store
from bot.store.database import Database

if sys.platform == "win32":  # uvloop, which takes half the CPU, does not exist there
    _new_loop = asyncio.new_event_loop
else:
    from uvloop import new_event_loop as _new_loop

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
# A loop that has not turned for so long never will: nothing on it takes a fraction of this.
_STUCK_SECONDS = 60.0
_SET_BACK_SECONDS = 60.0


class ClockSetBack(Exception):
    """The clock went back: what waits for a time of before must not."""


class Runner:
    """Start once the App's credentials are there; stop waits for the pieces of work in hand.

    The threads are daemons: work that outlasts the wait is cut off, and its lease brings it back, here or in another replica.
    """

    def __init__(
        self,
        settings: Settings,
        operator: OperatorSettings,
        database: Database,
        clock: Clock,
        outside: Outside,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._operator = operator
        self._database = database
        self._clock = clock
        self._outside = outside
        self._seconds = seconds
        self._turned_at = seconds()
        self._problem = "the worker has not begun"
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._wake = asyncio.Event()

    def start(self, credentials: AppCredentials) -> None:
        # Made here and not in the thread: a stop that comes before the thread has begun waits in the loop's queue.
        loop = self._loop = _new_loop()

        def work() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(self._supervise(credentials))

        self._thread = threading.Thread(target=work, name="worker", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str:
        """Why the worker does no work now; empty while it does."""
        return "the worker's loop is stuck" if self.is_stuck else self._problem

    @property
    def is_stuck(self) -> bool:
        """Whether only a new process helps."""
        has_begun = self._thread is not None
        return has_begun and not self._stopped.is_set() and self._seconds() - self._turned_at > _STUCK_SECONDS

    def stop(self, seconds: float = 20) -> bool:
        """Whether the worker has ended (or never began)."""
        if self._thread is None or self._loop is None:
            return True
        self._set(self._stopped)
        self.wake()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def wake(self) -> None:
        """There is new work: it is begun now and not at the next look. From any thread; nothing before the start."""
        self._set(self._wake)

    def _set(self, event: asyncio.Event) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: it ended by itself
            if self._loop is not None:
                self._loop.call_soon_threadsafe(event.set)

    async def _supervise(self, credentials: AppCredentials) -> None:
        self._turned_at = self._seconds()
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            start = self._seconds()
            try:
                async with asyncio.TaskGroup() as group:
                    beat = group.create_task(self._beat())
                    await self._main(credentials)
                    beat.cancel()
            except Exception as error:
                if self._seconds() - start > _LONGEST_PAUSE_SECONDS:
                    pause_seconds = _FIRST_PAUSE_SECONDS
                cause = _first(error)
                self._problem = f"the worker ended with {type(cause).__name__} and begins anew in {pause_seconds:.0f} s"
                log.exception("%s", self._problem)
                await self._pause(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        self._problem = "the worker was stopped"

    async def _pause(self, seconds: float) -> None:
        until = self._seconds() + seconds
        while not self._stopped.is_set() and self._seconds() < until:
            self._turned_at = self._seconds()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), 1)

    async def _beat(self) -> None:
        """Notes that the loop turns. Raises `ClockSetBack`: timers of the ticker and times in the queue are of the clock before."""
        ahead = self._clock() / 1000 - self._seconds()
        while True:
            self._turned_at = self._seconds()
            if self._clock() / 1000 - self._turned_at < ahead - _SET_BACK_SECONDS:
                raise ClockSetBack
            await asyncio.sleep(1)

    async def _main(self, credentials: AppCredentials) -> None:
        transport = self._outside.github_transport
        async with GitHubApp(self._settings, credentials, self._clock, self._installation_of, transport) as github:
            bot = Bot(
                settings=self._settings,
                operator=self._operator,
                database=self._database,
                clock=self._clock,
                github=github,
                outbox=self._outside.outbox,
                patience_ms=PATIENCE_MS,
            )
            await asyncio.to_thread(ticker.look_at_all, self._database, self._clock)
            running = ticker.start(self._database, self._operator, self._clock)
            self._problem = ""
            try:
                await run_forever(bot, self._stopped, self._wake)
            finally:
                running.shutdown(wait=False)

    def _installation_of(self, account_id: int) -> int:
        with self._database.read() as connection:
            return account_store.installation_of(connection, account_id)


def _first(error: BaseException) -> BaseException:
    """Of what a group of tasks raised, the first."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
