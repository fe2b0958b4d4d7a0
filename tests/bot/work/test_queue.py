"""The queue on its own: coalescing, leases, fencing. Stories with crashes are in test_comment_story."""

import random
import threading

from sqlalchemy import select

from benchmarks.reads import counted
from bot.keys import RepositoryKey
from bot.store import accounts as account_store
from bot.work import queue
from bot.work.queue import LEASE_MS, LONGEST_RETRY_MS, MAX_ATTEMPTS, Kind, Share, Work
from tests.databases import open_database

PULL = Work(Kind.PULL, 1, 2, 3)


def request(database, *work, at=0):
    with database.write() as connection:
        queue.request(connection, work, at)


def due(database):
    with database.read() as connection:
        return queue.next_due_at_ms(connection)


def test_ten_requests_are_one_piece_of_work(database):
    for _ in range(10):
        request(database, PULL)
    (lease,) = queue.claim(database, 0, 5)
    assert (lease.work, lease.request_count) == (PULL, 10)
    assert queue.claim(database, 0, 5) == []
    assert queue.finish(database, lease)
    assert queue.claim(database, LEASE_MS * 2, 5) == []


def test_what_is_requested_while_it_is_worked_on_is_done_again(database):
    request(database, PULL)
    (lease,) = queue.claim(database, 0, 5)
    request(database, PULL)
    queue.finish(database, lease)
    assert [again.request_count for again in queue.claim(database, 0, 5)] == [2]


def test_the_earliest_request_decides_when(database):
    request(database, PULL, at=500)
    request(database, PULL, at=100)
    request(database, PULL, at=900)
    assert due(database) == 100
    assert queue.claim(database, 99, 5) == []
    (lease,) = queue.claim(database, 100, 5)
    queue.finish(database, lease)
    request(database, PULL, at=2000)
    assert due(database) == 2000


def test_what_ends_in_a_write_waits_for_its_accounts_turn(database):
    with database.write() as connection:
        account_store.save_account(database, connection, 1, "acme", 5, suspended=False)
        account_store.take_write_turn(connection, 1, 0, 1000)
    comment, elsewhere = Work(Kind.COMMENT, 1, 2, 3), Work(Kind.COMMENT, 9, 2, 3)
    request(database, PULL, comment, elsewhere)
    assert sorted(lease.work.kind for lease in queue.claim(database, 999, 5)) == [Kind.COMMENT, Kind.PULL]
    assert due(database) == 1000
    assert [lease.work for lease in queue.claim(database, 1000, 5)] == [comment]


def test_a_claim_takes_a_little_of_every_account_and_what_is_oldest_of_it(database):
    request(database, *(Work(Kind.PULL, 1, 2, number) for number in range(1, 50)), at=5)
    request(database, Work(Kind.PULL, 1, 2, 99), at=1)
    request(database, Work(Kind.PULL, 7, 2, 3), at=9)
    leases = queue.claim(database, 10, 3, Share(few=2))
    assert sorted((lease.account_id, lease.work.number) for lease in leases) == [(1, 1), (1, 99), (7, 3)]
    assert [lease.account_id for lease in queue.claim(database, 10, 1, Share(few=2, busy=[1]))] == []
    request(database, Work(Kind.PULL, 8, 2, 3), at=9)
    assert [lease.account_id for lease in queue.claim(database, 10, 9, Share(few=2, busy=[1]))] == [8]


def test_a_long_queue_of_one_kind_delays_no_other_kind_of_its_account(database):
    request(database, *(Work(Kind.PULL, 1, 2, number) for number in range(1, 50)), at=1)
    request(database, Work(Kind.ATTRIBUTE, 1, 2), Work(Kind.COMMENT, 1, 2, 12), at=5)
    kinds = [lease.work.kind for lease in queue.claim(database, 10, 9, Share(few=4))]
    assert sorted(kinds) == [Kind.ATTRIBUTE, Kind.COMMENT, Kind.PULL, Kind.PULL]


def test_one_worker_at_a_time_has_what_an_account_writes(database):
    comments = [Work(Kind.COMMENT, 1, 2, number) for number in (1, 2)]
    request(database, *comments)
    (lease,) = queue.claim(database, 0, 1)
    request(database, PULL, Work(Kind.COMMENT, 9, 2, 3))
    others = queue.claim(database, 0, 5)
    assert sorted((other.account_id, other.work.kind) for other in others) == [(1, Kind.PULL), (9, Kind.COMMENT)]
    assert due(database) == LEASE_MS, "after a crash, when the lease has ended"
    queue.finish(database, lease)
    assert queue.claim(database, 0, 5, Share(writing=[1])) == []
    assert [other.work.number for other in queue.claim(database, 0, 5)] == [2]


def test_a_writer_may_be_claimed_some_time_before_its_turn(database):
    with database.write() as connection:
        account_store.save_account(database, connection, 1, "acme", 5, suspended=False)
        account_store.take_write_turn(connection, 1, 0, 1000)
    request(database, Work(Kind.COMMENT, 1, 2, 3))
    assert queue.claim(database, 199, 5, Share(lead_ms=800)) == []
    assert len(queue.claim(database, 200, 5, Share(lead_ms=800))) == 1


