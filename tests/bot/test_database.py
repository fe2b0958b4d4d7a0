from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from bot.store import tables


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
