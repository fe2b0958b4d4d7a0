"""How each database is connected to: limits of time, what a session is set to, and which connections are still good."""

import math
import os
import select
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError

# How long a transaction waits for another one's lock, for a connection of the pool, and for a server to take a new connection.
LOCK_SECONDS = 8
_POOL_SECONDS = 5
_IDLE_SECONDS = 1
_CONNECT_SECONDS = 3
# Longer than any statement of ours on a busy server; it ends one that nobody waits for any more.
_STATEMENT_SECONDS = 120
_IDLE_SINCE = "idle_since"


def engine_of(url: str) -> Engine:
    """Raises `ValueError` for any other database."""
    if url.startswith(("postgresql://", "postgres://")):
        return _postgresql("postgresql+psycopg://" + url.split("://", 1)[1])
    if url.startswith("sqlite:///"):
        return _sqlite(url)
    raise ValueError(
        f"the database URL must begin with sqlite:/// or postgresql://, it is {url.split('://', 1)[0]}://..."
    )


def _make_private(path: Path) -> None:
    """The database file is this user's alone, whatever the umask and whoever made it. SQLite makes `-wal` and `-shm` with its mode:
    https://sqlite.org/src/file?name=src/os_unix.c (findCreateFileMode). Raises `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for part in (path, *path.parent.glob(f"{path.name}-*")):
        with suppress(FileNotFoundError):  # another process has just put it away
            if part.stat().st_mode & 0o077:
                part.chmod(0o600)


# No statement of ours reads so much that workers of its own would pay, though PostgreSQL thinks so of many partitions.
# Shares are joined to charges month by month: else it reads whole months of charges to save itself a look-up in each.
# A plan for any parameters would look at every month, and remember how small tables were when it was made.
# https://www.postgresql.org/docs/current/runtime-config-query.html
# An acknowledgement means that the commit is on disk, also where the server is set to answer before
# (https://www.postgresql.org/docs/current/wal-async-commit.html); where it waits for more, as for a standby, it still does.
_POSTGRESQL_SESSION = f"""
    SELECT set_config('lock_timeout', '{LOCK_SECONDS}s', false), set_config('statement_timeout', '{_STATEMENT_SECONDS}s', false),
           set_config('idle_in_transaction_session_timeout', '{_STATEMENT_SECONDS}s', false),
           set_config('max_parallel_workers_per_gather', '0', false),
           set_config('enable_partitionwise_join', 'on', false),
           set_config('plan_cache_mode', 'force_custom_plan', false),
           CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END"""


def _postgresql(url: str) -> Engine:
    # A server that vanished without a word is missed after about as long as GitHub waits for an answer:
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
    network = {
        "connect_timeout": _CONNECT_SECONDS,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": 9_000,
    }
    engine = create_engine(url, connect_args=network, pool_size=12, max_overflow=6, pool_timeout=_POOL_SECONDS)
    _ping_idle(engine)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.execute(_POSTGRESQL_SESSION)
        connection.commit()

    return engine


def _ping_idle(engine: Engine) -> None:
    """A connection that nobody has used for a while, or to which the server has said something unasked, as it does where it ends
    one, is asked whether it is still good. `pool_pre_ping` would ask before each transaction, and most are a statement or two."""

    @event.listens_for(engine, "checkin")
    def _(_connection: Any, record: Any) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _(connection: Any, record: Any, _proxy: Any) -> None:
        is_idle = time.monotonic() - record.info.get(_IDLE_SINCE, math.inf) > _IDLE_SECONDS
        if is_idle or _has_said_something(connection):
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error


def _has_said_something(connection: psycopg.Connection) -> bool:
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    return bool(socket.poll(0))


def _sqlite(url: str) -> Engine:
    _make_private(Path(make_url(url).database or "mergecost.db"))
    engine = create_engine(
        url, connect_args={"timeout": LOCK_SECONDS}, pool_size=12, max_overflow=40, pool_timeout=_POOL_SECONDS
    )

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        # We begin transactions ourselves: https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # what we acknowledged survives a power cut

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
