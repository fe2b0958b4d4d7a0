"""Transactions that meet on PostgreSQL: none waits for one that waits for it, and if one is given up all the same, its work is
done again."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import event, select

from bot.context import Bot
from bot.github.pacing import take_turn
from bot.notify import Outbox
from bot.repository_settings import OperatorSettings
from bot.store import accounts as account_store
from bot.store.database import Database, Unavailable
from bot.work import queue
from bot.work.queue import Kind, Work
from tests.databases import Databases, open_database
from tests.patience import DEADLOCK_SECONDS
from tests.world import World

FIRST, SECOND = Work(Kind.COMMENT, 1, 2, 3), Work(Kind.PULL, 1, 2, 3)


@pytest.fixture
def database(postgresql_databases: Databases) -> Iterator[Database]:
    """PostgreSQL, where who waits in a circle is found out at once."""
    name = postgresql_databases.copy()
    with open_database(postgresql_databases.url(name)) as database:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET deadlock_timeout = 10')
        database.engine.dispose()
        yield database
    postgresql_databases.drop(name)


def both(*works: Callable[[], None]) -> list[Exception]:
    """Two threads; what they raised."""
    errors: list[Exception] = []

    def caught(work: Callable[[], None]) -> None:
        try:
            work()
        except Unavailable as error:
            errors.append(error)

    threads = [threading.Thread(target=caught, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK_SECONDS)
        assert not thread.is_alive()
    return errors


def test_rows_that_are_locked_in_two_orders_are_a_deadlock(database: Database):
    """What the next tests are about: PostgreSQL gives one of the two up, and we know it."""
    meeting = threading.Barrier(2, timeout=DEADLOCK_SECONDS)

    def locking(*pieces: Work) -> Callable[[], None]:
        def work() -> None:
            with database.write() as connection:
                for piece in pieces:
                    connection.execute(
                        select(queue.jobs.c.token).where(queue.jobs.c.kind == piece.kind).with_for_update()
                    )
                    if piece == pieces[0]:
                        meeting.wait()

        return work

    request(database, FIRST, SECOND)
    (error,) = both(locking(FIRST, SECOND), locking(SECOND, FIRST))
    assert isinstance(error, Unavailable)
    assert error.is_contention


@pytest.mark.parametrize(
    ("code", "is_contention"),
    [
        ("40001", True),  # serialization_failure
        ("40P01", True),  # deadlock_detected
        ("40003", False),  # statement_completion_unknown: it may have been done
        ("55P03", False),  # lock_not_available
        ("57014", False),  # query_canceled
    ],
)
def test_only_what_was_given_up_for_another_transaction_is_done_again_at_once(
    database: Database, code: str, is_contention: bool
):
    with pytest.raises(Unavailable) as refusal, database.write() as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$")
    assert refusal.value.is_contention == is_contention


def test_work_that_two_transactions_request_in_two_orders_is_requested_by_both(database: Database):
    meeting = threading.Barrier(2, timeout=DEADLOCK_SECONDS)

    def requesting(*pieces: Work) -> Callable[[], None]:
        def work() -> None:
            with database.write() as connection:
                queue.request(connection, pieces[:1], 0)
                meeting.wait()
                queue.request(connection, pieces[1:], 0)

        return work

    request(database, FIRST, SECOND)
    assert both(requesting(FIRST, SECOND), requesting(SECOND, FIRST)) == []
    assert sorted(lease.request_count for lease in queue.claim(database, 0, 5)) == [3, 3]


def test_leases_are_renewed_beside_a_transaction_that_has_some_of_their_rows(database: Database):
    """It goes on to request what is renewed, in the other order: what is locked just now is renewed the next time."""
    request(database, FIRST, SECOND)
    leases = {lease.work: lease for lease in queue.claim(database, 0, 5)}

    with database.write() as connection:
        assert queue.is_ours(connection, leases[SECOND])
        both(lambda: queue.renew_all(database, leases.values(), queue.LEASE_MS - 1))
        queue.request(connection, [FIRST], 0)
    again = queue.claim(database, queue.LEASE_MS, 5)
    assert [lease.work for lease in again] == [SECOND]


def test_a_turn_to_write_and_a_change_of_the_ledger_do_not_wait_for_each_other(database: Database):
    """Both need the account's row and one of the queue: each begins with the account's."""
    request(database, FIRST)
    (lease,) = queue.claim(database, 0, 5)
    with database.write() as connection:
        account_store.save_account(database, connection, 1, "acme", 5, suspended=False)
    has_account, wants_account = threading.Event(), threading.Event()

    @event.listens_for(database.engine, "before_cursor_execute")
    def _(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE account"):
            wants_account.set()

    def turn() -> None:
        assert has_account.wait(DEADLOCK_SECONDS)
        asyncio.run(take_turn(bot_of(database), lease))

    def change() -> None:
        with database.write() as connection:
            account_store.lock(connection, 1)
            has_account.set()
            assert wants_account.wait(DEADLOCK_SECONDS)
            queue.request(connection, [FIRST], 0)

    assert both(turn, change) == []


def bot_of(database: Database) -> Bot:
    return Bot(
        settings=cast(Any, None), operator=OperatorSettings(), database=database, clock=lambda: 10,
        github=cast(Any, None), outbox=Outbox(),
    )  # fmt: skip


def test_a_piece_of_work_that_postgresql_gives_up_is_done_again(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Somebody has a row of the queue that the piece needs at its end, and then asks for the account's, which the piece has."""
    with World(database, tmp_path) as world:
        world.open_pull(12, "feat/a")
        world.settle()
        comment = Work(Kind.COMMENT, world.org.id, world.repository.id, 12)
        has_row, arrival = threading.Event(), threading.Event()
        world.push("feat/a", "2222222:a.py")

        @event.listens_for(database.engine, "before_cursor_execute")
        def _(_connection, _cursor, statement, *_):
            if (
                threading.current_thread() is threading.main_thread()
                and "INSERT INTO job" in statement
                and has_row.is_set()
            ):
                arrival.set()

        def stand_in_the_way() -> None:
            with database.write() as connection:
                connection.exec_driver_sql("SET LOCAL deadlock_timeout = '1h'")  # the piece is given up, not this
                rows = select(queue.jobs.c.token).where(
                    queue.jobs.c.account_id == comment.account_id, queue.jobs.c.kind == comment.kind
                )
                assert connection.execute(rows.with_for_update()).all()
                has_row.set()
                assert arrival.wait(DEADLOCK_SECONDS)
                account_store.lock(connection, comment.account_id)

        thread = threading.Thread(target=stand_in_the_way, daemon=True)
        thread.start()
        assert has_row.wait(DEADLOCK_SECONDS)
        world.settle()
        thread.join(DEADLOCK_SECONDS)
        with database.read() as connection:
            jobs = connection.execute(select(queue.jobs).where(queue.jobs.c.kind == Kind.PULL)).all()
        assert caplog.text.count("is done again: deadlock detected") == 1
        assert "failed" not in caplog.text
        assert [(job.last_error, job.attempts, job.done_count == job.request_count) for job in jobs] == [("", 0, True)]


def request(database: Database, *work: Work) -> None:
    with database.write() as connection:
        queue.request(connection, work, 0)