def test_leases_that_are_renewed_hold_and_lost_ones_stay_lost(database):
    request(database, PULL, Work(Kind.PULL, 1, 2, 4))
    lost, kept = queue.claim(database, 0, 5)
    queue.postpone(database, lost, 0)
    (again,) = queue.claim(database, 0, 1)
    queue.renew_all(database, [lost, kept], LEASE_MS - 1)
    assert [lease.work for lease in queue.claim(database, LEASE_MS, 5)] == [again.work]
    assert len(queue.claim(database, 2 * LEASE_MS, 5)) == 2


def test_a_worker_that_comes_back_late_changes_nothing(database):
    request(database, PULL)
    (late,) = queue.claim(database, 0, 5)
    (second,) = queue.claim(database, LEASE_MS, 5)
    assert second.token > late.token
    with database.write() as connection:
        assert queue.is_ours(connection, second)
        assert not queue.is_ours(connection, late)
    assert not queue.renew(database, late, LEASE_MS)
    assert not queue.finish(database, late)
    assert not queue.fail(database, late, "late", 0)
    assert queue.finish(database, second)


def test_failures_wait_longer_each_time_and_never_end(database):
    request(database, PULL)
    now, pauses = 0, []
    for _ in range(100):
        (lease,) = queue.claim(database, now, 5)
        queue.fail(database, lease, "no luck", now)
        pauses.append(due(database) - now)
        now += pauses[-1]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (5_000, LONGEST_RETRY_MS)


def test_what_is_refused_ends_after_ten_attempts_with_its_reason_and_the_sweep_asks_again_a_day_later(database):
    request(database, PULL)
    now, ends = 0, []
    while (at := due(database)) is not None:
        now = at
        (lease,) = queue.claim(database, now, 5)
        ends.append(queue.refuse(database, lease, "422 no", now))
    assert ends == [False] * (MAX_ATTEMPTS - 1) + [True]
    with database.read() as connection:
        assert connection.execute(select(queue.jobs.c.last_error)).scalar() == "422 no"

    def ask_again(key):
        with database.write() as connection:
            queue.request_refused(connection, key, now + 1, now + 1)
        return due(database)

    assert ask_again(RepositoryKey(1, 99)) is None, "another repository's"
    assert ask_again(PULL.repository) == now + 1
    (lease,) = queue.claim(database, now + 1, 5)
    queue.finish(database, lease)
    assert ask_again(PULL.repository) is None, "it is done"


def test_a_limited_account_waits_and_others_do_not(database):

    with database.write() as connection:
        account_store.save_account(database, connection, 1, "acme", 5, suspended=False)
        account_store.pause(connection, 1, 1000, 0)
    request(database, PULL, Work(Kind.PULL, 2, 2, 3))
    assert [lease.account_id for lease in queue.claim(database, 0, 5)] == [2]
    assert [lease.account_id for lease in queue.claim(database, 1000, 5)] == [1]


def test_the_work_of_an_account_without_an_installation_waits_until_it_has_one_again(database):
    with database.write() as connection:
        account_store.save_account(database, connection, 1, "acme", 5, suspended=False)
        account_store.remove_installation(connection, 1, 5)
    again = Work(Kind.ACCOUNT, 1, 0, 6)
    request(database, PULL)
    assert (due(database), queue.claim(database, 0, 5)) == (None, [])
    request(database, again)
    assert [lease.work for lease in queue.claim(database, 0, 5)] == [again]
    with database.write() as connection:
        account_store.save_account(database, connection, 1, "acme", 6, suspended=True)
    assert queue.claim(database, 0, 5) == []
    with database.write() as connection:
        account_store.save_account(database, connection, 1, "acme", 6, suspended=False)
    assert [lease.work for lease in queue.claim(database, 0, 5)] == [PULL]


def test_many_workers_never_hold_the_same_work_and_nothing_is_lost(database):
    """Four threads, half of which drop what they claimed, on thirty keys wanted all the time."""
    keys = [Work(Kind.PULL, 1, 1, number) for number in range(30)]
    running: set[Work] = set()
    overlaps: list[Work] = []
    guard = threading.Lock()
    clock = iter(range(0, 10**9, LEASE_MS // 50))

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(60):
            with guard:
                now = next(clock)
            request(database, *chance.sample(keys, 5), at=now)
            for lease in queue.claim(database, now, 4):
                if seed % 2:
                    continue  # this worker dies with it: the lease runs out
                with guard:
                    overlaps.extend({lease.work} & running)
                    running.add(lease.work)
                with guard:
                    running.discard(lease.work)
                queue.finish(database, lease)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == []
    now = next(clock) + LEASE_MS
    while leases := queue.claim(database, now, 50):
        for lease in leases:
            queue.finish(database, lease)
    assert due(database) is None


def test_a_claim_looks_at_as_much_however_many_pieces_wait(sqlite_databases):
    """Instructions that SQLite carries out: to pass over a row takes at least one."""

    def steps_with(pieces: int) -> int:
        with open_database(sqlite_databases.url(sqlite_databases.copy())) as database:
            request(database, *(Work(kind, 1, 2, n) for n in range(pieces) for kind in (Kind.PULL, Kind.COMMENT)))
            request(database, *(Work(Kind.SURVIVAL, 2, 3, number) for number in range(pieces)), at=1000)
            request(database, Work(Kind.PULL, 3, 4, 5))
            with counted(database) as reads:
                assert len(queue.claim(database, 10, 9, Share(few=4))) == 5
                queue.claim(database, 10, 9, Share(few=4, busy=[1]))
            return reads.steps

    assert abs(steps_with(1000) - steps_with(100)) < 100
