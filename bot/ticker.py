"""The ticker: every replica has one, and none of them decides anything. The only user of APScheduler.

A tick asks for the next hourly sweep, for the weekly issues that are due and have no row, and for the nightly check of ledgers;
the tables make it one of each, whatever the number of replicas, restarts or missed ticks.
"""

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot import ledger_check, retention, weekly
from bot.clock import Clock, from_ms
from bot.repository_settings import OperatorSettings
from bot.store import months
from bot.store import repositories as repository_store
from bot.store.database import Database
from bot.work import far_futures, queue
from bot.work.queue import Kind, Work

SWEEP_MS = 3_600_000
SWEEP = Work(Kind.ACCOUNTS)


def start(database: Database, operator: OperatorSettings, clock: Clock) -> AsyncIOScheduler:
    """Tick every minute on the running loop."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(tick, "interval", args=(database, operator, clock), minutes=1, **options)
    scheduler.start()
    return scheduler


def look_at_all(database: Database, clock: Clock) -> None:
    """At the start, sweep now. GitHub does not redeliver: sweeps find what was missed."""
    with database.write() as connection:
        far_futures.cut(connection, clock())
    _request_sweep(database, clock(), clock())
    with database.write() as connection:
        repository_store.look_at_weeks_again(connection)


def tick(database: Database, operator: OperatorSettings, clock: Clock) -> None:
    """Request the sweep of the next full hour, every weekly issue that is due, the nightly check of ledgers, and the removal of
    months that are not kept; have room for the next month; and end waits that a wrong clock began."""
    now_ms = clock()
    with database.write() as connection:
        far_futures.cut(connection, now_ms)
    _request_sweep(database, now_ms, now_ms - now_ms % SWEEP_MS + SWEEP_MS)
    weekly.request_due(database, operator, clock)
    ledger_check.request_due(database, clock)
    retention.request_due(database, operator, clock)
    months.make_ahead(database, from_ms(now_ms))


def _request_sweep(database: Database, now_ms: int, run_at_ms: int) -> None:
    with database.write() as connection:
        due = queue.next_due_at_ms(connection, SWEEP)
        if due is None or run_at_ms < due:
            queue.request(connection, [SWEEP], max(run_at_ms, now_ms))
