"""Alerts of runaway sessions, on both databases: once, in the pull request or else outside."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from inline_snapshot import snapshot

from bot.clock import from_ms
from bot.repository_settings import OperatorSettings
from bot.worker import run_due
from tests.channel import URL
from tests.databases import Worlds
from tests.notation import session
from tests.world import World


def thirty_sessions(world: World) -> None:
    """A repository in which thirty sessions cost about a dollar each."""
    for i in range(30):
        world.work(f"Mon 0{i % 9}:00 main $0.{60 + i} edits a.py", f"past{i}")
    world.open_pull(12, "feat/limit")
    world.settle()
    world.at("Tue 09:00")


@pytest.fixture
def used_to(worlds: Worlds) -> World:
    return worlds.after(thirty_sessions, OperatorSettings(defaults={"alert_url": URL}))


def burn(world: World, dollars: int, branch: str = "feat/limit", session_id: str = "hot") -> None:
    """A session that spends four dollars every four minutes, up to now."""
    lines = [f"Tue {8 + i * 4 // 60:02d}:{i * 4 % 60:02d} {branch} $4.00" for i in range(dollars // 4)]
    usages = session("\n".join(lines), session_id)
    late = from_ms(world.now_ms) - max(usage.at for usage in usages)
    world.send_usage([msgspec.structs.replace(usage, at=usage.at + late) for usage in usages])


def alerts(world: World) -> list[str]:
    return [
        comment for comment in world.comments(12) if comment.startswith("**A session on this change is far outside")
    ]


def test_a_costly_session_raises_an_alert_in_its_pull_request_within_a_minute(used_to: World):
    arrived_ms = used_to.now_ms
    burn(used_to, 120)
    while not alerts(used_to):
        used_to.run(run_due(used_to.bots[0]))
        used_to.now_ms += 1000
    assert used_to.now_ms - arrived_ms < 60_000
    used_to.settle()
    assert alerts(used_to) == snapshot(
        [
            """\
**A session on this change is far outside of what is usual here.** Session `19a7a9` has cost &#36;120.00 in 1 h 56 min, 136 times what 19 of 20 sessions here cost.

If it is meant to go on, nothing need be done. If not, stop it where it runs; `mergecost guard` does so by itself.

<sub>At list price, or by the tool's own figure where none is known. Said once for each session and reason. `alerts: false` in the settings switches this off.</sub>\
"""
        ]
    )
    assert used_to.channel.texts == []


def test_without_a_pull_request_the_alert_is_sent_outside(used_to: World):
    burn(used_to, 120, "main")
    used_to.settle()
    assert used_to.channel.texts == snapshot(
        ["acme/widgets: Session `19a7a9` has cost $120.00 in 1 h 56 min, 136 times what 19 of 20 sessions here cost."]
    )
    assert alerts(used_to) == []


def test_an_alert_is_sent_once_whatever_the_number_of_replicas_and_batches(used_to: World):
    used_to.add_replica()
    used_to.add_replica()

    async def together() -> None:
        for _ in range(20):
            await asyncio.gather(*(run_due(bot) for bot in used_to.bots))
            used_to.now_ms += 2000

    for dollars in (100, 120, 160, 200):
        burn(used_to, dollars)
        used_to.run(together())
    used_to.settle()
    texts = alerts(used_to)
    assert len(texts) == len(set(texts)) == len({text.split("`")[1] + text.split("cost")[1][:30] for text in texts})
    assert len(texts) <= 2, "the session as a whole, and its dearest hour"
    assert texts


def test_a_few_dollars_nobody_minds(used_to: World):
    burn(used_to, 20)
    used_to.settle()
    assert alerts(used_to) == []
    assert used_to.channel.texts == []


def test_where_little_is_known_only_much_money_is_an_alert(database, tmp_path):
    with World(database, tmp_path / "data", operator=OperatorSettings(defaults={"alert_url": URL})) as world:
        world.open_pull(12, "feat/limit")
        world.at("Tue 09:00")
        burn(world, 60)
        world.settle()
        assert alerts(world) == []
        world.now_ms += int(timedelta(hours=3) / timedelta(milliseconds=1))
        burn(world, 400, session_id="hotter")
        world.settle()
        assert "only 1 earlier sessions" not in "".join(alerts(world))
        assert alerts(world)


def test_old_work_that_arrives_late_is_no_alert(used_to: World):
    used_to.now_ms += int(timedelta(days=3) / timedelta(milliseconds=1))
    used_to.work("\n".join(f"Tue 09:{i:02d} feat/limit $4.00" for i in range(40)), "late")
    used_to.settle()
    assert alerts(used_to) == []
    assert used_to.channel.texts == []


def test_no_alert_beside_a_comment_that_people_hid(used_to: World):
    used_to.work("Tue 08:59 feat/limit $1.00", "first")
    used_to.settle()
    (comment,) = used_to.github.comments(used_to.repository, 12)
    used_to.github.minimize(comment)
    burn(used_to, 120)
    used_to.settle()
    assert alerts(used_to) == []
    assert used_to.comment(12).startswith("**This change cost $121.00**")
    burn(used_to, 200)
    used_to.settle()
    assert len(used_to.comments(12)) == 1


def test_it_can_be_switched_off(used_to: World):
    used_to.settings_file("alerts: false")
    used_to.open_pull(13, "feat/other")
    used_to.settle()
    burn(used_to, 120)
    used_to.settle()
    assert alerts(used_to) == []
    assert used_to.channel.texts == []


def test_in_a_public_repository_the_alert_is_sent_outside_alone(used_to: World):
    used_to.repository.private = False
    used_to.sweep()
    burn(used_to, 120)
    used_to.settle()
    assert used_to.comments(12) == []
    assert len(used_to.channel.texts) in (1, 2)
