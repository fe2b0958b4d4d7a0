from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from bot.store import tables
from bot.store.database import Database


def test_the_migrations_make_exactly_the_tables_of_the_code(database):
    assert tables.Job.metadata is SQLModel.metadata
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_the_account_leads_the_key_of_every_table():
    keys = {name: [column.name for column in table.primary_key] for name, table in SQLModel.metadata.tables.items()}
    assert [name for name, key in keys.items() if key[0] != "account_id"] == []


def test_migrating_twice_changes_nothing(database):
    database.migrate()
    database.migrate()


def test_what_was_acknowledged_is_on_the_disk(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/ours.db")
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
    database.close()
