"""Faults of the database (numbers as in `tests/faults.py`): nothing is acknowledged that is not committed, every request ends."""

import asyncio
import contextlib
import json
import random
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from sqlalchemy import event, text

from bot.settings import SettingsError
from bot.store import opening
from bot.store import tokens as token_store
from bot.store.database import Database, Unavailable
from bot.store.opening import opened
from bot.work import intake as intake_module
from bot.work import queue
from bot.work.intake import Intake
from bot.work.queue import Kind, Work
from tests.databases import Databases, open_database
from tests.notation import session
from tests.patience import DEADLOCK_SECONDS
from tests.server import NOON, Server, serving
from tests.webhooks.test_github import PULL
from webhooks import edge

USAGE = [json.loads(msgspec.json.encode(usage)) for usage in session("09:00 feat/a $1.00\n09:01 feat/a $0.25")]


@pytest.fixture
def server(database: Database, tmp_path: Path) -> Iterator[Server]:
    with serving(database, tmp_path / "data") as server:
        yield server


def both(server: Server, token: str) -> list[int]:
    """What a webhook and a push are answered."""
    return [server.deliver("pull_request", PULL).status_code, server.post_usage(token, *USAGE).status_code]


def spend(server: Server) -> int:
    with server.database.read() as connection:
        return connection.execute(text("SELECT sum(list_micros) FROM charge")).scalar()


def driver_error(database: Database) -> Exception:
    return database.engine.dialect.loaded_dbapi.OperationalError("server closed the connection unexpectedly")


@contextlib.contextmanager
def failing(database: Database, name: str, error: BaseException, identifier: Any = None) -> Iterator[None]:
    """Within, this event of the engine raises."""

    def fail(*_arguments: Any) -> None:
        raise error

    event.listen(identifier or database.engine, name, fail)
    try:
        yield
    finally:
        event.remove(identifier or database.engine, name, fail)


@pytest.mark.parametrize("moment", ["do_connect", "engine_connect", "before_cursor_execute", "commit"])
def test_a_database_that_is_away_is_a_503_and_all_is_well_afterwards(server: Server, moment: str):
    token = server.token(acme__widgets=34)
    server.database.engine.dispose()
    with failing(server.database, moment, driver_error(server.database)):
        assert both(server, token) == [503, 503]
        answer = server.deliver("pull_request", PULL)
        assert answer.headers["retry-after"] == "30"
        assert (
            server.send("GET", "/api/v1/repositories", headers={"Authorization": "Bearer mergecost_read_x"}).status_code
            == 503
        )
        assert server.send("GET", "/metrics").status_code == 503
    assert both(server, token) == [202, 200]
    assert (server.request_counts()["pull 7/34/12"], spend(server)) == (1, 1_250_000)


def test_a_pool_without_a_free_connection_is_a_503(server: Server, monkeypatch: pytest.MonkeyPatch):
    token = server.token(acme__widgets=34)
    pool = server.database.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0)
    with contextlib.ExitStack() as taken:
        for _ in range(pool.size() + pool._max_overflow):
            taken.enter_context(server.database.engine.connect())
        assert both(server, token) == [503, 503]
    assert both(server, token) == [202, 200]


def test_a_database_that_stalls_is_a_503_in_time_and_nothing_piles_up(server: Server, monkeypatch: pytest.MonkeyPatch):
    token = server.token(acme__widgets=34)
    release = threading.Event()

    def stall(*_arguments: Any) -> None:
        release.wait(DEADLOCK_SECONDS)

    event.listen(server.database.engine, "before_cursor_execute", stall)
    monkeypatch.setattr(edge, "ANSWER_SECONDS", 0.05)
    assert [both(server, token) for _ in range(25)] == [[503, 503]] * 25
    assert server.app.state.edge.intake._waiting == {}
    assert server.app.state.edge.threads.backlog <= edge._MOST_WAITING
    release.set()
    event.remove(server.database.engine, "before_cursor_execute", stall)
    monkeypatch.undo()
    assert both(server, token) == [202, 200]
    assert spend(server) == 1_250_000


def test_figures_of_a_database_that_stalls_are_a_503_in_time_and_nothing_piles_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    server.token(acme__widgets=34)
    with server.database.write() as connection:
        headers = {"Authorization": f"Bearer {token_store.new(connection, 1, 'a dashboard', NOON, 'read')}"}
    release = threading.Event()

    def stall(*_arguments: Any) -> None:
        release.wait(DEADLOCK_SECONDS)

    event.listen(server.database.engine, "before_cursor_execute", stall)
    monkeypatch.setattr(edge, "ANSWER_SECONDS", 0.05)
    answers = [server.send("GET", "/api/v1/repositories", headers=headers) for _ in range(edge._MOST_WAITING + 20)]
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "30")}
    assert server.app.state.edge.threads.backlog <= edge._MOST_WAITING
    release.set()
    event.remove(server.database.engine, "before_cursor_execute", stall)
    monkeypatch.undo()
    while server.app.state.edge.threads.backlog:
        server.send("GET", "/healthz")
    assert server.send("GET", "/api/v1/repositories", headers=headers).status_code == 200


