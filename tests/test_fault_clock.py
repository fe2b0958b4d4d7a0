"""Faults of the clock (numbers as in `tests/faults.py`): set back two hours, the bot goes on within a minute."""

import threading

import httpx
import pytest

from bot.context import Outside
from bot.repository_settings import OperatorSettings
from bot.runner import ClockSetBack, Runner
from bot.settings import Settings
from bot.store import accounts as account_store
from bot.work import far_futures, queue
from bot.work.queue import LEASE_MS, Kind, Work
from tests.databases import Worlds
from tests.patience import DEADLOCK_SECONDS
from tests.server import NOON
from tests.test_fault_github import HOUR_MS, MINUTE_MS, work_until
from tests.test_publish_story import about_to_comment, ours
from tests.webhooks.test_health import SIGNING, Watched
from tests.world import World


@pytest.fixture
def ready(worlds: Worlds) -> World:
    return worlds.after(about_to_comment)


def test_a_clock_set_back_two_hours_stops_no_writes(ready: World):
    ready.settle()
    ready.work("09:30 feat/a $1.00", "s2")
    queue.claim(ready.database, ready.now_ms, 10)  # by a worker that dies
    with ready.database.write() as connection:
        account_store.take_write_turn(connection, ready.org.id, ready.now_ms, 1000)
        account_store.pause(connection, ready.org.id, ready.now_ms + MINUTE_MS, ready.now_ms)
    ready.now_ms -= 2 * HOUR_MS
    work_until(ready, ready.now_ms + 5 * MINUTE_MS)
    (body,) = ours(ready)
    assert "$2.00" in body


def test_a_clock_set_forward_does_nothing_twice(ready: World):
    ready.settle()
    ready.now_ms += 2 * HOUR_MS
    ready.tick()
    ready.now_ms -= 2 * HOUR_MS
    ready.tick()
    assert len(ours(ready)) == 1


def test_times_that_a_right_clock_wrote_stay(database):
    now, soon, later = 109_000, Work(Kind.COMMENT, 1, 2, 3), Work(Kind.SURVIVAL, 1, 2, 3)
    with database.write() as connection:
        account_store.save_account(database, connection, 1, "acme", 5, suspended=False)
        queue.request(connection, [soon], now + HOUR_MS)
        queue.request(connection, [later], now + 20 * 24 * HOUR_MS)
        queue.request(connection, [Work(Kind.PULL, 2, 2, 3)], 0)
        for second in range(110):
            account_store.take_write_turn(connection, 1, second * 1000, 1000)
        account_store.pause(connection, 1, now + HOUR_MS, now)
        before = account_store.account(connection, 1)
    (lease,) = queue.claim(database, now, 10)
    with database.write() as connection:
        far_futures.cut(connection, now)
        assert account_store.account(connection, 1) == before
        dues = [queue.next_due_at_ms(connection, work) for work in (soon, later, lease.work)]
    assert dues == [now + HOUR_MS, now + 20 * 24 * HOUR_MS, now + LEASE_MS]


def test_the_worker_begins_anew_when_its_clock_was_set_back(database, tmp_path):
    """Its timers are of the clock before; work that waits for a time of then is due now."""
    github, now, seconds = Watched(), [NOON], [0.0]
    settings = Settings(data_dir=tmp_path, database_url="(given)", public_url="https://mergecost.example")
    outside = Outside(github_transport=httpx.ASGITransport(github))
    runner = Runner(settings, OperatorSettings(), database, lambda: now[0], outside, seconds=lambda: seconds[0])
    problems, again = list[str](), threading.Event()

    async def no_pause(_seconds: float) -> None:
        problems.append(runner.problem)
        again.set()

    runner._pause = no_pause
    runner.start(SIGNING)
    assert github.asked.wait(DEADLOCK_SECONDS)
    now[0] -= 2 * HOUR_MS
    assert again.wait(DEADLOCK_SECONDS)
    assert runner.stop(DEADLOCK_SECONDS)
    assert problems == [f"the worker ended with {ClockSetBack.__name__} and begins anew in 1 s"]
