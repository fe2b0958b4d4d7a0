"""Hands out the queue's work so that no account waits for another.

Each account has two lanes. In one its facts are read, commands run and figures written down, what is due at once in the order of
`Kind`, pieces of one kind together; the other then writes to GitHub, one piece after the other. The event loop waits for GitHub, a
few threads do the rest (`trampoline`).
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor
from itertools import groupby

from bot.context import Bot
from bot.store.database import Unavailable
from bot.trampoline import DaemonThreads, in_threads
from bot.work import queue
from bot.work.queue import LEASE_MS, WRITERS, Lease, Share
from bot.worker import ORDER, run

log = logging.getLogger(__name__)

# How long before its account's turn a writer begins to find out what to write, and then waits.
PATIENCE_MS = 800

_IN_HAND = 256
# Of each kind that is due one, and some more of the first.
_OF_ONE_ACCOUNT = 8
# Most that they do waits for each other: for Python's lock, or SQLite's.
_THREADS = 12
# Between two claims, so that one statement takes what has come together.
_GATHER_SECONDS = 0.03
_IDLE_SECONDS = 1.0
_RENEW_SECONDS = LEASE_MS / 5000


async def run_forever(bot: Bot, stopped: asyncio.Event, wake: asyncio.Event) -> None:
    """Work until `stopped` is set; what is being worked on is finished first. `wake` is set with `stopped`, and when there is new
    work: otherwise a look is taken every second."""
    # An error in any of it ends all of it: nothing goes on beside the worker that begins anew.
    with DaemonThreads(_THREADS, "work") as threads:
        dispatcher = _Dispatcher(bot, stopped, wake, threads)
        async with asyncio.TaskGroup() as group:
            renewal = group.create_task(dispatcher.renew_forever())
            async with asyncio.TaskGroup() as work:
                while not stopped.is_set():
                    wake.clear()
                    await dispatcher.hand_out(work)
                    await asyncio.sleep(_GATHER_SECONDS)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(wake.wait(), _IDLE_SECONDS)
            renewal.cancel()


class _Dispatcher:
    """`reading` and `writing`: accounts whose lane is in use. `in_hand`: leases of pieces that run or wait in a lane."""

    def __init__(self, bot: Bot, stopped: asyncio.Event, wake: asyncio.Event, threads: Executor) -> None:
        self._bot = bot
        self._stopped = stopped
        self._wake = wake
        self._threads = threads
        self._reading = set[int]()
        self._writing = set[int]()
        self._in_hand = set[Lease]()

    async def hand_out(self, group: asyncio.TaskGroup) -> None:
        """Claim what is due and may run now, and start it."""
        room = _IN_HAND - len(self._in_hand)
        # A writer waits for the facts that were due before it, not for those that come while it waits for its turn.
        share = Share(
            few=_OF_ONE_ACCOUNT,
            busy=frozenset(self._reading),
            writing=self._reading | self._writing,
            lead_ms=self._bot.patience_ms,
        )
        if room == 0:
            return
        loop = asyncio.get_running_loop()
        try:
            leases = await loop.run_in_executor(self._threads, self._claim, room, share)
        except Unavailable as error:  # everything requested is in the database and waits
            log.warning("%s", error)
            return
        by_account: dict[int, list[Lease]] = defaultdict(list)
        for lease in sorted(leases, key=lambda lease: ORDER[lease.work.kind]):
            by_account[lease.account_id].append(lease)
        for account_id, pieces in by_account.items():
            self._in_hand.update(pieces)
            group.create_task(self._work_off(account_id, pieces))

    async def renew_forever(self) -> None:
        """However long a piece takes or waits, its lease holds as long as this process lives."""
        # Those for work may all be waiting.
        loop, thread = asyncio.get_running_loop(), DaemonThreads(1, "renewal")
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            leases = list(self._in_hand)
            with contextlib.suppress(Unavailable):  # the next time, or not at all: then the leases end
                await loop.run_in_executor(thread, queue.renew_all, self._bot.database, leases, self._bot.clock())

    def _claim(self, room: int, share: Share) -> list[Lease]:
        return queue.claim(self._bot.database, self._bot.clock(), room, share)

    async def _work_off(self, account_id: int, pieces: Sequence[Lease]) -> None:
        facts = [lease for lease in pieces if lease.work.kind not in WRITERS]
        writers = [lease for lease in pieces if lease.work.kind in WRITERS]
        self._reading.update([account_id] if facts else [])
        self._writing.update([account_id] if writers else [])
        try:
            try:
                for _, same_kind in groupby(facts, key=lambda lease: lease.work.kind):
                    await asyncio.gather(*map(self._run, same_kind))
            finally:
                self._free(self._reading, account_id if facts else None)
            for lease in writers:
                await self._run(lease)
        finally:  # whatever happens, the lanes that this took are free again, and only those
            self._free(self._writing, account_id if writers else None)

    def _free(self, lane: set[int], account_id: int | None) -> None:
        if account_id is not None:
            lane.discard(account_id)
            self._wake.set()

    async def _run(self, lease: Lease) -> None:
        """One piece; when the process is to end, one that has not begun is given back."""
        bot = self._bot
        try:
            if self._stopped.is_set():
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._threads, queue.postpone, bot.database, lease, lease.claimed_at_ms)
            else:
                await in_threads(run(bot, lease), self._threads)
        except Unavailable as error:  # its lease brings it back
            log.warning("%s", error)
        finally:
            self._in_hand.discard(lease)
