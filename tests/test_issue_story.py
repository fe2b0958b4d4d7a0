"""What an issue cost, in a comment when it is closed; and the outcome of a change, in its comment."""

import pytest
from inline_snapshot import snapshot

from bot.clock import DAY_MS
from tests.databases import Worlds
from tests.github.state import Pull
from tests.world import World


def text_on(world: World, number: int) -> str:
    """Our comment on an issue, without its small print."""
    (comment,) = world.comments(number)
    return comment.rpartition("\n\n<sub>")[0]


def merged_for_an_issue(world: World) -> None:
    """An open issue with one merged pull request of $3.00 that names it."""
    number = world.open_issue("Clients hammer the API", ["bug"])
    world.work("09:00 feat/a $3.00")
    world.open_pull(12, "feat/a", title="Rate limit", body=f"Fixes #{number}.")
    world.settle()
    world.merge(12)
    world.settle()
    assert world.comments(number) == []


@pytest.fixture
def issue(worlds: Worlds) -> int:
    """Its number. Ask for it before the world."""
    (number,) = (
        number
        for number, issue in worlds.after(merged_for_an_issue).repository.issues.items()
        if not isinstance(issue, Pull)
    )
    return number


def test_a_closed_issue_says_what_it_cost(issue: int, world: World):
    world.close_issue(issue)
    world.settle()
    assert text_on(world, issue) == snapshot("""\
**This issue cost $3.00** of AI work at list price, over 1 pull request.

It was #12, Rate limit.\
""")


def test_several_pull_requests_by_keyword_link_and_branch(issue: int, world: World):
    other = world.open_issue("Another")
    world.work("10:00 x/y $1.00", "s2")
    world.work(f"11:00 fix/{issue}-again $2.00", "s3")
    world.work("12:00 z $5.00", "s4")
    world.open_pull(20, "x/y", title="By hand | linked")
    world.open_pull(21, f"fix/{issue}-again", title="By its branch")
    world.open_pull(22, "z", title="Two at once", body=f"closes #{other}, resolves #{issue}")
    world.github.issue(world.repository, issue).linked_pulls.append(world.github.pull(world.repository, 20))
    world.settle()
    world.close_issue(issue)
    world.settle()
    assert text_on(world, issue) == snapshot("""\
**This issue cost $8.50** of AI work at list price, over 4 pull requests.

<details><summary>Its pull requests</summary>
<br>

| Pull request | Cost | Why this much |
| :-- | --: | :-- |
| #12 Rate limit | $3.00 | all of it |
| #22 Two at once | $2.50 | $5.00, shared between 2 issues |
| #21 By its branch | $2.00 | all of it |
| #20 By hand &#124; linked | $1.00 | all of it |
| **All** | **$8.50** |  |

</details>\
""")


def test_late_money_edits_it_and_opening_it_again_says_so(issue: int, world: World):
    world.close_issue(issue)
    world.settle()
    world.work("09:00 feat/a $1.00", "late")
    world.settle()
    assert "**This issue cost $4.00**" in text_on(world, issue)
    world.github.reopen_issue(world.repository, issue)
    world.deliver()
    world.settle()
    assert "so far: it was opened again" in text_on(world, issue)


def test_a_parent_bears_what_is_below_it(issue: int, world: World):
    parent = world.open_issue("Epic")
    world.github.issue(world.repository, issue).parent = world.github.issue(world.repository, parent)
    world.close_issue(issue)
    world.close_issue(parent)
    world.settle()
    assert text_on(world, parent) == snapshot("""\
**This issue cost $3.00** of AI work at list price, over 1 pull request.

<details><summary>Its pull requests</summary>
<br>

| Pull request | Cost | Why this much |
| :-- | --: | :-- |
| #12 Rate limit | $3.00 | closes #1, below this issue |
| **All** | **$3.00** |  |

</details>\
""")


def test_issues_above_each_other_in_a_circle_come_to_an_end(issue: int, world: World):
    other = world.open_issue("Epic")
    first, second = (world.github.issue(world.repository, number) for number in (issue, other))
    first.parent = second
    world.close_issue(issue)
    first.parent, second.parent = second, first  # one was moved below the other, and we hear of it in two pieces
    world.close_issue(other)
    world.settle()
    assert "**This issue cost $3.00**" in text_on(world, issue)
    assert "**This issue cost $3.00**" in text_on(world, other)


def test_a_sub_issue_that_moves_takes_its_cost_along(issue: int, world: World):
    old, new = world.open_issue("Old epic"), world.open_issue("New epic")
    moving = world.github.issue(world.repository, issue)
    moving.parent = world.github.issue(world.repository, old)
    for number in (issue, old, new):
        world.close_issue(number)
    world.settle()
    assert "**This issue cost $3.00**" in text_on(world, old)
    moving.parent = world.github.issue(world.repository, new)
    world.now_ms += 1000
    world.github.reopen_issue(world.repository, issue)
    world.deliver()
    world.settle()
    assert text_on(world, old) == "**No AI work is booked to this issue any more.** What was here counts elsewhere now."
    assert "**This issue cost $3.00**" in text_on(world, new)


def edit(world: World, number: int, body: str) -> None:
    world.now_ms += 1000
    pull = world.github.pull(world.repository, number)
    pull.body, pull.updated_at = body, world.github.now()
    world.github.issue_event(pull, "edited", world.alice)
    world.deliver()
    world.settle()


