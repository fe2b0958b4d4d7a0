"""The weekly issue, on both databases: made once, late if need be, updated in place, closed by its successor."""

from datetime import UTC, datetime

import httpx
import pytest
from inline_snapshot import snapshot

from bot.clock import DAY_MS, to_ms
from bot.repository_settings import OperatorSettings
from bot.worker import run_due
from tests.databases import Worlds
from tests.github.state import Repository
from tests.notation import MONDAY
from tests.world import World

ISSUES = r".+/issues"


def week_47(world: World) -> None:
    """Week 47 with two merges, one of them reverted, an abandoned pull request, and work in none. It is Sunday."""
    world.tick()
    bug = world.open_issue("Clients hammer the ingest API", ["bug"])
    world.work(
        "Mon 09:00 main $1.20\nMon 09:30 feat/limit $2.50 edits a.py\nMon 10:00 feat/limit $1.50 commits 1f2e3d4"
    )
    world.open_pull(12, "feat/limit", "1f2e3d4", title="Rate limit the ingest API", body=f"Fixes #{bug}")
    world.work("Tue 09:00 fix/retry $1.10", "s2", "codex", by="bob")
    world.open_pull(13, "fix/retry", title="Retry on 503", by="bob", labels=["backend"])
    world.settle()
    world.at("Tue 15:00")
    world.merge(12)
    world.close_issue(bug)
    world.work("Wed 09:00 spike/x $3.10\nWed 09:10 spike/x some-model\nWed 10:00 main $0.80", "s3")
    world.open_pull(14, "spike/x", title="Try a cache")
    world.settle()
    world.at("Thu 15:00")
    world.close(14)
    world.merge(13)
    world.open_pull(15, "revert-13", title='Revert "Retry on 503"', body="Reverts acme/widgets#13")
    world.at("Fri 10:00")
    world.merge(15)
    world.settle()
    world.at("Sun 23:00")
    world.tick()
    assert world.weeks() == []


@pytest.fixture
def week(worlds: Worlds) -> World:
    return worlds.after(week_47)


def monday(world: World, hours: float = 6.0) -> None:
    """To the Monday after, by UTC."""
    world.now_ms = to_ms(MONDAY) + 7 * DAY_MS + int(hours * 3_600_000)
    world.tick()


def body(world: World, at: int = -1) -> str:
    return world.weeks()[at].body.partition(" -->\n")[2]


def head(world: World, at: int = -1) -> str:
    return body(world, at).partition("<details>")[0].strip()


