"""The worker in a thread and event loop of its own, so that slow work never delays an answer to a webhook."""

import asyncio
import threading

import httpx

from bot import schedule
from bot.clock import Clock
from bot.context import Bot
from bot.database import Database
from bot.github import GitHubApp
from bot.repository_settings import OperatorSettings
from bot.settings import AppCredentials, Settings
from bot.worker import run_forever


class Runner:
    """Start once the App's credentials are there; stop ends after the piece of work in hand."""

    def __init__(self, settings: Settings, operator: OperatorSettings, database: Database, clock: Clock) -> None:
        self._settings = settings
        self._operator = operator
        self._database = database
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    def start(self, credentials: AppCredentials, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(credentials, transport)), name="worker")
        self._thread.start()

    def stop(self, seconds: float = 20) -> None:
        if self._thread is None:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(seconds)

    async def _main(self, credentials: AppCredentials, transport: httpx.AsyncBaseTransport | None) -> None:
        self._loop = asyncio.get_running_loop()
        async with GitHubApp(self._settings, credentials, self._clock, transport) as github:
            bot = Bot(
                settings=self._settings,
                operator=self._operator,
                database=self._database,
                clock=self._clock,
                github=github,
            )
            ticker = schedule.start(self._database, self._clock)
            await run_forever(bot, self._stopped)
            ticker.shutdown(wait=False)
