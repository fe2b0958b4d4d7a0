"""Two years of usage on a server that keeps the details of twelve months: what they came to stays, in every figure."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from inline_snapshot import snapshot
from sqlalchemy import func, select

from attribution.breakdown import WAYS
from attribution.identity import author
from attribution.usage import Usage
from bot import ticker
from bot.clock import to_ms
from bot.figures import week as week_figures
from bot.repository_settings import OperatorSettings
from bot.store import accounts as account_store
from bot.store import months, recount, totals
from bot.store import repositories as repository_store
from bot.store.ledger import charges, names, origins, shares
from bot.store.sessions import sessions
from tests.databases import Worlds
from tests.notation import session
from tests.world import World

OPERATOR = OperatorSettings(retention_months=12)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEPT_FROM = datetime(2025, 11, 1, tzinfo=UTC)
# Each of a session of its own, but for the two that begin in October and end in November 2025.
OLD = ["2024-12-05", "2025-03-14", "2025-07-01", "2025-10-31"]
KEPT = ["2025-11-01", "2025-11-03", "2026-02-10", "2026-11-19"]


def usage_on(day: str, session_id: str, branch: str = "feat/old") -> Usage:
    (usage,) = session(f"09:00 {branch} $1.00", session_id, author=author("alice@example.com"))
    return msgspec.structs.replace(usage, request_id=f"{session_id}-{day}", at=datetime.fromisoformat(f"{day}T09:00:00Z"))


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
    return worlds.after(_before_the_night, OPERATOR)


def _before_the_night(world: World) -> None:
    # The server was without the setting until now.
    two_years(world)


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
