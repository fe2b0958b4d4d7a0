from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from bot.store import tables


def test_the_migrations_make_exactly_the_tables_of_the_code(database):
    assert tables.Job.metadata is SQLModel.metadata
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_every_table_but_the_work_has_the_installation_in_its_key():
    keys = {name: [column.name for column in table.primary_key] for name, table in SQLModel.metadata.tables.items()}
    assert [name for name, key in keys.items() if "installation_id" not in key] == ["job"]


def test_migrating_twice_changes_nothing(database):
    database.migrate()
    database.migrate()