def test_the_issue_of_a_week(week: World):
    monday(week, 5.9)
    assert week.weeks() == []
    monday(week)
    (issue,) = week.weeks()
    assert (issue.title, issue.state, [label.name for label in issue.labels]) == snapshot(
        ("AI spend, week 47 of 2026: $10.20, 2 merges, median $3.15", "open", ["mergecost"])
    )
    assert body(week) == snapshot("""\
**$10.20 of AI work this week at list price, and 1 request at a price that is not known; 2 merges: $3.15 each on average, $3.15 in the median.** Over their whole lives they cost $6.30 together. There are no merges before to compare with.

**To decide:** $5.00, 49% of the week, shipped nothing. Most of it, $3.10, went into #14, which was abandoned: take it up again, or let it go.

| Cost over its whole life | This week | of |
| :-- | --: | --: |
| A merge, on average | $3.15 | 2 |
| A merge, median | $3.15 | 2 |
| A merge that stands so far, median | $5.20 | 1 |
| A closed issue, median | $5.20 | 1 |

| What became of it | Cost | Share | PRs |
| :-- | --: | --: | --: |
| Merged | $5.20 | 51% | 1 |
| Abandoned | $3.10 | 30% | 1 |
| Reverted | $1.10 | 11% | 1 |
| No pull request | $0.80 | 8% | – |
| **Week 47** | **$10.20** | **100%** |  |
| Of it shipped nothing | $5.00 | 49% | – |

<sub>Every request of the week is in one of the rows; they sum to the week's spend to the cent. In no amount: 1 request at a price that is not known.</sub>

**Seen:** sessions of all 2 people whose commits were merged.

<details><summary>The 2 merges</summary>
<br>

| Pull request | Cost | This week | Build | Review | CI | Tied by commits |
| :-- | --: | --: | --: | --: | --: | --: |
| #12 Rate limit the ingest API<br>closes #1 | $5.20 | $5.20 | $5.20 | – | – | 100% |
| #13 Retry on 503 · reverted | $1.10 | $1.10 | $1.10 | – | – | 0% |
| **All** | **$6.30** | **$6.30** | **$6.30** | – | – |  |

The cost is that of a pull request's whole life; *This week* is the part that is in the table above. What is tied by commits (or by people) is surest; the rest was found by branch and files.

</details>

<details><summary>The week by pull request</summary>
<br>

| Pull request | This week | Share | What became of it |
| :-- | --: | --: | :-- |
| #12 | $5.20 | 51% | Merged |
| #14 | $3.10 | 30% | Abandoned |
| #13 | $1.10 | 11% | Reverted |
| – | $0.80 | 8% | No pull request |
| **All** | **$10.20** | **100%** |  |

</details>

<details><summary>By tool, model and label</summary>
<br>

| Tool and model | Cost | Requests | Input | From cache | Output |
| :-- | --: | --: | --: | --: | --: |
| Claude Code<br>`claude-opus-5` | $9.10 | 5 | 1.8\xa0M | 0 | 0 |
| Codex<br>`claude-opus-5` | $1.10 | 1 | 220\xa0k | 0 | 0 |
| Claude Code<br>`some-model` | not known | 1 | 1.0\xa0k | 0 | 0 |
| **All** | **$10.20** | **7** | **2.0\xa0M** | **0** | **0** |

| Label | Cost | PRs |
| :-- | --: | --: |
| `bug` | $5.20 | 1 |
| `backend` | $1.10 | 1 |
| No label | $3.10 | 1 |
| No pull request | $0.80 | – |
| **All** | **$10.20** |  |

Labels are those of pull requests and of the issues that they close; what has several is shared between them.

</details>

<sub>List price of the day for the tokens used, not an invoice: plans and discounts are not in it. Mon 16 Nov to Sun 22 Nov 2026, UTC, as far as it is known by now. Commits without a pull request are known from developers' machines alone: the App may not read them on GitHub. Late sessions, and what becomes of the work, change it in place. `/mergecost week 2026-W47` in a comment rebuilds it. [How it is counted](https://mergecost.example/how)</sub>\
""")


def test_late_sessions_update_it_and_its_successor_closes_it(week: World):
    monday(week)
    first = week.weeks()[0]
    writes = week.writes()
    week.tick()
    assert week.writes() == writes, "nothing new, nothing written"
    week.work("Tue 10:00 fix/retry $2.00", "late", by="bob")
    week.settle()
    assert "| Reverted | $3.10 |" in body(week)
    assert [issue.number for issue in week.weeks()] == [first.number]

    week.now_ms = to_ms(MONDAY) + 9 * DAY_MS
    week.send_at("feat/y", 4.00)
    week.settle()
    monday(week, 7 * 24 + 7)
    old, new = week.weeks()
    assert (old.state, old.state_reason, new.state) == ("closed", "completed", "open")
    assert f"Next: #{new.number}." in old.body
    assert f"Before: #{old.number}." in new.body


def test_a_quiet_week_has_none_until_late_work_says_otherwise(week: World):
    monday(week)
    monday(week, 7 * 24 + 7)
    assert len(week.weeks()) == 1
    monday(week, 14 * 24 + 7)
    week.now_ms -= 10 * DAY_MS
    week.send_at("feat/y", 4.00)
    monday(week, 14 * 24 + 8)
    week.settle()
    assert [issue.title.partition(":")[0] for issue in week.weeks()] == [
        "AI spend, week 47 of 2026",
        "AI spend, week 48 of 2026",
    ]
    assert [issue.state for issue in week.weeks()] == ["closed", "open"]


def test_three_replicas_make_one(week: World):
    replicas = [week.bots[0], week.add_replica(), week.add_replica()]
    week.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    for _ in range(2):
        for bot in replicas:
            week.schedule_tick(bot)

    async def all_at_once() -> None:
        import asyncio

        await asyncio.gather(*(run_due(bot) for bot in replicas * 3))

    for _ in range(5):
        week.run(all_at_once())
        week.now_ms += 1000
    week.settle()
    assert len(week.weeks()) == 1


def test_all_down_over_the_boundary_makes_it_late(week: World):
    monday(week, 3 * 24)
    assert [issue.title for issue in week.weeks()] == snapshot(
        ["AI spend, week 47 of 2026: $10.20, 2 merges, median $3.15"]
    )


