"""The ticker: every replica has one, and none of them decides anything. The only user of APScheduler.

A tick asks for the next hourly sweep, and for the weekly issues that are due and have no row; the tables make it one of each,
whatever the number of replicas, restarts or missed ticks.
"""

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot import weekly
from bot.clock import Clock
from bot.repository_settings import OperatorSettings
from bot.store import weeks as week_store
from bot.store.database import Database
from bot.work import queue
from bot.work.queue import Wanted

SWEEP_MS = 3_600_000
SWEEP = Wanted("installations", "0")


def start(database: Database, operator: OperatorSettings, clock: Clock) -> AsyncIOScheduler:
    """Sweep now, then tick every minute on the running loop. GitHub does not redeliver: sweeps find what was missed."""
    _want(database, clock(), clock())
    with database.write() as connection:
        week_store.forget_due(connection)
    scheduler = AsyncIOScheduler(timezone="UTC")
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(tick, "interval", args=(database, operator, clock), minutes=1, **options)
    scheduler.start()
    return scheduler


def tick(database: Database, operator: OperatorSettings, clock: Clock) -> None:
    """Have the sweep of the next full hour wanted, and every weekly issue that is due."""
    now_ms = clock()
    _want(database, now_ms, now_ms - now_ms % SWEEP_MS + SWEEP_MS)
    weekly.want_due(database, operator, clock)


def _want(database: Database, now_ms: int, run_at_ms: int) -> None:
    with database.write() as connection:
        due = queue.next_due_at_ms(connection, SWEEP)
        if due is None or run_at_ms < due:
            queue.want(database, connection, {SWEEP: 1}, max(run_at_ms, now_ms))
