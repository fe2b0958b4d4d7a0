"""The work table on its own: coalescing, leases, fencing. Stories with crashes are in test_comment_story."""

import random
import threading

from bot.store import accounts as account_store
from bot.work import queue
from bot.work.queue import LEASE_MS, MAX_ATTEMPTS, Wanted

PULL = Wanted("pull", "1/2/3")


def want(database, *work, at=0):
    with database.write() as connection:
        queue.want(database, connection, queue.once(work), at)


def due(database):
    with database.read() as connection:
        return queue.next_due_at_ms(connection)


def test_ten_wishes_are_one_piece_of_work(database):
    for _ in range(10):
        want(database, PULL)
    (one,) = queue.claim(database, 0, 5)
    assert (one.kind, one.ids, one.wanted) == ("pull", (1, 2, 3), 10)
    assert queue.claim(database, 0, 5) == []
    assert queue.finish(database, one)
    assert queue.claim(database, LEASE_MS * 2, 5) == []


def test_what_is_wanted_while_it_is_worked_on_is_done_again(database):
    want(database, PULL)
    (one,) = queue.claim(database, 0, 5)
    want(database, PULL)
    queue.finish(database, one)
    assert [again.wanted for again in queue.claim(database, 0, 5)] == [2]


def test_the_earliest_wish_decides_when(database):
    want(database, PULL, at=500)
    want(database, PULL, at=100)
    want(database, PULL, at=900)
    assert due(database) == 100
    assert queue.claim(database, 99, 5) == []
    (one,) = queue.claim(database, 100, 5)
    queue.finish(database, one)
    want(database, PULL, at=2000)
    assert due(database) == 2000


def test_what_ends_in_a_write_waits_for_its_installations_turn(database):
    with database.write() as connection:
        account_store.save_installation(database, connection, 1, "acme")
        account_store.take_write_turn(connection, 1, 0, 1000)
    comment, elsewhere = Wanted("comment", "1/2/3"), Wanted("comment", "9/2/3")
    want(database, PULL, comment, elsewhere)
    assert sorted(one.kind for one in queue.claim(database, 999, 5)) == ["comment", "pull"]
    assert due(database) == 1000
    assert [one.key for one in queue.claim(database, 1000, 5)] == ["1/2/3"]


def test_a_worker_that_comes_back_late_changes_nothing(database):
    want(database, PULL)
    (late,) = queue.claim(database, 0, 5)
    (second,) = queue.claim(database, LEASE_MS, 5)
    assert second.token > late.token
    with database.write() as connection:
        assert queue.is_ours(connection, second)
        assert not queue.is_ours(connection, late)
    assert not queue.renew(database, late, 0)
    assert not queue.finish(database, late)
    assert not queue.fail(database, late, "late", 0)
    assert queue.finish(database, second)


def test_failures_wait_longer_each_time_and_end(database):
    want(database, PULL)
    now, pauses = 0, []
    for _ in range(MAX_ATTEMPTS):
        (one,) = queue.claim(database, now, 5)
        queue.fail(database, one, "no luck", now)
        if (next_at := due(database)) is not None:
            pauses.append(next_at - now)
            now = next_at
    assert pauses == sorted(pauses)
    assert len(pauses) == MAX_ATTEMPTS - 1
    assert due(database) is None
    want(database, PULL, at=now)
    assert len(queue.claim(database, now, 5)) == 1


def test_a_limited_installation_waits_and_others_do_not(database):

    with database.write() as connection:
        account_store.save_installation(database, connection, 1, "acme")
        account_store.pause_installation(connection, 1, 1000)
    want(database, PULL, Wanted("pull", "2/2/3"))
    assert [one.key for one in queue.claim(database, 0, 5)] == ["2/2/3"]
    assert [one.key for one in queue.claim(database, 1000, 5)] == ["1/2/3"]


def test_many_workers_never_hold_the_same_work_and_nothing_is_lost(database):
    """Four threads, half of which drop what they claimed, on thirty keys wanted all the time."""
    keys = [Wanted("pull", f"1/1/{number}") for number in range(30)]
    running: set[str] = set()
    overlaps: list[str] = []
    guard = threading.Lock()
    clock = iter(range(0, 10**9, LEASE_MS // 50))

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(60):
            with guard:
                now = next(clock)
            want(database, *chance.sample(keys, 5), at=now)
            for one in queue.claim(database, now, 4):
                if seed % 2:
                    continue  # this worker dies with it: the lease runs out
                with guard:
                    overlaps.extend({one.key} & running)
                    running.add(one.key)
                with guard:
                    running.discard(one.key)
                queue.finish(database, one)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == []
    now = next(clock) + LEASE_MS
    while claimed := queue.claim(database, now, 50):
        for one in claimed:
            queue.finish(database, one)
    assert due(database) is None
