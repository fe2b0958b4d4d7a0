"""Takes requested work from many requests at once and commits it together: an answer is given only after its commit.

One transaction at a time, with everything that came in during the one before and a moment after: under load the disk's cost is
shared.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from bot.clock import Clock
from bot.store.database import Database
from bot.work import queue
from bot.work.queue import Work

# Long enough for others to come along, and nothing beside the ten seconds that GitHub waits.
GATHER_SECONDS = 0.003


class Intake:
    """Belongs to one event loop. `wake` is called after each commit."""

    def __init__(self, database: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._waiting: list[tuple[Work, asyncio.Future[None]]] = []
        self._commits: asyncio.Task[None] | None = None

    async def request(self, work: Work) -> None:
        """Returns once `work` is durably requested. Raises what the database raised."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, committed))
        if self._commits is None or self._commits.done():
            self._commits = asyncio.create_task(self._commit_all())
        await committed

    async def _commit_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            batch, self._waiting = self._waiting, []
            commit = asyncio.to_thread(self._commit, Counter(work for work, _ in batch))
            (failure,) = await asyncio.gather(commit, return_exceptions=True)  # whatever it is, all who wait hear of it
            self._wake()
            for _, committed in batch:
                if committed.done():  # the client went away
                    continue
                if failure is None:
                    committed.set_result(None)
                else:
                    committed.set_exception(failure)

    def _commit(self, work: Counter[Work]) -> None:
        with self._database.write() as connection:
            queue.request_counts(self._database, connection, work, self._clock())
