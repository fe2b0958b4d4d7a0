"""Budgets of weeks and months: notices with their pace, and the section of the weekly issue, on both databases."""

import msgspec
import pytest
from inline_snapshot import snapshot

from bot.clock import DAY_MS, to_ms
from bot.repository_settings import OperatorSettings
from tests.channel import URL
from tests.databases import Worlds
from tests.notation import MONDAY, session
from tests.world import World

BUDGETS = {"budget_week_usd": 20, "budget_month_usd": 40, "budget_pull_usd": 3, "alert_url": URL}
HOUR_MS = 3_600_000


@pytest.fixture
def budgeted(worlds: Worlds) -> World:
    """It is Monday, 16 November."""
    return worlds.after(World.tick, OperatorSettings(defaults=BUDGETS))


def spend(world: World, when: str, cents: int) -> None:
    world.at(when)
    world.send_at("main", cents / 100)
    world.settle()


def section(body: str) -> str:
    return body[body.index("| Budget |") :].partition("\n\n")[0]


def test_notices_say_how_much_is_used_and_when_the_budget_is_used_up(budgeted: World):
    spend(budgeted, "Mon 18:00", 390)
    spend(budgeted, "Tue 12:00", 390)
    assert budgeted.channel.texts == []
    spend(budgeted, "Wed 12:00", 390)
    spend(budgeted, "Thu 12:00", 390)
    spend(budgeted, "Thu 13:00", 390)
    spend(budgeted, "Fri 12:00", 390)
    assert budgeted.channel.texts == snapshot(
        [
            "acme/widgets in week 47 of 2026 has used 58% of its budget: $11.70 of $20.00 at list price. At this rate it is used up on Saturday, 21 November.",
            "acme/widgets in week 47 of 2026 has used 98% of its budget: $19.50 of $20.00 at list price. At this rate it is used up on Friday, 20 November.",
            "acme/widgets in November 2026 has used 58% of its budget: $23.40 of $40.00 at list price. At this rate it is used up on Tuesday, 24 November.",
            "acme/widgets in week 47 of 2026 is over its budget: $23.40 of $20.00 at list price.",
        ]
    )


def test_the_weekly_issue_shows_the_budgets_and_when_levels_were_notified(budgeted: World):
    for day in ("Mon", "Tue", "Wed", "Thu"):
        spend(budgeted, f"{day} 12:00", 390)
    budgeted.open_pull(12, "feat/limit")
    budgeted.work("Fri 09:00 feat/limit $3.90", "s9")
    budgeted.settle()
    budgeted.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * HOUR_MS
    budgeted.tick()
    (issue,) = budgeted.weeks()
    assert section(issue.body or "") == snapshot("""\
| Budget | Used | Cost | Of |  |
| :-- | --: | --: | --: | :-- |
| `█████████░` Week 47 | 98% | $19.50 | $20.00 | 50% on Wed 18 Nov, 80% on Fri 20 Nov |
| `████░░░░░░` November 2026 so far | 49% | $19.50 | $40.00 |  |
| `██████┃▒▒▒` #12 | 130% | $3.90 | $3.00 | not approved |\
""")


def test_a_budget_that_is_used_up_leads_what_is_to_decide(budgeted: World):
    for hour in range(12, 18):
        spend(budgeted, f"Mon {hour}:00", 390)
    budgeted.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * HOUR_MS
    budgeted.tick()
    (issue,) = budgeted.weeks()
    assert (issue.body or "").partition("**To decide:**")[2].partition("\n")[0] == snapshot(
        " The week is over its budget of $20.00, with $23.40. $23.40, 100% of the week, shipped nothing. All of it fits no pull request: `/mergecost link` puts it where it belongs, or it came to nothing."
    )


