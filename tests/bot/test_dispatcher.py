"""Many pieces of work at once: who waits for whom, and what is left when the server stops."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select

from bot.dispatcher import run_forever
from bot.keys import RepositoryKey, Sender
from bot.store import requests as request_store
from bot.store.day_sums import changes_of
from bot.trampoline import DaemonThreads, in_threads, on_loop
from bot.work import queue
from bot.work.intake import Intake
from bot.work.queue import Kind, Work
from tests.databases import Worlds
from tests.github.faults import Gate
from tests.notation import session
from tests.patience import DEADLOCK_SECONDS
from tests.world import World

ACME_PULL = r"/repos/acme/widgets/pulls/12"
# What is written first for a pull request; its comment follows a second later.
ACME_CHECK, UMBRELLA_CHECK = r"/repos/acme/widgets/check-runs/\d+", r"/repos/umbrella/gadgets/check-runs/\d+"


def two_accounts(world: World) -> None:
    """Pull requests 12 and 13 of acme and 14 of umbrella have their comments, which are to be updated now."""
    umbrella = world.github.add_user("umbrella", type="Organization")
    gadgets = world.github.add_repository(umbrella, "gadgets")
    world.github.install(world.app, umbrella, [gadgets])
    for number, repository in ((12, world.repository), (13, world.repository), (14, gadgets)):
        world.open_pull(number, f"feat/{number}", repository=repository)
    for round_name in ("first", "second"):
        for number, repository in ((12, world.repository), (13, world.repository), (14, gadgets)):
            key = RepositoryKey(repository.owner.id, repository.id)
            usages = session(f"09:00 feat/{number} $1.00", f"{round_name}-{number}", repository=str(repository.id))
            with (
                world.database.write() as connection,
                changes_of(connection, key.account_id) as sums,
            ):
                request_store.save_usage(connection, Sender(key.account_id), usages, world.now_ms, sums)
                queue.request(connection, [Work(Kind.ATTRIBUTE, *key)], world.now_ms)
                queue.request(connection, [Work(Kind.COMMENT, *key, number)], world.now_ms + 60_000)
        if round_name == "first":
            world.settle()
    world.now_ms += 120_000


@pytest.fixture
def both(worlds: Worlds) -> World:
    return worlds.after(two_accounts)


async def arrival(gate: Gate) -> None:
    async with asyncio.timeout(DEADLOCK_SECONDS):
        await gate.arrival.wait()


@asynccontextmanager
async def working(world: World):
    """The worker as the server runs it; at the end it is stopped and has finished what it had in hand."""
    stopped, wake = asyncio.Event(), asyncio.Event()
    work = asyncio.create_task(run_forever(world.bots[0], stopped, wake))
    try:
        yield
    finally:
        stopped.set()
        wake.set()
    async with asyncio.timeout(DEADLOCK_SECONDS):
        await work


def acme_work(world: World, kind: Kind, number: int) -> Work:
    return Work(kind, world.org.id, world.repository.id, number)


def request(world: World, *work: Work) -> None:
    """Work that has waited for longer than all other."""
    with world.database.write() as connection:
        queue.request(connection, work, 0)


def test_an_account_whose_github_does_not_answer_delays_no_other(both: World):
    request(both, acme_work(both, Kind.PULL, 12))
    silence, check = both.github.hold_next("GET", ACME_PULL), both.github.hold_next("PATCH", UMBRELLA_CHECK)

    async def story() -> None:
        async with working(both):
            await arrival(silence)
            await arrival(check)
            assert not silence.release.is_set()
            check.release.set()
            silence.release.set()

    both.run(story())
    both.settle()
    assert "$2.00" in both.comment(12)


def test_what_an_account_writes_waits_for_the_facts_that_were_due_with_it(both: World):
    request(both, acme_work(both, Kind.PULL, 12))
    facts, elsewhere = both.github.hold_next("GET", ACME_PULL), both.github.hold_next("PATCH", UMBRELLA_CHECK)
    check = both.github.hold_next("PATCH", ACME_CHECK)

    async def story() -> None:
        async with working(both):
            await arrival(facts)
            await arrival(elsewhere)  # whose facts were there
            assert not check.arrival.is_set()
            facts.release.set()
            await arrival(check)
            check.release.set()
            elsewhere.release.set()

    both.run(story())


def test_a_stop_finishes_what_has_begun_and_gives_back_the_rest(both: World):
    check, before = both.github.hold_next("PATCH", ACME_CHECK), len(both.github.writes())

    async def story() -> None:
        async with working(both):
            await arrival(check)
            asyncio.get_running_loop().call_soon(check.release.set)

    both.run(story())
    writes = [write.path for write in both.github.writes()[before:]]
    assert len([path for path in writes if path.startswith("/repos/acme/")]) == 1
    with both.database.read() as connection:
        jobs = connection.execute(select(queue.jobs).where(queue.jobs.c.account_id == both.org.id)).all()
    assert [job for job in jobs if job.lease_until_ms] == []
    both.settle()
    assert all("$2.00" in both.comment(number) for number in (12, 13))


def test_an_error_of_the_worker_leaves_nothing_behind_that_goes_on(both: World, monkeypatch: pytest.MonkeyPatch):
    silence, claim = both.github.hold_next("PATCH", ACME_CHECK), queue.claim

    def claim_once(*arguments: Any) -> list[queue.Lease]:
        monkeypatch.setattr(queue, "claim", fail)
        return claim(*arguments)

    def fail(*_arguments: Any) -> list[queue.Lease]:
        if not silence.arrival.is_set():
            return []
        raise ZeroDivisionError

    monkeypatch.setattr(queue, "claim", claim_once)

    async def story() -> None:
        with pytest.raises(ExceptionGroup):
            await run_forever(both.bots[0], asyncio.Event(), asyncio.Event())
        await asyncio.sleep(0)  # for what was told to end and does
        assert asyncio.all_tasks() == {asyncio.current_task()}
        silence.release.set()

    both.run(story())
    monkeypatch.undo()
    both.settle()
    assert all("$2.00" in both.comment(number) for number in (12, 13))


def test_pieces_of_one_kind_run_together(both: World):
    request(both, acme_work(both, Kind.PULL, 12), acme_work(both, Kind.PULL, 13))
    pulls = [both.github.hold_next("GET", f"/repos/acme/widgets/pulls/{number}") for number in (12, 13)]

    async def story() -> None:
        async with working(both):
            for pull in pulls:
                await arrival(pull)
            for pull in pulls:
                pull.release.set()

    both.run(story())


def test_the_intake_wakes_the_worker_after_its_commit(database):
    seen: list[int | None] = []

    def look() -> None:
        with database.read() as connection:
            seen.append(queue.next_due_at_ms(connection))

    asyncio.run(Intake(database, lambda: 7, look, DaemonThreads(1, "test")).request(Work(Kind.PULL, 1, 2, 3)))
    assert seen == [7]


def run_in_threads(work: Callable[[list[Any]], Coroutine[Any, Any, None]]) -> list[Any]:
    notes: list[Any] = []
    asyncio.run(in_threads(work(notes), DaemonThreads(2, "test")))
    return notes


def test_work_runs_in_threads_and_its_calls_on_the_loop():
    async def work(notes: list[Any]) -> None:
        async def call() -> threading.Thread:
            await asyncio.sleep(0)
            return threading.current_thread()

        notes += [threading.current_thread(), await on_loop(call()), threading.current_thread()]

    before, during, after = run_in_threads(work)
    assert during is threading.main_thread()
    assert threading.main_thread() not in (before, after)


def test_the_error_of_a_call_is_raised_where_it_was_made():
    async def work(notes: list[Any]) -> None:
        async def call() -> None:
            raise LookupError("not there")

        try:
            await on_loop(call())
        except LookupError as error:
            notes.append(str(error))

    assert run_in_threads(work) == ["not there"]


def test_an_error_of_the_work_is_raised_on_the_loop():
    async def work(_notes: list[Any]) -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError):
        run_in_threads(work)