def test_a_pull_request_that_names_another_issue_takes_its_cost_along(issue: int, world: World):
    other = world.open_issue("The right one")
    world.close_issue(issue)
    world.close_issue(other)
    world.settle()
    edit(world, 12, f"Fixes #{other}.")
    assert "No AI work is booked to this issue any more" in text_on(world, issue)
    assert "**This issue cost $3.00**" in text_on(world, other)


def test_an_issue_that_is_deleted_bears_nothing(issue: int, world: World):
    other = world.open_issue("Another")
    edit(world, 12, f"Fixes #{issue}, fixes #{other}")
    world.close_issue(issue)
    world.settle()
    assert "**This issue cost $1.50**" in text_on(world, issue)
    world.github.delete_issue(world.repository, other)
    world.deliver()
    world.work("09:00 feat/a $1.00", "late")
    world.settle()
    assert "**This issue cost $4.00**" in text_on(world, issue)


def test_where_issues_are_switched_off_pull_requests_are_still_found(world: World):
    world.repository.has_issues = False
    with world.hold_mail() as mail:
        world.open_pull(12, "feat/a")
        mail.clear()
    world.work("09:00 feat/a $3.00")
    world.sweep()
    assert "**This change cost $3.00**" in world.comment(12)


def test_pull_requests_without_sessions_are_not_zero(world: World):
    number = world.open_issue("By hand")
    world.open_pull(12, "feat/a", body=f"Fixes #{number}")
    world.merge(12)
    world.close_issue(number)
    world.settle()
    assert world.comments(number) == []


@pytest.mark.parametrize("settings", ["comment_on_issues: false", "comment: false", "minimum_usd: 3.01"])
def test_settings_switch_it_off(issue: int, world: World, settings: str):
    world.settings_file(settings)
    world.close_issue(issue)
    world.settle()
    assert world.comments(issue) == []


def test_a_public_repository_gets_none(issue: int, world: World):
    world.repository.private = False
    world.close_issue(issue)
    world.sweep()
    assert world.comments(issue) == []


def test_a_lost_delivery_is_found_by_the_sweep(issue: int, world: World):
    with world.hold_mail() as mail:
        world.close_issue(issue)
        mail.clear()
    world.sweep()
    assert "**This issue cost $3.00**" in text_on(world, issue)


def test_a_sweep_reads_again_only_what_is_new(issue: int, world: World):
    for _ in range(2):
        world.now_ms += 3_600_000
        world.sweep()
    request_count = len(world.github.requests)
    world.now_ms += 3_600_000
    world.sweep()
    paths = {request.path.removeprefix("/repos/acme/widgets") for request in world.github.requests[request_count:]}
    assert {"/pulls", "/issues"} <= paths
    assert not paths & {"/pulls/12", f"/issues/{issue}"}


def outcome(world: World, number: int) -> list[str]:
    return [line for line in world.comment(number).splitlines() if line.startswith(("Merged on", "Reverted by"))]


def test_a_merge_that_lasts_says_so_once(issue: int, world: World):
    before = world.comment(12)
    assert outcome(world, 12) == []
    world.now_ms += 14 * DAY_MS - 60_000
    world.settle()
    assert outcome(world, 12) == ["Merged on 16 Nov 2026, and not reverted in 14 days: it survived."]
    writes = world.writes()
    world.now_ms += 30 * DAY_MS
    world.sweep()
    assert world.writes() == writes
    assert world.comment(12).replace(f"{outcome(world, 12)[0]}\n\n", "") == before


def test_settings_that_ask_for_longer_are_waited_for(issue: int, world: World):
    world.settings_file("survival_days: 30")
    world.sweep()
    world.now_ms += 14 * DAY_MS
    world.sweep()
    assert outcome(world, 12) == []
    world.now_ms += 16 * DAY_MS
    world.settle()
    assert outcome(world, 12) == ["Merged on 16 Nov 2026, and not reverted in 30 days: it survived."]


def test_a_revert_that_turns_out_to_be_none(issue: int, world: World):
    world.open_pull(13, "revert-12", body="Reverts acme/widgets#12")
    world.merge(13)
    world.settle()
    assert outcome(world, 12) == ["Reverted by #13 on 16 Nov 2026: what it cost shipped nothing."]
    edit(world, 13, "Something else")
    assert outcome(world, 12) == []


def test_a_revert_and_its_revert(issue: int, world: World):
    world.open_pull(13, "revert-12", title='Revert "Rate limit"', body="Reverts acme/widgets#12")
    world.settle()
    assert outcome(world, 12) == []
    world.now_ms += DAY_MS
    world.merge(13)
    world.settle()
    assert outcome(world, 12) == ["Reverted by #13 on 17 Nov 2026: what it cost shipped nothing."]
    world.open_pull(14, "again", title='Revert "Revert "Rate limit""', body="Reverts acme/widgets#13")
    world.now_ms += DAY_MS
    world.merge(14)
    world.settle()
    assert outcome(world, 12) == []


def test_work_in_ci_is_a_stage_of_its_own(world: World):
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $3.00")
    world.work("10:00 - $0.50 ci refs/pull/12/merge", "ci", "claude-code")
    world.settle()
    assert "Build $3.00 · CI $0.50" in world.comment(12)
    assert "ran in CI for this pull request" in world.comment(12)
