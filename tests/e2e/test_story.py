"""The whole path against an emulator of GitHub that nobody here wrote: a signed delivery in, a comment out, the same one edited."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from attribution.periods import Week, week_of, weeks_later
from attribution.report import short_id
from attribution.usage import Usage
from tests.e2e.conftest import Stage
from tests.notation import session
from tests.patience import DEADLOCK_SECONDS


def usage_now(text: str, session_id: str) -> list[Usage]:
    """A session in text notation, moved to today so that the server's own clock has seen it."""
    usages = session(text, session_id)
    shift = datetime.now(UTC) - timedelta(minutes=5) - usages[-1].at
    return [msgspec.structs.replace(usage, at=usage.at + shift) for usage in usages]


def usage_in(week: Week, text: str, session_id: str) -> list[Usage]:
    """A session in text notation, moved to the Wednesday of a week."""
    usages = session(text, session_id)
    shift = week.from_at + timedelta(days=2, hours=12) - usages[0].at
    return [msgspec.structs.replace(usage, at=usage.at + shift) for usage in usages]


def push(stage: Stage, usages: list[Usage]) -> None:
    body = {"requests": [json.loads(msgspec.json.encode(usage)) for usage in usages]}
    answer = httpx.post(
        f"{stage.url}/v1/usage", json=body, headers={"Authorization": f"Bearer {stage.token}"}, timeout=DEADLOCK_SECONDS
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["refused"] == []


# The first story is told on both databases; what the others add is GitHub's.
one_database = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def test_a_delivery_in_a_comment_out_more_usage_and_the_same_comment_edited(stage: Stage):
    number = stage.github.open_pull("feat/limit")
    push(stage, usage_now("09:00 main $0.50\n09:10 feat/limit $1.25", "first"))
    stage.wait_for_write()
    (first,) = stage.github.comments(number)
    assert "**This change cost at least $1.75**" in first

    push(stage, usage_now("10:00 feat/limit $2.00", "second"))
    stage.wait_for_write()
    (second,) = stage.github.comments(number)
    assert "**This change cost at least $3.75**" in second
    assert [method for method, _ in stage.shim.writes] == ["POST", "PATCH"]


@one_database
def test_after_uninstall_and_reinstall_the_one_comment_says_the_sum_of_both_times(stage: Stage):
    number = stage.github.open_pull("feat/limit")
    push(stage, usage_now("09:10 feat/limit $1.25", "first"))
    stage.wait_for_write()
    stage.shim.swept.clear()
    stage.install_again()
    assert stage.shim.swept.wait(DEADLOCK_SECONDS)  # the server has read what the new installation covers

    push(stage, usage_now("10:00 feat/limit $2.00", "second"))
    stage.wait_for_write()
    (body,) = stage.github.comments(number)
    assert "**This change cost at least $3.25**" in body
    assert [method for method, _ in stage.shim.writes] == ["POST", "PATCH"]


@one_database
def test_a_maintainer_takes_a_session_off_in_the_pull_request(stage: Stage):
    number = stage.github.open_pull("feat/limit")
    push(stage, usage_now("09:10 feat/limit $1.25", "first"))
    stage.wait_for_write()
    push(stage, usage_now("10:00 feat/limit $2.00", "second"))
    stage.wait_for_write()
    stage.say(number, f"/mergecost unlink {short_id('claude-code', 'first')}")
    stage.wait_for_write()
    stage.wait_for_reaction()
    ours, command = stage.github.comments(number)
    assert "**This change cost at least $2.00**" in ours
    assert command.startswith("/mergecost unlink")
    assert [path.rpartition("/")[2] for _, path in stage.shim.reactions] == ["reactions"]


@one_database
def test_a_week_gets_its_issue_late_data_fixes_it_and_the_next_closes_it(stage: Stage):
    zone = ZoneInfo("UTC")
    last = weeks_later(week_of(datetime.now(UTC), zone), -1, zone)
    before = weeks_later(last, -1, zone)
    number = stage.github.open_pull("feat/limit")
    push(stage, usage_in(before, "09:10 main $1.25", "first") + usage_in(last, "09:10 main $4.00", "other"))
    stage.say(number, f"/mergecost week {before.name}")
    stage.wait_for_issue()
    (issue,) = stage.github.issues()
    assert issue["title"] == f"AI spend, week {before.number} of {before.year}: $1.25, no merge"
    assert [label["name"] for label in issue["labels"]] == ["mergecost"]
    assert "| No pull request | $1.25 | 100% | – |" in issue["body"]

    push(stage, usage_in(before, "09:20 main $0.75", "late"))
    stage.wait_for_issue()
    (again,) = stage.github.issues()
    assert (again["number"], again["state"]) == (issue["number"], "open")
    assert "| No pull request | $2.00 | 100% | – |" in again["body"]

    stage.say(number, f"/mergecost week {last.name}")
    stage.wait_for_issue(2)
    old, new = sorted(stage.github.issues(), key=lambda issue: issue["number"])
    assert (old["number"], old["state"], new["state"]) == (issue["number"], "closed", "open")
    assert f"Next: #{new['number']}." in old["body"]
    assert f"Before: #{old['number']}." in new["body"]


@one_database
@pytest.mark.parametrize("stage", [["budget_pull_usd = 3\n", "enforce = true\n"]], indirect=True)
def test_a_check_run_is_neutral_then_asks_for_an_approval_and_then_has_it(stage: Stage):
    number = stage.github.open_pull("feat/limit")
    stage.wait_for_check()
    assert stage.github.check(number)["conclusion"] == "neutral"

    push(stage, usage_now("09:00 feat/limit $1.25", "first"))
    stage.wait_for_check()
    run = stage.github.check(number)
    assert (run["conclusion"], run["output"]["title"]) == ("neutral", "at least $1.25 at list price, 42% of the budget")

    push(stage, usage_now("10:00 feat/limit $2.50", "second"))
    stage.wait_for_check()
    run = stage.github.check(number)
    assert (run["conclusion"], run["output"]["title"]) == (
        "action_required",
        "at least $3.75 at list price, 125% of the budget: needs an approval",
    )

    stage.say(number, "/mergecost approve the migration needed it")
    stage.wait_for_check()
    run = stage.github.check(number)
    assert (run["conclusion"], run["output"]["title"]) == (
        "success",
        "at least $3.75 at list price, 125% of the budget: approved",
    )
    stage.wait_for_comment(number, "up to $6.75: the migration needed it.")

    push(stage, usage_now("11:00 feat/limit $3.50", "third"))
    stage.wait_for_check()
    assert stage.github.check(number)["conclusion"] == "action_required"
    stage.press(number)
    stage.wait_for_check()
    assert stage.github.check(number)["conclusion"] == "success"