def test_late_data_of_last_week_is_notified_once_without_a_pace(budgeted: World):
    spend(budgeted, "Mon 12:00", 390)
    budgeted.now_ms = to_ms(MONDAY) + 8 * DAY_MS
    lines = "\n".join(f"Wed 0{i}:00 main $3.90" for i in range(6))
    budgeted.send_usage(session(lines, "late"))
    budgeted.settle()
    budgeted.send_usage(
        [msgspec.structs.replace(usage, request_id=f"{usage.request_id}x") for usage in session(lines, "late")]
    )
    budgeted.settle()
    assert budgeted.channel.texts == snapshot(
        [
            "acme/widgets in November 2026 has used 68% of its budget: $27.30 of $40.00 at list price. At this rate it is used up on Wednesday, 25 November.",
            "acme/widgets in week 47 of 2026 is over its budget: $27.30 of $20.00 at list price.",
            "acme/widgets in November 2026 is over its budget: $50.70 of $40.00 at list price.",
        ]
    )


def test_another_budget_is_notified_anew(budgeted: World):
    for hour in range(12, 18):
        spend(budgeted, f"Mon {hour}:00", 390)
    before = len(budgeted.channel.texts)
    budgeted.settings_file("budget_week_usd: 30\nbudget_month_usd: 400")
    budgeted.open_pull(12, "feat/limit")
    budgeted.settle()
    assert budgeted.channel.texts[before:] == snapshot(
        [
            "acme/widgets in week 47 of 2026 has used 78% of its budget: $23.40 of $30.00 at list price. At this rate it is used up on Tuesday, 17 November."
        ]
    )


def test_unpriced_requests_use_up_no_budget_and_are_named(budgeted: World):
    budgeted.work("\n".join(f"Mon 09:0{i} main some-model" for i in range(9)))
    spend(budgeted, "Mon 12:00", 390)
    budgeted.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * HOUR_MS
    budgeted.tick()
    (issue,) = budgeted.weeks()
    assert section(issue.body or "") == snapshot("""\
| Budget | Used | Cost | Of |  |
| :-- | --: | --: | --: | :-- |
| `█░░░░░░░░░` Week 47 | 20% | $3.90 | $20.00 | without 9 requests at a price that is not known |
| `█░░░░░░░░░` November 2026 so far | 10% | $3.90 | $40.00 | without 9 requests at a price that is not known |\
""")
    assert budgeted.channel.texts == []


def test_three_replicas_and_a_restart_notify_each_level_once(budgeted: World):
    for _ in range(2):
        budgeted.add_replica()
    for i, when in enumerate(("Mon 12:00", "Mon 13:00", "Mon 14:00", "Mon 15:00", "Mon 16:00", "Mon 17:00")):
        spend(budgeted, when, 390)
        if i == 3:  # a replica comes back
            budgeted.add_replica()
        budgeted.tick()
    about_week = [text for text in budgeted.channel.texts if "in week" in text]
    assert len(about_week) == 3
    assert len(set(budgeted.channel.texts)) == len(budgeted.channel.texts)


def test_programs_read_the_same_figures(budgeted: World):
    spend(budgeted, "Mon 12:00", 390)
    budgeted.open_pull(12, "feat/limit")
    budgeted.work("Fri 09:00 feat/limit $3.90", "s9")
    budgeted.settle()
    read = budgeted.read("/repositories/acme/widgets/budgets").json()
    assert [
        (budget["scope"], budget["name"], budget["spend"]["list_micros"], budget["budget_micros"]) for budget in read
    ] == [
        ("week", "2026-W46", 0, 20_000_000),
        ("week", "2026-W47", 7_800_000, 20_000_000),
        ("month", "2026-10", 0, 40_000_000),
        ("month", "2026-11", 7_800_000, 40_000_000),
    ]
    pull = budgeted.read("/repositories/acme/widgets/pulls/12").json()
    assert (pull["total"]["list_micros"], pull["budget"]["spend"]["list_micros"], pull["budget"]["budget_micros"]) == (
        3_900_000,
        3_900_000,
        3_000_000,
    )
    week = budgeted.read("/repositories/acme/widgets/weeks/2026-W47").json()
    assert [row["budget"]["scope"] for row in week["budgets"]] == ["week", "month", "pull"]
