"""Accounts: what is asked of all of them each minute reads those alone that it concerns."""

from benchmarks.reads import counted
from bot.store import accounts as account_store
from bot.store.database import Database
from tests.databases import Databases, open_database


def with_accounts(database: Database, count: int, removed_before_ms: int) -> None:
    with database.write() as connection:
        for account_id in range(1, count + 1):
            account_store.save_account(database, connection, account_id, f"acme{account_id}", 1, suspended=False)
            account_store.keep_from(connection, account_id, removed_before_ms)
            account_store.note_removal(connection, account_id, removed_before_ms)


def due(database: Database, before_ms: int) -> list[int]:
    with database.read() as connection:
        return [account.account_id for account in account_store.due_for_removal(connection, before_ms)]


def test_accounts_are_due_for_removal_by_time_or_since_some_of_theirs_is_not_read(database: Database):
    with_accounts(database, 3, 1000)
    with database.write() as connection:
        account_store.note_removal(connection, 3, 900)
        account_store.keep_from(connection, 2, 1100)
    assert due(database, 0) == [2, 3]
    assert due(database, 1000) == [2, 3]
    assert due(database, 1001) == [1, 2, 3]


def test_nothing_to_remove_is_found_out_without_reading_every_account(sqlite_databases: Databases):
    """Instructions that SQLite carries out: to pass over a row takes at least one."""

    def steps_with(count: int) -> int:
        with open_database(sqlite_databases.url(sqlite_databases.copy())) as database:
            with_accounts(database, count, 1000)
            with counted(database) as reads:
                assert due(database, 1000) == []
            return reads.steps

    assert abs(steps_with(500) - steps_with(20)) < 20