def test_down_for_weeks_makes_each_that_had_work(week: World):
    week.now_ms = to_ms(MONDAY) + 16 * DAY_MS
    week.send_at("feat/z", 1.00)
    monday(week, 15 * 24)
    assert [(issue.title.partition(":")[0], issue.state) for issue in week.weeks()] == [
        ("AI spend, week 47 of 2026", "closed"),
        ("AI spend, week 49 of 2026", "open"),
    ]


def test_a_clock_that_jumps_back_and_forth_makes_no_second(week: World):
    monday(week)
    for hours in (-30, 2, 6, 5.5, 7, 24):
        monday(week, hours)
    assert len(week.weeks()) == 1


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_an_answer_that_is_lost_makes_no_second(week: World, error):
    week.github.break_next("POST", ISSUES, error=error)
    monday(week)
    assert len(week.weeks()) == 1
    week.work("Tue 10:00 fix/retry $2.00", "late", by="bob")
    week.settle()
    assert "$3.10" in body(week), "it is known again"


def test_github_down_for_a_day_makes_it_the_day_after(week: World):
    week.github.fail_next("POST", ISSUES, status=503, times=30)
    monday(week)
    for hours in range(8, 40):
        monday(week, hours)
    assert len(week.weeks()) == 1


def test_a_lost_answer_makes_no_second_where_a_person_took_the_label_off(week: World):
    week.github.break_next("POST", ISSUES, error=httpx.ReadTimeout)
    week.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    week.schedule_tick(week.bots[0])
    while not week.weeks():
        week.run(run_due(week.bots[0]))
    week.weeks()[0].labels.clear()
    week.tick()
    assert len(week.weeks()) == 1
    week.work("Tue 10:00 fix/retry $2.00", "late", by="bob")
    week.settle()
    assert len(week.weeks()) == 1
    assert "$3.10" in body(week)


def test_where_issues_are_switched_off_there_is_none_until_they_are_on_again(week: World):
    week.repository.has_issues = False
    monday(week)
    assert week.weeks() == []
    week.repository.has_issues = True
    week.now_ms = to_ms(MONDAY) + 9 * DAY_MS
    week.send_at("feat/y", 4.00)
    monday(week, 7 * 24 + 7)
    assert [issue.title.partition(":")[0] for issue in week.weeks()] == ["AI spend, week 48 of 2026"]


def test_a_repository_that_is_renamed_keeps_its_issue(week: World):
    monday(week)
    week.github.rename(week.repository, "gizmos")
    week.deliver()
    week.work("Tue 10:00 fix/retry $2.00", "late", by="bob")
    week.settle()
    assert "$3.10" in body(week)
    assert len(week.weeks()) == 1


def test_a_repository_that_is_made_public_gets_no_more_issues(week: World):
    monday(week)
    week.github.publicize(week.repository)
    week.deliver()
    before = body(week)
    week.work("Tue 10:00 fix/retry $2.00", "late", by="bob")
    week.send_at("feat/y", 4.00)
    monday(week, 7 * 24 + 7)
    assert body(week) == before
    assert len(week.weeks()) == 1
    week.say(12, "/mergecost week 2026-W48")
    week.settle()
    assert week.replies(12) == [
        "Not done: `acme/widgets` is public, and `weekly_on_public` is not set in its settings."
    ]


def test_an_issue_that_a_person_deleted_stays_deleted_until_requested(week: World):
    monday(week)
    week.github.delete_issue(week.repository, week.weeks()[0].number)
    week.work("Tue 10:00 fix/retry $2.00", "late", by="bob")
    week.settle()
    assert week.weeks() == []
    week.now_ms = to_ms(MONDAY) + 9 * DAY_MS
    week.send_at("feat/y", 4.00)
    monday(week, 7 * 24 + 7)
    assert "Before:" not in body(week)
    week.say(12, "/mergecost week 2026-W47")
    week.settle()
    new, old = week.weeks()
    assert (old.title.partition(":")[0], old.state) == ("AI spend, week 47 of 2026", "closed")
    assert f"Before: #{old.number}." in (new.body or "")


