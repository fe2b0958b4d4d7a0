"""Alembic's entry: runs on the connection that `bot.store.database` hands over, on SQLite and PostgreSQL alike."""

from alembic import context
from sqlmodel import SQLModel

from bot.store import tables  # noqa: F401  (fills the metadata)

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, transaction_per_migration=False)
context.run_migrations()
