"""Batches of usage on their way into the ledger: little enough of them waits, accounts take turns, and what came for an account
meanwhile is committed together. Each is answered after its commit.

A turn is short, so that whoever else writes to the database is next: on SQLite there is one writer.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec

from attribution.protocol import Receipt
from bot import ingest
from bot.clock import Clock
from bot.keys import Sender
from bot.repository_settings import OperatorSettings
from bot.store.database import Database
from bot.trampoline import DaemonThreads

# Of all accounts together, in memory.
MOST_WAITING_BYTES = 32 * 1024 * 1024
# What a small request takes besides its body.
LEAST_BYTES = 64 * 1024
# When somebody who was refused may come again: by then as much as may wait has been saved.
RETRY_AFTER_SECONDS = 5
# One turn of an account: some hundredths of a second.
_TURN_BYTES = 512 * 1024
# On PostgreSQL an account that waits for a lock delays no other.
_MOST_TURNS = 4


class Busy(Exception):
    """As much waits already as this account may have waiting: it has to come again later."""


class _Arrival(msgspec.Struct, frozen=True):
    sender: Sender
    body: bytes
    answer: asyncio.Future[Receipt]


class Arrivals:
    """Belongs to one event loop."""

    def __init__(self, database: Database, operator: OperatorSettings, clock: Clock) -> None:
        self._database = database
        self._operator = operator
        self._clock = clock
        # Threads of their own: those of the event loop are for short answers.
        self._most_turns = _MOST_TURNS if database.is_postgresql else 1
        self._threads = DaemonThreads(self._most_turns, "ingest")
        self._waiting_bytes: Counter[int] = Counter()
        self._waiting: dict[int, deque[_Arrival]] = {}  # by account, the next turn first
        self._turns: dict[int, asyncio.Task[None]] = {}

    @contextmanager
    def room(self, account_id: int, size_bytes: int) -> Iterator[None]:
        """Room for a body until it is answered. Raises `Busy`.

        An account may have as much waiting as is left for others: alone it gets half of all, beside nine that want as much a
        tenth, and whoever comes new finds room.
        """
        size, waiting = max(size_bytes, LEAST_BYTES), self._waiting_bytes
        if waiting[account_id] + size > MOST_WAITING_BYTES - waiting.total():
            raise Busy
        waiting[account_id] += size
        try:
            yield
        finally:
            waiting[account_id] -= size
            if not waiting[account_id]:
                del waiting[account_id]

    async def save(self, sender: Sender, body: bytes) -> Receipt:
        """Returns once what the batch says is in the ledger. Raises `BadBatch`, `Revoked`, and what the database raised."""
        arrival = _Arrival(sender, body, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(sender.account_id, deque()).append(arrival)
        self._start_turns()
        try:
            return await arrival.answer
        except asyncio.CancelledError:  # nobody waits for it any more, and its room is free again
            with suppress(KeyError, ValueError):  # its turn has begun
                self._waiting[sender.account_id].remove(arrival)
            raise

    def _start_turns(self) -> None:
        for account_id in [account_id for account_id in self._waiting if account_id not in self._turns]:
            if len(self._turns) < self._most_turns:
                self._turns[account_id] = asyncio.create_task(self._turn(account_id, self._next_of(account_id)))

    def _next_of(self, account_id: int) -> list[_Arrival]:
        """What the account saves in one turn. The rest waits for the next."""
        queue, arrivals, size = self._waiting.pop(account_id), list[_Arrival](), 0
        while queue and (not arrivals or size + len(queue[0].body) <= _TURN_BYTES):
            arrivals.append(queue.popleft())
            size += len(arrivals[-1].body)
        if queue:
            self._waiting[account_id] = queue
        return arrivals

    async def _turn(self, account_id: int, arrivals: Sequence[_Arrival]) -> None:
        bodies = [(arrival.sender, arrival.body) for arrival in arrivals]
        turn = asyncio.get_running_loop().run_in_executor(
            self._threads, ingest.receive, self._database, self._operator, self._clock, account_id, bodies
        )
        await asyncio.wait([turn])
        error = turn.exception()
        answers = [error] * len(arrivals) if error else turn.result()
        for arrival, answer in zip(arrivals, answers, strict=True):
            if arrival.answer.done():  # the client went away
                continue
            if isinstance(answer, Receipt):
                arrival.answer.set_result(answer)
            else:
                arrival.answer.set_exception(answer)
        del self._turns[account_id]
        if account_id in self._waiting:  # what came meanwhile is behind those who wait already
            self._waiting[account_id] = self._waiting.pop(account_id)
        self._start_turns()
