import os
import stat

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from bot.store import tables
from bot.store.among import among
from bot.store.database import Database
from bot.store.request_names import names


def test_the_migrations_make_exactly_the_tables_of_the_code(database):
    assert tables.Job.metadata is SQLModel.metadata
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


# How far the App's own webhook is read: GitHub lists the deliveries of all accounts together.
OF_NO_ACCOUNT = {"webhook"}


def test_the_account_leads_the_key_of_every_table():
    keys = {name: [column.name for column in table.primary_key] for name, table in SQLModel.metadata.tables.items()}
    assert [name for name, key in keys.items() if key[0] != "account_id" and name not in OF_NO_ACCOUNT] == []


def test_migrating_twice_changes_nothing(database):
    database.migrate()
    database.migrate()


def test_a_list_is_of_its_columns_type():
    """PostgreSQL hashes no list of another type: it compares each row with each of its values, as long as a table is small."""
    lists = {
        str(among(names.c[name], "x").compile(dialect=postgresql.dialect())) for name in ("name_hash", "charge_id")
    }
    assert {text.rpartition(" AS ")[2] for text in lists} == {"INTEGER[]))", "BIGINT[]))"}


def test_what_was_acknowledged_is_on_the_disk(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/ours.db")
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
    database.close()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("made_before", [False, True])
def test_the_database_is_its_users_alone(tmp_path, umask, made_before):
    path = tmp_path / "folder" / "ours.db"
    if made_before:
        path.parent.mkdir()
        for name in ("ours.db", "ours.db-wal", "ours.db-shm"):
            path.with_name(name).touch(0o666)
            path.with_name(name).chmod(0o666)
    old = os.umask(umask)
    try:
        database = Database(f"sqlite:///{path}")
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE x (y)")
        modes = {part.name: stat.S_IMODE(part.stat().st_mode) for part in path.parent.iterdir()}
        database.close()
    finally:
        os.umask(old)
    assert modes == {"ours.db": 0o600, "ours.db-wal": 0o600, "ours.db-shm": 0o600}
    if not made_before:
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
