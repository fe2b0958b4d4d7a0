"""Who waits for whom while much arrives: no time is measured, only who is admitted and whose turn it is."""

import asyncio
from contextlib import ExitStack

import pytest

from attribution.protocol import Receipt
from bot import ingest
from bot.arrivals import LEAST_BYTES, MOST_WAITING_BYTES, Arrivals, Busy
from bot.keys import Sender
from bot.repository_settings import OperatorSettings

MEGABYTE = 1024 * 1024


@pytest.fixture
def arrivals(database):
    return Arrivals(database, OperatorSettings(), lambda: 0)


def fill(arrivals, account_id, size_bytes, stack):
    """How many bodies of an account are admitted."""
    for count in range(10_000):
        try:
            stack.enter_context(arrivals.room(account_id, size_bytes))
        except Busy:
            return count
    raise AssertionError("without end")


def test_an_account_may_have_as_much_waiting_as_is_left_for_others(arrivals):
    with ExitStack() as stack:
        assert fill(arrivals, 1, MEGABYTE, stack) * MEGABYTE == MOST_WAITING_BYTES // 2
        assert fill(arrivals, 2, MEGABYTE, stack) == 8
        assert fill(arrivals, 1, MEGABYTE, stack) == 0
        assert fill(arrivals, 3, MEGABYTE, stack) == 4
    with ExitStack() as stack:  # what is answered makes room
        assert fill(arrivals, 1, MEGABYTE, stack) == 16


def test_small_requests_are_bounded_in_number(arrivals):
    with ExitStack() as stack:
        assert fill(arrivals, 1, 1, stack) * LEAST_BYTES == MOST_WAITING_BYTES // 2


def test_accounts_take_turns_and_what_came_meanwhile_is_saved_together(arrivals, monkeypatch):
    turns = []

    def receive(_database, _operator, _clock, account_id, bodies):
        turns.append((account_id, len(bodies)))
        return [Receipt(accepted=0, unchanged=0) for _ in bodies]

    async def story():
        big = b" " * 300_000
        arrivals._most_turns = 1
        await asyncio.gather(
            *(arrivals.save(Sender(1), big) for _ in range(3)),
            *(arrivals.save(Sender(2), b"{}") for _ in range(5)),
            arrivals.save(Sender(3), big),
        )

    monkeypatch.setattr(ingest, "receive", receive)
    asyncio.run(story())
    assert turns == [(1, 1), (2, 5), (3, 1), (1, 1), (1, 1)]


def test_a_failure_reaches_everybody_in_the_turn_and_the_next_turn_goes_on(arrivals, monkeypatch):
    failures = [OSError("first"), None]

    def receive(_database, _operator, _clock, _account_id, bodies):
        if error := failures.pop(0):
            raise error
        return [ingest.BadBatch("bad") for _ in bodies]

    async def story():
        return await asyncio.gather(
            *(arrivals.save(Sender(1), b"x" * 400_000) for _ in range(2)), return_exceptions=True
        )

    monkeypatch.setattr(ingest, "receive", receive)
    assert [type(error) for error in asyncio.run(story())] == [OSError, ingest.BadBatch]


def test_what_nobody_waits_for_any_more_takes_no_turn(arrivals, monkeypatch):
    saved = []

    def receive(_database, _operator, _clock, _account_id, bodies):
        saved.extend(bodies)
        return [Receipt(accepted=0, unchanged=0) for _ in bodies]

    async def story():
        first, gone = (asyncio.ensure_future(arrivals.save(Sender(1), body)) for body in (b"first", b"gone"))
        await asyncio.sleep(0)  # the turn of the first one has begun
        gone.cancel()
        await asyncio.gather(first, gone, return_exceptions=True)
        await arrivals.save(Sender(1), b"last")

    monkeypatch.setattr(ingest, "receive", receive)
    asyncio.run(story())
    assert [body for _, body in saved] == [b"first", b"last"]
