"""Takes requested work from many requests at once and commits it together: an answer is given only after its commit.

One transaction at a time, with everything that came in during the one before and a moment after: under load the disk's cost is
shared.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor

from bot.clock import Clock
from bot.store.database import Database
from bot.work import queue
from bot.work.queue import Work

# Long enough for others to come along, and nothing beside the ten seconds that GitHub waits.
GATHER_SECONDS = 0.003


class Intake:
    """Belongs to one event loop. Commits in `threads`; `wake` is called after each commit."""

    def __init__(self, database: Database, clock: Clock, wake: Callable[[], None], threads: Executor) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._threads = threads
        self._waiting: dict[asyncio.Future[None], Work] = {}
        self._commits: asyncio.Task[None] | None = None

    async def request(self, work: Work) -> None:
        """Returns once `work` is durably requested. Raises `Unavailable`, and whatever else went wrong. Who stops waiting leaves
        nothing behind, so that nothing piles up while the database stalls; it may be committed all the same."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[committed] = work
        if self._commits is None or self._commits.done():
            self._commits = asyncio.create_task(self._commit_all())
        try:
            await committed
        finally:
            self._waiting.pop(committed, None)

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            batch, self._waiting = self._waiting, {}
            commit = loop.run_in_executor(self._threads, self._commit, Counter(batch.values()))
            await asyncio.wait([commit])
            error = commit.exception()
            self._wake()
            for committed in batch:
                if committed.done():  # the client went away, or was told to come again
                    continue
                if error is None:
                    committed.set_result(None)
                else:
                    committed.set_exception(error)

    def _commit(self, work: Counter[Work]) -> None:
        with self._database.write() as connection:
            queue.request_counts(connection, work, self._clock())
