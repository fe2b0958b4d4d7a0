"""The worker in threads and an event loop of its own, so that slow work never delays an answer to a webhook."""

import asyncio
import contextlib
import threading

from bot import ticker
from bot.clock import Clock
from bot.context import Bot, Outside
from bot.dispatcher import PATIENCE_MS, run_forever
from bot.github.client import GitHubApp
from bot.repository_settings import OperatorSettings
from bot.settings import AppCredentials, Settings
from bot.store import accounts as account_store
from bot.store.database import Database


class Runner:
    """Start once the App's credentials are there; stop waits for the pieces of work in hand.

    The threads are daemons: work that outlasts the wait is cut off, and its lease brings it back, here or in another replica.
    """

    def __init__(
        self, settings: Settings, operator: OperatorSettings, database: Database, clock: Clock, outside: Outside
    ) -> None:
        self._settings = settings
        self._operator = operator
        self._database = database
        self._clock = clock
        self._outside = outside
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._wake = asyncio.Event()

    def start(self, credentials: AppCredentials) -> None:
        # Made here and not in the thread: a stop that comes before the thread has begun waits in the loop's queue.
        loop = self._loop = asyncio.new_event_loop()

        def work() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(self._main(credentials))

        self._thread = threading.Thread(target=work, name="worker", daemon=True)
        self._thread.start()

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
            running = ticker.start(self._database, self._operator, self._clock)
            try:
                await run_forever(bot, self._stopped, self._wake)
            finally:
                running.shutdown(wait=False)

    def _installation_of(self, account_id: int) -> int:
        with self._database.read() as connection:
            return account_store.installation_of(connection, account_id)
