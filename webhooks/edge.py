"""What the routes share: settings, database, the App's credentials once they exist, and what takes in webhooks and usage."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, cast

import msgspec

from bot.arrivals import Arrivals
from bot.clock import Clock
from bot.login import Logins
from bot.repository_settings import OperatorSettings
from bot.runner import Runner
from bot.settings import AppCredentials, Settings
from bot.store.database import Database, Unavailable
from bot.trampoline import DaemonThreads
from bot.work.intake import Intake
from webhooks.body import Bodies

T = TypeVar("T")

# GitHub waits ten seconds for an answer:
# https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks#respond-within-10-seconds
ANSWER_SECONDS = 8.0
# Each may hold a body of 5 MB.
_MOST_WAITING = 32


class Edge(msgspec.Struct, kw_only=True):
    """One for a server. `threads` do what blocks, apart from the loop's own: so the process ends without waiting for a database
    that stalls. `last_delivery_at_ms` is when GitHub last delivered anything to this process, 0 before that. `setup` is who is
    making the App, `conversion` the newest attempt: it goes on when nobody waits for it any more."""

    settings: Settings
    operator: OperatorSettings
    database: Database
    clock: Clock
    intake: Intake
    arrivals: Arrivals
    runner: Runner
    logins: Logins
    credentials: AppCredentials | None
    threads: DaemonThreads
    transport: Any = None
    bodies: Bodies = msgspec.field(default_factory=Bodies)
    last_delivery_at_ms: int = 0
    started_at_ms: int = 0
    setup: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)
    conversion: asyncio.Future[Any] | None = None

    async def in_thread(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises `Unavailable` where too much waits already."""
        if self.threads.backlog >= _MOST_WAITING:
            raise Unavailable("too many requests wait for it")
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)


@asynccontextmanager
async def in_time(seconds: float | None = None) -> AsyncIterator[None]:
    """Raises `Unavailable` when what is within takes longer: whatever the database does, every request has its answer. What a
    thread has begun goes on, and may still be committed."""
    seconds = ANSWER_SECONDS if seconds is None else seconds
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable(f"no answer within {seconds} s") from None


def in_turn() -> AbstractAsyncContextManager[None]:
    """The same for what waits for its turn behind others': a collector waits a minute for its answer."""
    return in_time(5 * ANSWER_SECONDS)


def edge_of(scope: Mapping[str, Any]) -> Edge:
    """Of an ASGI scope, or a `Request`, which reads like its scope."""
    return cast("Edge", scope["app"].state.edge)
