"""Bodies on their way: whoever stalls is let go, and all together never take more than the budget."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import hurry
from webhooks import body as body_module
from webhooks.body import Bodies, Limits, Refusal

LIMITS = Limits(25_000, seconds=10, too_large="send less")


class Sender:
    """The other end of a request: its pieces come when the test says so."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[dict] = asyncio.Queue()
        self.is_taken = asyncio.Event()

    def send(self, body: bytes, more_body: bool = True) -> None:
        self.messages.put_nowait({"type": "http.request", "body": body, "more_body": more_body})

    def go_away(self) -> None:
        self.messages.put_nowait({"type": "http.disconnect"})

    def request(self, bodies: Bodies, *, is_known: bool = False, headers=None) -> asyncio.Task:
        """What the server makes of it: the body, or the status of the refusal."""

        async def read() -> bytes | int:
            try:
                async with bodies.read(headers or {}, self.messages.get, LIMITS, is_known=is_known) as body:
                    await self.is_taken.wait()
                    return body
            except Refusal as refusal:
                return refusal.status

        return asyncio.create_task(read())


async def turn() -> None:
    """Everything that can happen without time happens."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_body_that_stalls_is_let_go_and_its_memory_is_free():
    async def story():
        bodies, sender = Bodies(), Sender()
        request = sender.request(bodies)
        sender.send(b"x" * 24_000)
        await turn()
        assert bodies.size_bytes == 24_000
        assert await request == 408
        assert bodies.size_bytes == 0

    hurry.run(story())


def test_a_body_that_never_begins_is_let_go():
    async def story():
        assert await Sender().request(Bodies()) == 408

    hurry.run(story())


def test_much_of_strangers_comes_at_a_pace_and_little_of_them_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(body_module, "UNPACED_BYTES", 2_000)
    monkeypatch.setattr(body_module, "PACE_BYTES_A_SECOND", 10_000)

    def sending(bodies: Bodies, size_bytes: int, *, is_known: bool = False) -> asyncio.Task:
        sender = Sender()
        sender.is_taken.set()
        for _ in range(size_bytes // 1_000 - 1):
            sender.send(b"x" * 1_000)
        sender.send(b"x" * 1_000, more_body=False)
        return sender.request(bodies, is_known=is_known)

    async def story():
        loop, bodies = asyncio.get_running_loop(), Bodies()
        assert isinstance(loop, hurry.HurriedLoop)
        large = [sending(bodies, 20_000) for _ in range(2)]
        await turn()
        assert len(await sending(bodies, 2_000)) == 2_000
        assert len(await sending(bodies, 20_000, is_known=True)) == 20_000
        assert loop.slept_seconds == 0
        assert [len(await each) for each in large] == [20_000, 20_000]
        assert 3.5 <= loop.slept_seconds < 4.5

    hurry.run(story())


def test_all_bodies_share_one_budget_and_the_longest_on_its_way_goes_first():
    async def story():
        bodies = Bodies(budget_bytes=64_000)
        senders = [Sender() for _ in range(80)]
        requests = []
        for sender in senders:
            requests.append(sender.request(bodies))
            sender.send(b"x" * 24_000)
            await turn()
            assert bodies.size_bytes <= 64_000
        quick = Sender()
        quick.is_taken.set()
        quick.send(b"in time", more_body=False)
        assert await quick.request(bodies) == b"in time"
        assert [request.done() and request.result() for request in requests] == [503] * 78 + [False] * 2
        assert [await request for request in requests[-2:]] == [408, 408]
        assert bodies.size_bytes == 0

    hurry.run(story())


def test_whose_sender_is_known_stays_while_strangers_come():
    async def story():
        bodies = Bodies(budget_bytes=64_000)
        known, strangers = Sender(), [Sender() for _ in range(10)]
        known.is_taken.set()
        request = known.request(bodies, is_known=True)
        known.send(b"k" * 20_000)
        await turn()
        refused = [stranger.request(bodies) for stranger in strangers]
        for stranger in strangers:
            stranger.send(b"x" * 24_000)
        await turn()
        known.send(b"!", more_body=False)
        assert await request == b"k" * 20_000 + b"!"
        assert sorted([await request for request in refused]) == [408] + [503] * 9

    hurry.run(story())


def test_what_is_being_worked_on_counts_and_is_never_taken_away():
    async def story():
        bodies = Bodies(budget_bytes=64_000)
        working = [Sender() for _ in range(3)]
        requests = [sender.request(bodies) for sender in working]
        for sender in working:
            sender.send(b"x" * 20_000, more_body=False)
        await turn()
        late = Sender()
        late.send(b"x" * 5_000, more_body=False)
        assert await late.request(bodies) == 503
        for sender in working:
            sender.is_taken.set()
        assert [await request for request in requests] == [b"x" * 20_000] * 3
        assert bodies.size_bytes == 0

    hurry.run(story())


def test_so_many_may_be_on_their_way_and_one_more_takes_the_place_of_the_slowest():
    async def story():
        bodies = Bodies(most_at_once=5)
        senders = [Sender() for _ in range(6)]
        requests = [sender.request(bodies) for sender in senders]
        await turn()
        assert [request.done() for request in requests] == [True] + [False] * 5
        assert requests[0].result() == 503
        for request in requests[1:]:
            assert await request == 408

    hurry.run(story())


@pytest.mark.parametrize("length", [b"25001", b"9" * 5000])
def test_what_says_that_it_is_too_large_is_not_read(length):
    async def story():
        sender = Sender()
        assert await sender.request(Bodies(), headers={b"content-length": length}) == 413
        assert sender.messages.empty()

    hurry.run(story())


def test_who_goes_away_leaves_nothing_behind():
    async def story():
        bodies, sender = Bodies(), Sender()
        request = sender.request(bodies)
        sender.send(b"x" * 100)
        sender.go_away()
        assert await request == 400
        assert bodies.size_bytes == 0

    hurry.run(story())


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9_000), st.booleans()), max_size=40),
    st.sets(st.integers(0, 3)),
)
def test_whatever_comes_in_which_order_the_budget_holds_and_every_request_ends(steps, known):
    async def story():
        bodies = Bodies(budget_bytes=20_000, most_at_once=3)
        senders = [Sender() for _ in range(4)]
        for sender in senders:
            sender.is_taken.set()
        requests = [sender.request(bodies, is_known=number in known) for number, sender in enumerate(senders)]
        for number, size_bytes, more_body in steps:
            senders[number].send(b"x" * size_bytes, more_body)
            await turn()
            assert bodies.size_bytes <= 20_000
        answers = await asyncio.gather(*requests)
        assert all(isinstance(answer, bytes) or answer in (408, 413, 503) for answer in answers)
        assert bodies.size_bytes == 0

    hurry.run(story())