def test_too_many_that_wait_are_answered_at_once(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(edge, "_MOST_WAITING", 0)
    assert server.post_usage(server.token(acme__widgets=34), *USAGE).status_code == 503
    assert server.send("GET", "/healthz").status_code == 200


def test_a_lock_that_another_program_holds_is_a_503_and_then_all_is_well(
    server: Server, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    token = server.token(acme__widgets=34)
    with locking(server.database, database_url):
        monkeypatch.setattr(edge, "ANSWER_SECONDS", 0.05)
        assert both(server, token) == [503, 503]
    monkeypatch.undo()
    assert both(server, token) == [202, 200]
    assert spend(server) == 1_250_000


@contextlib.contextmanager
def locking(database: Database, url: str) -> Iterator[None]:
    other = Database(url)
    with other.write() as connection:
        if other.is_postgresql:
            connection.execute(text("LOCK TABLE job, charge IN ACCESS EXCLUSIVE MODE"))
        yield
    other.close()


def test_an_error_that_nobody_expected_ends_the_requests_that_it_hit(database: Database, monkeypatch):
    """The batch of three fails together, and the next ones are taken."""
    intake = Intake(database, lambda: 0, lambda: None, edge.DaemonThreads(1, "test"))
    monkeypatch.setattr(intake_module, "GATHER_SECONDS", 0)

    async def ask(*work: Work) -> list[Any]:
        return await asyncio.gather(*map(intake.request, work), return_exceptions=True)

    async def story() -> tuple[list[Any], list[Any]]:
        bad = Work(Kind.PULL, 2**70, 1, 1)
        return await ask(bad, Work(Kind.PULL, 1, 1, 1), Work(Kind.PULL, 1, 1, 2)), await ask(Work(Kind.PULL, 1, 1, 3))

    hit, good = asyncio.run(story())
    assert all(isinstance(error, Exception) for error in hit)
    assert good == [None]


def test_deliveries_of_one_event_to_two_replicas_are_one_piece_of_work(database: Database, tmp_path: Path):
    with serving(database, tmp_path / "a") as one, serving(database, tmp_path / "b") as two:

        def send(server: Server) -> None:
            statuses.update(server.deliver("pull_request", PULL).status_code for _ in range(25))

        statuses: set[int] = set()
        threads = [threading.Thread(target=send, args=(server,)) for server in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == {202}
        assert one.request_counts() == {"pull 7/34/12": 50}
        assert len(queue.claim(database, 2**60, 10)) == 1


def test_batches_from_eight_writers_in_any_order_and_overlapping_sum_up_exactly(server: Server):
    token = server.token(acme__widgets=34)
    usages = [usage for i in range(20) for usage in session(f"09:{i:02} feat/{i % 5} $1.07", f"s{i}")]
    records = [json.loads(msgspec.json.encode(usage)) for usage in usages]
    answers: list[int] = []

    def write(seed: int) -> None:
        chance = random.Random(seed)
        with serving(server.database, server.settings.data_dir / str(seed)) as replica:
            for _ in range(4):
                answers.append(replica.post_usage(token, *chance.sample(records, 12)).status_code)
            answers.append(replica.post_usage(token, *chance.sample(records, 20)).status_code)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 40
    assert spend(server) == 20 * 1_070_000


# PostgreSQL alone.


@pytest.fixture
def postgresql(postgresql_databases: Databases) -> Iterator[str]:
    name = postgresql_databases.copy()
    yield postgresql_databases.url(name)
    postgresql_databases.drop(name)


def test_connections_that_the_server_ended_are_replaced(postgresql: str, tmp_path: Path):
    with open_database(postgresql) as database, serving(database, tmp_path) as server:
        token = server.token(acme__widgets=34)
        with psycopg.connect(postgresql, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert both(server, token) == [202, 200]


def end_of(address: str, connection: Any) -> None:
    """What a restart of PostgreSQL does to a connection."""
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.dbapi_connection.info.backend_pid])


def test_a_connection_that_ends_before_any_statement_is_a_503(postgresql: str, tmp_path: Path):
    with open_database(postgresql) as database, serving(database, tmp_path) as server:
        token = server.token(acme__widgets=34)
        saved, statement_count, end_at = 0, 0, 0

        def count(connection: Any, *_arguments: Any) -> None:
            nonlocal statement_count
            statement_count += 1
            if statement_count == end_at:
                end_of(postgresql, connection)

        event.listen(database.engine, "before_cursor_execute", count)
        while statement_count >= end_at:  # until all of them had their turn
            statement_count, end_at = 0, end_at + 1
            batch = [usage | {"request_id": f"{usage['request_id']}-{end_at}"} for usage in USAGE]
            answers = [server.deliver("pull_request", PULL).status_code, server.post_usage(token, *batch).status_code]
            is_ended = statement_count >= end_at
            assert answers in ([503, 200], [202, 503]) if is_ended else answers == [202, 200]
            saved += answers[1] == 200
        event.remove(database.engine, "before_cursor_execute", count)
        assert end_at > 10, "each statement had its turn"
        assert spend(server) == saved * 1_250_000


def test_a_connection_that_ends_within_a_transaction_acknowledges_nothing(postgresql: str, tmp_path: Path):
    with open_database(postgresql) as database, serving(database, tmp_path) as server:
        token = server.token(acme__widgets=34)

        def end(connection: Any) -> None:
            end_of(postgresql, connection)

        event.listen(database.engine, "commit", end)
        assert both(server, token) == [503, 503]
        event.remove(database.engine, "commit", end)
        assert server.request_counts() == {}
        assert both(server, token) == [202, 200]
        assert (server.request_counts()["pull 7/34/12"], spend(server)) == (1, 1_250_000)


@pytest.mark.parametrize(("setting", "kept"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
def test_an_acknowledgement_waits_for_the_disk_whatever_the_server_is_set_to(postgresql: str, setting: str, kept: str):
    with psycopg.connect(postgresql, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = {setting}')
    database = Database(postgresql)
    for transaction in (database.read, database.write):
        with transaction() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == kept
    database.close()


def test_transactions_have_time_limits(postgresql: str):
    database = Database(postgresql)
    with database.write() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        ]
    assert shown == ["8s", "2min", "2min"]
    database.close()


# SQLite alone.


def test_a_full_disk_acknowledges_nothing_and_is_over_when_there_is_room(sqlite_databases: Databases, tmp_path: Path):
    name = sqlite_databases.copy()
    database = Database(sqlite_databases.url(name))
    full = True

    @event.listens_for(database.engine, "checkout")
    def _(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {1 if full else 2**30}")  # no page can be added

    with serving(database, tmp_path) as server:
        full = False
        token = server.token(acme__widgets=34)
        full = True
        many = [json.loads(msgspec.json.encode(u)) for i in range(200) for u in session("09:00 feat/a $1.00", f"s{i}")]
        assert server.post_usage(token, *many).status_code == 503
        assert server.request_counts() == {}, "it can still be read"
        full = False
        assert server.post_usage(token, *many).status_code == 200
        assert spend(server) == 200_000_000
    database.close()


# Where a server starts.


def test_a_newer_database_is_refused_with_what_to_do(database: Database, database_url: str):
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(
        SettingsError, match=r"newer Mergecost \(tables 9999, this one knows 0001\): install that version"
    ):
        opened(database_url)


def test_a_migration_that_is_cut_off_is_not_half_done(databases: Databases, monkeypatch: pytest.MonkeyPatch):
    """An empty database whose migration dies at its tenth table; the next start makes all of them."""
    name = databases._new_name()
    databases._store.create(name)
    database = Database(databases.url(name))
    count = iter(range(1000))

    def cut(_connection: Any, _cursor: Any, statement: str, *_arguments: Any) -> None:
        if "CREATE TABLE" in statement and next(count) == 10:
            raise driver_error(database)

    event.listen(database.engine, "before_cursor_execute", cut)
    with pytest.raises(Unavailable):
        database.migrate()
    event.remove(database.engine, "before_cursor_execute", cut)
    assert opening.revision_of(database) == ""
    database.migrate()
    assert opening.revision_of(database) == opening.NEWEST
    database.close()
    databases.drop(name)


@pytest.mark.parametrize("damage", ["no database", "cut off", "no place", "other scheme"])
def test_a_database_that_cannot_be_used_is_one_sentence(sqlite_databases: Databases, tmp_path: Path, damage: str):
    path = tmp_path / "mergecost.db"
    name = sqlite_databases.copy()
    shutil.copy(sqlite_databases.url(name).removeprefix("sqlite:///"), path)
    url, says = f"sqlite:///{path}", ""
    if damage == "no database":
        path.write_text("a letter, and by no means a database " * 100)
        says = "is not an SQLite database: name another file"
    elif damage == "cut off":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        says = "is damaged: restore a backup"
    elif damage == "no place":
        path.unlink()
        path.mkdir()
        says = "cannot be opened: give this user the right"
    else:
        url, says = "mysql://localhost/x", "must begin with sqlite:/// or postgresql://"
    with pytest.raises(SettingsError) as problem:
        opened(url)
    assert says in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_database_that_is_read_only_is_one_sentence(sqlite_databases: Databases):
    """Whoever runs the tests may be allowed to write everything, so SQLite itself is told not to."""
    database = Database(sqlite_databases.url(sqlite_databases.copy()))

    @event.listens_for(database.engine, "checkout")
    def _(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute("PRAGMA query_only = ON")

    with pytest.raises(Unavailable) as problem, database.write() as connection:
        connection.execute(text("UPDATE job SET number = 0"))
    assert isinstance(problem.value.__cause__.orig, sqlite3.OperationalError)
    assert "cannot be written to: give this user the right" in opening._advice(database, problem.value.reason)
    database.close()


def test_a_postgresql_that_is_not_there_is_one_sentence(tmp_path: Path):
    with pytest.raises(SettingsError) as problem:
        opened(f"postgresql://x@/x?host={tmp_path}")
    assert "PostgreSQL cannot be used: " in str(problem.value)
    assert "\n" not in str(problem.value)
