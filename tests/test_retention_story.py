"""Two years of usage on a server that keeps the details of twelve months: what they came to stays, in every figure."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from inline_snapshot import snapshot
from sqlalchemy import func, select

from attribution.breakdown import WAYS
from attribution.identity import author
from attribution.usage import Usage
from bot.clock import to_ms
from bot.figures import week as week_figures
from bot.keys import Sender
from bot.repository_settings import OperatorSettings
from bot.store import months, recount, totals
from bot.store import repositories as repository_store
from bot.store import shares as share_store
from bot.store import tokens as token_store
from bot.store.database import Database
from bot.store.ledger_tables import charges, origins, shares
from bot.store.repositories import RepositoryFacts
from bot.store.request_names import names
from bot.store.sessions import sessions
from bot.take_back import take_back
from tests.databases import Databases, Worlds, open_database
from tests.notation import session
from tests.world import World

OPERATOR = OperatorSettings(retention_months=12)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
# Each of a session of its own, but for the two that begin in October and end in November 2025.
OLD = ["2024-12-05", "2025-03-14", "2025-07-01", "2025-10-31"]
KEPT = ["2025-11-01", "2025-11-03", "2026-02-10", "2026-11-19"]


def usage_on(day: str, session_id: str, branch: str = "feat/old") -> Usage:
    (usage,) = session(f"09:00 {branch} $1.00", session_id, author=author("alice@example.com"))
    return msgspec.structs.replace(
        usage, request_id=f"{session_id}-{day}", at=datetime.fromisoformat(f"{day}T09:00:00Z")
    )


def two_years(world: World) -> None:
    """A pull request that lives all the time, and bears a dollar of each of eight months; one of work from long ago alone."""
    world.now_ms = to_ms(datetime(2024, 12, 1, tzinfo=UTC))
    world.open_pull(12, "feat/old", "1f2e3d4")
    world.open_pull(13, "feat/older", "5a6b7c8")
    for day in [*OLD, *KEPT]:
        world.send_usage([usage_on(day, "long" if day in ("2025-10-31", "2025-11-03") else day)])
        world.settle()
        if day == "2025-03-14":
            world.send_usage([usage_on(day, "older", "feat/older")])
            world.settle()
            world.close(13)
    world.now_ms = to_ms(NOW)
    world.settle()


@pytest.fixture
def world(worlds: Worlds) -> World:
    return worlds.after(two_years, OPERATOR)


def night(world: World) -> None:
    world.tick()
    world.settle()


def figures(world: World) -> dict[str, Any]:
    """What people and programs are told, of all the time."""
    with world.database.read() as connection:
        (row,) = repository_store.repositories_of(connection, world.org.id)
        settings, _ = world.bots[0].repository_settings(row)
        weeks = {
            name: week_figures.cost_of(connection, settings, row.key.week(name), world.now_ms)
            for name in ("2024-W49", "2025-W11", "2025-W44", "2025-W45", "2026-W07")
        }
        spent = totals.spent_on(connection, row.key, [12, 13])
        days = totals.by_day(connection, row.key, date(2024, 1, 1), date(2027, 1, 1))
    reports = {by: world.read("/costs", by=by, since="2024-01-01").json() for by in WAYS}
    pulls = {number: world.read(f"/repositories/acme/widgets/pulls/{number}").json() for number in (12, 13)}
    money = {
        number: {name: cost[name] for name in ("total", "build", "review", "ci", "rows", "cache_saving_micros")}
        for number, cost in pulls.items()
    }
    return {"weeks": weeks, "spent": sorted(map(str, spent)), "days": days, "reports": reports, "pulls": money}


def counts(world: World) -> dict[str, int]:
    with world.database.read() as connection:
        return {
            of.name: connection.execute(select(func.count()).select_from(of)).scalar_one()
            for of in (charges, shares, names, origins, sessions)
        }


def test_figures_outlast_what_they_were_summed_up_from(world: World):
    with world.database.write() as connection:
        # As if each charge had been another's before, so that its share has a row of its own.
        share_store.write_out(connection, world.org.id, connection.execute(select(charges.c.charge_id)).scalars().all())
    before, rows = figures(world), counts(world)
    night(world)
    assert figures(world) == before
    after = counts(world)
    assert rows["charge"] - after["charge"] == len(OLD) + 1
    assert {name: count for name, count in after.items() if count >= rows[name]} == {}
    assert after["charge"] == after["request_name"] == len(KEPT)
    # Nothing is left to do, and nothing to correct.
    night(world)
    assert counts(world) == after
    assert world.ledger_errors() == []


def test_a_rebuild_another_time_zone_and_a_check_change_no_total(world: World):
    before = figures(world)["spent"]
    night(world)
    with world.database.read() as connection:
        (row,) = repository_store.repositories_of(connection, world.org.id)
    for zone in ("Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati", "UTC"):
        world.settings_file(f"time_zone: {zone}")
        world.sweep()
        with world.database.read() as connection:
            (row,) = repository_store.repositories_of(connection, world.org.id)
            assert row.time_zone == zone
            days = list(recount.days(connection, row.key, row.zone))
        assert [recount.verify(world.database, row.key, day, corrects=True).problem for day in days] == [""] * len(days)
        assert figures(world)["spent"] == before


def test_comments_say_the_same_amount_and_since_when_details_are_kept(world: World):
    assert "**This change cost $8.00**" in world.comment(12)
    night(world)
    world.say(12, "/mergecost refresh")
    world.say(13, "/mergecost refresh")
    world.settle()
    assert "**This change cost $8.00**" in world.comment(12)
    assert "Of single sessions details are kept since 1 November 2025; the figures are of all." in world.comment(12)
    assert "**This change cost $1.00**" in world.comment(13)


def test_what_is_sent_for_a_removed_month_is_refused_for_good(world: World):
    night(world)
    before = figures(world)
    again, new = usage_on("2025-07-01", "2025-07-01"), usage_on("2025-10-30", "never-sent")
    near = msgspec.structs.replace(new, request_id="near", at=datetime(2025, 11, 1, 23, tzinfo=UTC))
    kept = usage_on("2025-11-03", "long")
    receipt = world.post_usage([again, new, near, kept])
    assert (receipt["accepted"], receipt["unchanged"]) == (0, 1)
    assert [(refusal["index"], refusal["is_final"]) for refusal in receipt["refused"]] == [
        (0, True),
        (1, True),
        (2, True),
    ]
    assert receipt["refused"][0]["reason"] == snapshot(
        "this server keeps single requests since 1 November 2025: whether it has counted an earlier one it does not know"
    )
    world.settle()
    assert figures(world) == before


def test_what_a_token_sent_is_taken_back_as_far_as_it_is_kept(world: World):
    night(world)
    with world.database.read() as connection:
        token = next(token for token in token_store.all_tokens(connection) if token.may == "ingest")
    sender = Sender(world.org.id, token.sender, token.token_id)
    taken = take_back(world.database, world.bots[0].operator, world.clock, sender)
    world.settle()
    assert taken.cost.requests == len(KEPT)
    assert spent_on(world, world.org.id) == {12: len(OLD) * 1_000_000, 13: 1_000_000}


def spent_on(world: World, account_id: int) -> dict[int, int]:
    with world.database.read() as connection:
        (row,) = repository_store.repositories_of(connection, account_id)
        spent = totals.spent_on(connection, row.key, [12, 13])
    return {number: sum(part.cost.priced_micros for part in spent if part.pull_number == number) for number in (12, 13)}


def test_a_repository_takes_its_sums_to_another_account_and_back(world: World):
    night(world)
    before, facts = spent_on(world, world.org.id), None
    with world.database.read() as connection:
        (row,) = repository_store.repositories_of(connection, world.org.id)
    facts = RepositoryFacts(
        repository_id=row.repository_id, full_name=row.full_name, private=row.private, default_branch=row.default_branch
    )
    other_id = world.org.id + 1000
    for owner_id in (other_id, world.org.id, other_id):
        with world.database.write() as connection:
            repository_store.save_repository(world.database, connection, owner_id, facts)
        assert spent_on(world, owner_id) == before
    with world.database.write() as connection:
        repository_store.save_repository(world.database, connection, world.org.id, facts)
    night(world)
    assert spent_on(world, world.org.id) == before


def test_a_month_has_room_as_soon_as_somebody_needs_it(database: Database):
    """Two replicas at once, and a server that was away."""
    days = [datetime(2026, month, 28, tzinfo=UTC) for month in range(1, 11)]

    def make(day: datetime) -> None:
        months.make_ahead(database, day)

    with ThreadPoolExecutor(4) as replicas:
        list(replicas.map(make, [*days, *days]))
    if not database.is_postgresql:
        return
    with database.read() as connection:
        names = connection.exec_driver_sql("SELECT inhrelid::regclass::text FROM pg_inherits").scalars().all()
    assert {name for name in names if name.startswith(("charge_2026_", "share_2026_"))} >= {
        f"{table}_2026_{month:02d}" for table in ("charge", "share") for month in range(1, 12) if month != 12
    }
    assert months.drop_before(database, to_ms(datetime(2026, 6, 1, tzinfo=UTC)))
    with database.read() as connection:
        names = connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relname LIKE 'charge_2026___'").scalars()
        assert sorted(names) == [f"charge_2026_{month:02d}" for month in range(6, 12)]


@pytest.fixture
def postgresql_database(postgresql_databases: Databases):
    name = postgresql_databases.copy()
    with open_database(postgresql_databases.url(name)) as database:
        yield database
    postgresql_databases.drop(name)


def test_a_month_that_is_being_read_is_dropped_later(postgresql_database: Database):
    database = postgresql_database
    months.make_ahead(database, datetime(2026, 1, 5, tzinfo=UTC))
    before_ms = to_ms(datetime(2026, 6, 1, tzinfo=UTC))
    with database.engine.connect() as reader, reader.begin():
        reader.execute(select(func.count()).select_from(charges)).scalar()
        assert not months.drop_before(database, before_ms)
    assert months.drop_before(database, before_ms)
