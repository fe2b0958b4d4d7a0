"""Databases to test on. What takes long is built once for each kind of database; every test gets a copy.

databases = Databases(SQLite(folder))
url = databases.copy()
world = Worlds(databases, folder).after(build)
"""

import pickle
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psycopg
from sqlalchemy import Connection, Dialect, event

from bot.repository_settings import OperatorSettings
from bot.store.database import Database
from tests.world import World


class Store(Protocol):
    """Databases by name."""

    def url(self, name: str) -> str: ...

    def create(self, name: str) -> None: ...

    def copy(self, source: str, name: str) -> None:
        """Nobody may be connected to `source`."""
        ...

    def drop(self, name: str) -> None: ...


class SQLite:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}"

    def create(self, name: str) -> None:
        """SQLite makes the file."""

    def copy(self, source: str, name: str) -> None:
        shutil.copy(self._folder / source, self._folder / name)

    def drop(self, name: str) -> None:
        for path in self._folder.glob(f"{name}*"):  # with its journal
            path.unlink()


class PostgreSQL:
    """A server at an address such as `postgresql://user@host/postgres`."""

    def __init__(self, address: str) -> None:
        self._address = address

    def url(self, name: str) -> str:
        address, _, query = self._address.partition("?")
        return f"{address.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")

    def create(self, name: str) -> None:
        self._run(f'CREATE DATABASE "{name}"')

    def copy(self, source: str, name: str) -> None:
        # By files: the other way copies every page through the log, which takes several times as long.
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')

    def drop(self, name: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


class Snapshot(NamedTuple):
    """A world as a fixture left it: its database, and everything else, pickled."""

    name: str
    story: bytes


class Databases:
    """Databases of one kind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: set[str] = set()
        self._snapshots: dict[Any, Snapshot] = {}
        self._migrated = self._new_name()
        store.create(self._migrated)
        with open_database(store.url(self._migrated)) as database:
            database.migrate()

    def copy(self, source: str | None = None) -> str:
        """The name of a copy, of an empty migrated database by default."""
        name = self._new_name()
        self._store.copy(source or self._migrated, name)
        return name

    def url(self, name: str) -> str:
        return self._store.url(name)

    def drop(self, name: str) -> None:
        self._store.drop(name)
        self._names.discard(name)

    def snapshot(self, key: Any, build: Callable[[Database], bytes]) -> Snapshot:
        """What `build` makes of an empty database, made once for each key."""
        if key not in self._snapshots:
            name = self.copy()
            with open_database(self.url(name)) as database:
                story = build(database)
            self._snapshots[key] = Snapshot(name, story)
        return self._snapshots[key]

    def close(self) -> None:
        for name in list(self._names):
            self.drop(name)

    def _new_name(self) -> str:
        name = f"mergecost_test_{uuid.uuid4().hex[:12]}"
        self._names.add(name)
        return name


# What a statement is in SQL is the same in all databases of a kind: to compile it in every test takes a seventh of its time.
# Listeners of a dialect, such as `handle_error`, hear nothing of one engine alone; those of connections and statements do.
_dialects: dict[str, Dialect] = {}
_compiled_statements: dict[Any, Any] = {}


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    """A database that does not wait for the disk: nothing in a test has to outlast a power cut."""
    database = Database(url)

    @event.listens_for(database.engine, "engine_connect")
    def _(connection: Connection) -> None:
        connection.dialect = _dialects.setdefault(connection.dialect.name, connection.dialect)
        connection.execution_options(compiled_cache=_compiled_statements)

    if not database.is_postgresql:

        @event.listens_for(database.engine, "connect")
        def _(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA synchronous=OFF")

    try:
        yield database
    finally:
        database.close()


class Worlds:
    """The world of one test. `with` closes it, once its ledger was found to be right."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self._databases = databases
        self._folder = folder
        self._open = ExitStack()
        self._world: World | None = None

    def __enter__(self) -> "Worlds":
        return self

    def __exit__(self, *error: object) -> None:
        with self._open:
            if self._world is not None:
                assert self._world.ledger_errors() == []

    def world(self, operator: OperatorSettings | None = None) -> World:
        """The test's world; an untouched one, unless `after` has been called."""
        return self._world or self.after(_nothing, operator)

    def after(self, build: Callable[[World], object], operator: OperatorSettings | None = None) -> World:
        """A copy of a world to which `build` has happened. `build` runs once, and what it asserts is asserted then."""
        assert self._world is None, "a test has one world: ask for the one with a story first"

        def story(database: Database) -> bytes:
            with World(database, self._folder, operator=operator) as world:
                build(world)
                return pickle.dumps(world)

        name, pickled_story = self._databases.snapshot((build, repr(operator)), story)
        copy = self._databases.copy(name)
        self._open.callback(self._databases.drop, copy)
        database = self._open.enter_context(open_database(self._databases.url(copy)))
        self._world = self._open.enter_context(World.resume(pickled_story, database, self._folder))
        return self._world


def _nothing(world: World) -> None:
    """The App has been installed, and the bot has seen it."""