def test_a_person_asks_for_a_week_twice_and_in_an_issue(week: World):
    monday(week)
    number = week.weeks()[0].number
    week.say(number, "/mergecost week 2026-W47\n/mergecost week 2026-W47")
    week.say(12, "/mergecost week 2026-w47")
    week.settle()
    assert [issue.number for issue in week.weeks()] == [number]
    assert week.replies(12) == week.replies(number) == []


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("week", "write `/mergecost week 2026-W47`"),
        ("week 47", "write `/mergecost week 2026-W47`"),
        ("week 2026-W48", "the week `2026-W48` is not over yet"),
        ("week 2025-W53", "there is no week `2025-W53`"),
    ],
)
def test_a_week_that_cannot_be_built(week: World, command, reply):
    monday(week)
    week.say(12, f"/mergecost {command}")
    week.settle()
    assert week.replies(12) == [f"Not done: {reply}."]


def test_commands_for_pull_requests_are_refused_in_the_weekly_issue(week: World):
    monday(week)
    number = week.weeks()[0].number
    week.say(number, "/mergecost refresh")
    week.say(number, "just talking")
    week.settle()
    assert week.replies(number) == ["Not done: this is about pull requests: say it in one."]


def test_strangers_cannot_ask(week: World):
    week.say(12, "/mergecost week 2026-W46", by="mallory")
    week.settle()
    assert week.weeks() == []


def test_switched_off(week: World):
    week.settings_file("weekly: false")
    week.push("feat/limit", "7a7a7a7")
    week.open_pull(16, "feat/q")
    week.settle()
    monday(week)
    assert week.weeks() == []


def test_another_day_and_zone(week: World):
    week.settings_file("weekly_day: wednesday\ntime_zone: Pacific/Kiritimati")
    week.open_pull(16, "feat/q")
    week.settle()
    monday(week, 24 + 15.9)
    assert week.weeks() == []
    monday(week, 24 + 16)
    assert "Mon 16 Nov to Sun 22 Nov 2026, Pacific/Kiritimati," in body(week)


def test_another_day_from_the_middle_of_the_week_on(week: World):
    monday(week)
    week.settings_file("weekly_day: friday")
    week.sweep()
    week.send_at("feat/y", 4.00)
    monday(week, 7 * 24 + 7)
    assert len(week.weeks()) == 1
    monday(week, 11 * 24 + 5.9)
    assert len(week.weeks()) == 1
    monday(week, 11 * 24 + 6)
    assert [issue.title.partition(":")[0] for issue in week.weeks()] == [
        "AI spend, week 47 of 2026",
        "AI spend, week 48 of 2026",
    ]


def test_another_time_zone_makes_all_weeks_anew_so_that_none_overlap(week: World):
    monday(week)
    week.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 4 * 3_600_000
    week.send_at("feat/y", 4.00)  # Monday by UTC, Sunday in New York
    monday(week, 7 * 24 + 8)
    assert ["**$10.20**" in body(week, 0), "**$4.00**" in body(week, 1)] == [True, True]
    week.settings_file("time_zone: America/New_York")
    week.sweep()
    assert ["**$14.20**" in body(week, 0), "New&#95;York" in body(week, 1)] == [True, True]
    assert "**$4.00**" not in body(week, 1)


def reports_to(week: World, own_settings: str, *, private: bool = True) -> Repository:
    """Another repository that is to have the issues, with settings of its own."""
    reports = week.github.add_repository(week.org, "reports")
    reports.private = private
    reports.files[".github/mergecost.yml"] = own_settings.encode()
    week.installation.repositories.append(reports)
    week.settings_file("weekly_repository: acme/Reports")
    week.open_pull(16, "feat/q")
    week.work("Sun 22:00 feat/q $1.00", "s16")
    week.sweep()
    return reports


@pytest.mark.parametrize(
    ("own_settings", "private", "problem"),
    [
        ("", True, "`weekly_from` in its settings does not name `acme/widgets`"),
        ("weekly_from: acme/gadgets", True, "`weekly_from` in its settings does not name `acme/widgets`"),
        ("weekly_on_public: true", False, "`weekly_from` in its settings does not name `acme/widgets`"),
        ("weekly_from: acme/widgets", False, "is public, and `weekly_on_public` is not set in its settings"),
    ],
)
def test_no_repository_receives_what_it_did_not_ask_for(week: World, own_settings: str, private: bool, problem: str):
    reports = reports_to(week, own_settings, private=private)
    week.settings_file("weekly_repository: acme/Reports\nweekly_on_public: true")
    monday(week)
    assert week.weeks() == week.weeks(reports) == []
    assert "No weekly issue is made: `acme/reports` " in week.comment(16)
    assert problem in week.comment(16)


