"""The first page: how far the App has come, from the set-up link to the first comment."""

import re
from pathlib import Path

from bot.store.database import Database
from tests.server import serving
from tests.world import World


def steps(world: World) -> list[tuple[str, str]]:
    """Each step of the road with its mark."""
    page = world.send("GET", "/").text
    items = re.findall(r"<li>(.) (.*?)</li>", page)
    return [(mark, re.sub(r"<[^>]+>", "", text)) for mark, text in items]


def test_it_says_what_is_done_and_what_comes_next(world: World):
    assert [mark for mark, _ in steps(world)] == ["✓", "✓", "→", "→", "→"]
    assert steps(world)[1][1] == "It is installed on 1 repository of 1 account. More"
    world.open_pull(12, "feat/a")
    world.now_ms += 3 * 3_600_000
    assert [mark for mark, _ in steps(world)] == ["✓", "✓", "✓", "→", "→"]
    assert steps(world)[2][1] == "GitHub's last delivery came 3 hours ago."
    world.work("09:00 feat/a $1.00")
    world.settle()
    assert [mark for mark, _ in steps(world)] == ["✓"] * 5


def test_it_names_nobody(world: World):
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $1.00")
    world.settle()
    page = world.send("GET", "/").text
    assert not [name for name in ("acme", "widgets", "alice", "$") if name in page]


def test_without_an_app_it_says_where_the_link_is(database: Database, tmp_path: Path):
    with serving(database, tmp_path, credentials=None) as server:
        answer = server.send("GET", "/")
    assert answer.status_code == 200
    assert "set-up link" in answer.text


def test_a_check_run_is_no_comment(world: World):
    world.open_pull(11, "feat/a")
    world.work("09:00 feat/a $1.00")
    world.settings_file("comment: false")
    world.settle()
    assert world.check_run(11).conclusion == "neutral"
    assert [mark for mark, _ in steps(world)] == ["✓", "✓", "✓", "✓", "→"]
