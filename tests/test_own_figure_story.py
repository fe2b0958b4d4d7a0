"""Money that is a tool's own figure and no list price: marked wherever it stands, and in every sum a figure of its own."""

import msgspec
import pytest

from bot.clock import to_ms
from tests.notation import MONDAY, session
from tests.world import DAY_MS, World


@pytest.fixture
def own(world: World) -> World:
    """A merge of $1.00 at list price and $0.50 by the tool's own figure, and $0.25 of the latter in no pull request."""
    world.tick()
    bug = world.open_issue("Clients hammer the API", ["bug"])
    (listed, other) = session("09:00 feat/a $1.00\n09:10 feat/a no-such-model")
    (nowhere,) = session("10:00 main no-such-model", "s2")
    world.open_pull(12, "feat/a", title="Rate limit", body=f"Fixes #{bug}", labels=["backend"])
    world.send_usage([
        listed,
        msgspec.structs.replace(other, reported_micros=500_000),
        msgspec.structs.replace(nowhere, reported_micros=250_000),
    ])  # fmt: skip
    world.settle()
    world.at("Thu 09:00")
    world.merge(12)
    world.close_issue(bug)
    world.settle()
    world.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    world.tick()
    return world


def test_a_weekly_issue_marks_it(own: World):
    (issue,) = own.weeks()
    assert issue.title == "AI spend, week 47 of 2026: $1.75 †, 1 merge, median $1.50 †"
    body = issue.body or ""
    assert (
        "**$1.75 of AI work this week at list price, $0.75 of it by the tool's own figure; 1 merge: $1.50 † over"
        in body
    )
    assert "| Merged | $1.50 † |" in body
    assert "| No pull request | $0.25 † |" in body
    assert "| **Week 47** | **$1.75 †** |" in body
    assert "<br>`claude-opus-5` | $1.00 |" in body
    assert "<br>`no-such-model` | $0.75 † |" in body
    assert "or the tool's own figure where none is known (†), not an invoice" in body


def test_a_comment_on_an_issue_says_how_much_it_is(own: World):
    (comment,) = own.comments(1)
    assert "**This issue cost $1.50** of AI work at list price, $0.50 of it by the tool's own figure, over" in comment


def test_the_api_has_a_figure_for_each(own: World):
    costs = {row["name"]: row["cost"] for row in own.read("/costs", by="model", since="2026-11-01").json()}
    amounts = {name: (cost["list_micros"], cost["reported_micros"]) for name, cost in costs.items()}
    assert amounts == {"claude-opus-5": (1_000_000, 0), "no-such-model": (None, 750_000)}
    (session_part,) = own.read("/repositories/acme/widgets/pulls/12").json()["sessions"]
    assert (session_part["session_list_micros"], session_part["session_reported_micros"]) == (1_000_000, 500_000)


def test_it_outlasts_a_recount(own: World):
    assert own.ledger_errors() == []


def test_the_whole_of_a_session_without_a_price_is_not_known(world: World):
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a some-model")
    world.settle()
    (part,) = world.read("/repositories/acme/widgets/pulls/12").json()["sessions"]
    assert part["session_list_micros"] is None