def test_a_public_repository_receives_it_if_its_own_settings_say_so(week: World):
    reports = reports_to(week, "weekly_from: acme/gadgets, acme/Widgets\nweekly_on_public: true", private=False)
    monday(week)
    assert [len(week.weeks()), len(week.weeks(reports))] == [0, 1]
    assert "No weekly issue" not in week.comment(16)


@pytest.mark.parametrize("change", ["made public", "no longer asked for"])
def test_where_it_is_no_longer_wanted_the_issue_is_written_no_more(week: World, change: str):
    reports = reports_to(week, "weekly_from: acme/widgets")
    monday(week)
    before = [issue.body for issue in week.weeks(reports)]
    if change == "made public":
        week.github.publicize(reports)
        week.deliver()
    else:
        reports.files[".github/mergecost.yml"] = b""
        week.now_ms += DAY_MS
        week.sweep()
    week.work("Tue 10:00 fix/retry $2.00", "late", by="bob")
    week.settle()
    monday(week, 7 * 24 + 7)
    assert [issue.body for issue in week.weeks(reports)] == before
    assert len(before) == 1


def test_another_repository_receives_it(week: World):
    reports = reports_to(week, "weekly_from: acme/widgets")
    monday(week)
    assert week.weeks() == []
    (issue,) = week.weeks(reports)
    assert issue.title == snapshot("acme/widgets: AI spend, week 47 of 2026: $11.20, 2 merges, median $3.15")
    assert "acme/widgets#13 Retry on 503" in issue.body


def test_never_in_a_public_repository_unless_settings_say_so(week: World):
    week.repository.private = False
    week.sweep()
    monday(week)
    assert week.weeks() == []
    week.settings_file("weekly_on_public: true")
    week.open_pull(16, "feat/q")
    week.settle()
    week.say(12, "/mergecost week 2026-W47")
    week.settle()
    assert len(week.weeks()) == 1


def test_work_abandoned_after_the_week_is_shown_in_it(week: World):
    week.work("Fri 12:00 feat/y $4.00", "s5")
    week.open_pull(18, "feat/y")
    monday(week)
    assert "| Still open | $4.00 |" in body(week)
    monday(week, 24)
    week.close(18)
    week.settle()
    assert "| Abandoned | $7.10 |" in body(week)


def test_silence_turns_into_abandonment_by_time_alone(week: World):
    week.work("Fri 12:00 feat/y $4.00", "s5")
    week.open_pull(18, "feat/y")
    monday(week)
    monday(week, 38 * 24)
    week.send_at("feat/z", 1.00)
    monday(week, 42 * 24 + 6)
    assert len(week.weeks()) == 2
    assert "| Abandoned | $7.10 |" in body(week, 0)


def test_a_revert_after_the_week_is_shown_in_it(week: World):
    monday(week)
    assert "| A merge that stands so far, median | $5.20 | 1 |" in head(week)
    week.open_pull(17, "revert-12", body="Reverts acme/widgets#12")
    week.merge(17)
    week.settle()
    assert "| Reverted | $6.30 |" in body(week)
    assert "| A merge that stands so far, median | – | 0 |" in head(week)


@pytest.mark.parametrize(
    ("zone", "due"),
    [
        ("Europe/Berlin", "2026-10-26 05:00"),
        ("America/New_York", "2026-11-02 11:00"),
        ("Pacific/Kiritimati", "2027-01-03 16:00"),
        ("UTC", "2027-01-04 06:00"),
        ("Europe/Berlin", "2027-01-04 05:00"),
    ],
)
def test_daylight_saving_and_the_turn_of_the_year(database, tmp_path, zone, due):
    due_ms = to_ms(datetime.fromisoformat(due).replace(tzinfo=UTC))
    with World(database, tmp_path, operator=OperatorSettings(defaults={"time_zone": zone})) as world:
        world.now_ms = due_ms - 6 * DAY_MS
        world.tick()
        world.send_at("feat/x", 1.00)
        for minutes in (-90, -1, 0, 1, 59, 60, 61, 120):
            world.now_ms = due_ms + minutes * 60_000
            world.tick()
            assert len(world.weeks()) == (minutes >= 0)
