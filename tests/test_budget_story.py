"""Budgets of pull requests: the check run, approvals and notices, on both databases."""

import asyncio
import re

import pytest
from inline_snapshot import snapshot
from sqlalchemy import select

from attribution.report import short_id
from bot.clock import DAY_MS
from bot.repository_settings import OperatorSettings
from bot.store import budgets as budget_store
from bot.worker import run_due
from tests.channel import URL
from tests.databases import Worlds
from tests.world import World

OPERATOR = OperatorSettings(defaults={"budget_pull_usd": 15, "alert_url": URL})
ENFORCED = OperatorSettings(defaults={"budget_pull_usd": 15, "enforce": True, "alert_url": URL})
CHECKS = r".+/check-runs.*"


@pytest.fixture
def watched(worlds: Worlds) -> World:
    """Budgets that only tell."""
    return worlds.world(OPERATOR)


@pytest.fixture
def enforced(worlds: Worlds) -> World:
    """Budgets that ask for an approval."""
    return worlds.world(ENFORCED)


def work(world: World, cents: int, session_id: str = "s1", hour: int = 9) -> None:
    """A session on the branch of #12, in requests as large as a model can take."""
    amounts = [400] * (cents // 400) + [cents % 400] * (cents % 400 > 0)
    requests = [f"{hour}:{i:02d} feat/limit ${amount // 100}.{amount % 100:02d}" for i, amount in enumerate(amounts)]
    world.work("\n".join(requests), session_id)


def over(world: World) -> None:
    world.open_pull(12, "feat/limit")
    work(world, 1720)
    world.settle()


def line(world: World, number: int = 12) -> str:
    """The budget in the comment."""
    return world.comment(number).split("\n\n")[1]


def no_check(world: World) -> bool:
    return not world.github.check_runs(world.repository, world.github.pull(world.repository, 12).head_sha)


def test_a_check_run_says_the_headline_and_never_judges(world: World):
    world.open_pull(12, "feat/limit")
    world.work("09:00 feat/limit $4.12")
    world.settle()
    assert world.check(12) == snapshot(
        (
            "neutral",
            "$4.12 at list price",
            """\
**This change cost $4.12** of AI work at list price.

Seen: 1 session of Claude Code, 1 request; the author of its commits reports.

[Where it went, and why it counts here](https://github.com/acme/widgets/pull/12#issuecomment-1017)

<sub>List price of the day for the tokens used, not an invoice. Only what reached Mergecost is counted.</sub>\
""",
        )
    )
    assert "budget" not in world.comment(12)


def test_a_pull_request_without_work_gets_no_check_run(world: World):
    world.open_pull(12, "feat/limit")
    world.settle()
    assert no_check(world)


def test_where_it_may_be_required_a_check_run_is_there_with_nothing_to_say(enforced: World):
    enforced.open_pull(12, "feat/limit")
    enforced.settle()
    assert enforced.check(12) == snapshot(
        ("neutral", "No AI work is known", "No AI work that reached Mergecost is booked to this change.")
    )


def test_a_new_head_gets_a_check_run_of_its_own_at_once(enforced: World):
    over(enforced)
    first = enforced.check_run(12)
    enforced.push("feat/limit", "2a2a2a2")
    enforced.run(run_due(enforced.bots[0]))
    enforced.now_ms += 1000
    enforced.run(run_due(enforced.bots[0]))
    second = enforced.check_run(12)
    assert second.id != first.id
    assert (second.conclusion, second.output["title"]) == (first.conclusion, first.output["title"])


def test_over_the_budget_without_enforce_is_only_reported(watched: World):
    over(watched)
    assert watched.check(12)[:2] == snapshot(("neutral", "$17.20 at list price, 115% of the budget"))
    assert line(watched) == snapshot("`███████████┃▒▒` 115% of the $15.00 budget.")
    assert watched.channel.texts == snapshot(["acme/widgets#12 is over its budget: $17.20 of $15.00 at list price."])


def test_over_the_budget_it_needs_an_approval_with_a_reason(enforced: World):
    over(enforced)
    assert enforced.check(12) == snapshot(
        (
            "action_required",
            "$17.20 at list price, 115% of the budget: needs an approval",
            """\
**This change cost $17.20** of AI work at list price.

`███████████┃▒▒` 115% of the $15.00 budget. **It needs an approval:** somebody with write access says `/mergecost approve REASON` in a comment, or presses *Approve* in the check run.

Seen: 1 session of Claude Code, 5 requests; the author of its commits reports.

[Where it went, and why it counts here](https://github.com/acme/widgets/pull/12#issuecomment-1017)

<sub>List price of the day for the tokens used, not an invoice. Only what reached Mergecost is counted.</sub>\
""",
        )
    )
    assert line(enforced) == snapshot(
        "`███████████┃▒▒` 115% of the $15.00 budget. **It needs an approval:** somebody with write access says `/mergecost approve REASON` in a comment, or presses *Approve* in the check run."
    )

    enforced.say(12, "/mergecost approve")
    enforced.settle()
    assert enforced.replies(12) == snapshot(["Not done: write `/mergecost approve REASON`, with why it may cost more."])
    assert enforced.check(12)[0] == "action_required"

    enforced.say(12, "/mergecost approve the migration needed it, because of #3")
    enforced.settle()
    assert enforced.check(12)[:2] == snapshot(("success", "$17.20 at list price, 115% of the budget: approved"))
    assert line(enforced) == snapshot(
        "`███████████┃▒▒` 115% of the $15.00 budget. Approved on 16 Nov 2026 up to $32.20: the migration needed it, because of #\u200b3."
    )
    assert enforced.check_run(12).actions == []


def test_an_approval_is_in_the_audit_with_who_when_why_and_how_much(enforced: World):
    over(enforced)
    enforced.say(12, "/mergecost approve needed")
    enforced.settle()
    with enforced.database.read() as connection:
        (row,) = connection.execute(select(budget_store.approvals_given))
    assert (row.account_id, row.number, row.by_login, row.reason) == (
        enforced.org.id,
        12,
        "alice",
        "needed",
    )
    assert (row.cost_micros, row.up_to_micros) == (17_200_000, 32_200_000)
    assert "alice" not in enforced.comment(12) + str(enforced.check(12))


def test_an_approval_holds_up_to_an_amount_and_no_further(enforced: World):
    over(enforced)
    enforced.say(12, "/mergecost approve needed")
    enforced.settle()
    work(enforced, 1500, "s2", 11)
    enforced.settle()
    assert enforced.check(12)[0] == "success"
    work(enforced, 1, "s3", 12)
    enforced.settle()
    assert enforced.check(12)[0] == "action_required"


def test_strangers_approve_nothing(enforced: World):
    over(enforced)
    enforced.say(12, "/mergecost approve I want it", by="mallory")
    enforced.settle()
    assert enforced.check(12)[0] == "action_required"
    assert enforced.replies(12) == snapshot(
        [
            "Not done: only people with write access to the repository may say this here, and who has it is asked every ten minutes."
        ]
    )


def test_there_is_nothing_to_approve_within_the_budget(enforced: World):
    enforced.open_pull(12, "feat/limit")
    work(enforced, 400)
    enforced.say(12, "/mergecost approve just in case")
    enforced.settle()
    assert enforced.replies(12) == snapshot(
        ["Not done: it is within its budget of &#36;15.00, so there is nothing to approve."]
    )


def test_there_is_nothing_to_approve_without_a_budget(world: World):
    world.open_pull(12, "feat/limit")
    world.say(12, "/mergecost approve just in case")
    world.settle()
    assert world.replies(12) == snapshot(
        ["Not done: pull requests have no budget here: `budget_pull_usd` in the settings."]
    )


def test_the_button_of_the_check_run_approves_once(enforced: World):
    over(enforced)
    with enforced.hold_mail() as mail:
        enforced.press(12)
        mail.append(mail[0])
    enforced.settle()
    assert enforced.check(12)[:2] == snapshot(("success", "$17.20 at list price, 115% of the budget: approved"))
    assert line(enforced) == snapshot(
        "`███████████┃▒▒` 115% of the $15.00 budget. Approved on 16 Nov 2026 up to $32.20: with the button of the check run."
    )
    with enforced.database.read() as connection:
        assert len(connection.execute(select(budget_store.approvals_given)).all()) == 1


def approve(world: World, way: str) -> None:
    """By the button or in a comment."""
    if way == "press":
        world.press(12)
    else:
        world.say(12, "/mergecost approve needed")


@pytest.mark.parametrize("way", ["press", "comment"])
def test_what_arrives_late_approves_what_was_to_be_seen_when_it_was_said(enforced: World, way: str):
    over(enforced)
    with enforced.hold_mail():
        approve(enforced, way)
        enforced.now_ms += DAY_MS
        work(enforced, 1000, "s2", hour=11)
        enforced.settle()
        assert enforced.check(12)[1] == snapshot("$27.20 at list price, 182% of the budget: needs an approval")
    enforced.settle()
    assert "up to $32.20" in line(enforced)
    work(enforced, 600, "s3", hour=12)
    enforced.settle()
    assert enforced.check(12)[0] == "action_required"


@pytest.mark.parametrize("way", ["press", "comment"])
def test_what_arrives_when_it_costs_much_more_approves_nothing(enforced: World, way: str):
    public(enforced)  # its check run says the same at any cost
    with enforced.hold_mail():
        approve(enforced, way)
        enforced.now_ms += DAY_MS
        work(enforced, 4000, "s2", hour=11)
        enforced.settle()
    enforced.settle()
    assert enforced.check(12)[0] == "action_required"
    reply = snapshot(
        "Not done: by now it costs more than an approval of what was to be seen then allows: look at it and say it again."
    )
    assert enforced.replies(12) == ([reply] if way == "comment" else [])
    enforced.press(12)
    enforced.settle()
    assert enforced.check(12)[0] == "success"


def test_nobody_approves_what_nothing_says_yet(enforced: World):
    enforced.open_pull(12, "feat/limit")
    work(enforced, 400)
    enforced.settle()
    with enforced.hold_mail():
        enforced.say(12, "/mergecost approve in advance")
        enforced.now_ms += 1000
        work(enforced, 1400, "s2", hour=11)
        enforced.settle()
    enforced.settle()
    assert enforced.replies(12) == snapshot(
        ["Not done: no check run or comment here said by then that it needs an approval: say it again when one does."]
    )
    assert enforced.check(12)[0] == "action_required"


def test_a_press_by_whoever_may_not_write_changes_nothing(enforced: World):
    over(enforced)
    enforced.press(12, by="mallory")
    enforced.settle()
    assert enforced.check(12)[0] == "action_required"


def test_a_press_in_another_apps_check_run_is_not_for_us(enforced: World):
    over(enforced)
    run = enforced.check_run(12)
    ours, run.app = run.app, enforced.github.add_app("other", enforced.org)
    enforced.press(12)
    run.app = ours
    enforced.settle()
    assert enforced.check(12)[0] == "action_required"


def test_what_is_not_known_never_blocks(enforced: World):
    enforced.open_pull(12, "feat/limit")
    enforced.work("09:00 feat/limit some-model\n09:10 feat/limit $4.00")
    enforced.settle()
    assert enforced.check(12)[:2] == snapshot(("neutral", "$4.00 at list price, 27% of the budget"))
    assert line(enforced) == snapshot(
        "`███░░░░░░░░░░░` 27% of the $15.00 budget, without 1 request at a price that is not known."
    )


def public(world: World, settings: str = "") -> None:
    world.settings_file(settings)
    world.github.publicize(world.repository)
    world.deliver()
    over(world)


def test_a_public_repository_gets_a_check_run_in_place_of_the_comment_without_figures(enforced: World):
    public(enforced)
    assert enforced.comments(12) == []
    assert enforced.check(12) == snapshot(
        (
            "action_required",
            "Over its budget: needs an approval",
            """\
What this change cost is not shown in a public repository, unless `check_amounts_on_public` is set. Whoever runs the Mergecost server sees it in `mergecost report --pull 12`, and programs with a read token below `/api/v1`.

**It needs an approval:** somebody with write access says `/mergecost approve REASON` in a comment, or presses *Approve* in the check run.\
""",
        )
    )
    enforced.say(12, "/mergecost approve needed")
    enforced.settle()
    assert enforced.check(12) == snapshot(
        (
            "success",
            "Over its budget: approved",
            "What this change cost is not shown in a public repository, unless `check_amounts_on_public` is set. Whoever runs the Mergecost server sees it in `mergecost report --pull 12`, and programs with a read token below `/api/v1`.",
        )
    )
    assert not re.search(r"\$|%|\d+ (session|request)", str(enforced.check(12)))


def test_the_button_approves_in_public_too(enforced: World):
    public(enforced)
    enforced.press(12)
    enforced.settle()
    assert enforced.check(12)[:2] == ("success", "Over its budget: approved")


def test_within_its_budget_nothing_says_how_far(enforced: World):
    enforced.github.publicize(enforced.repository)
    enforced.deliver()
    enforced.open_pull(12, "feat/limit")
    work(enforced, 400)
    enforced.say(12, "/mergecost approve just in case")
    enforced.settle()
    assert enforced.check(12)[:2] == snapshot(("neutral", "Its figures are not shown in public"))
    assert enforced.replies(12) == snapshot(["Not done: it is within its budget, so there is nothing to approve."])


def test_settings_show_the_amounts_in_public(enforced: World):
    public(enforced, "check_amounts_on_public: true")
    assert enforced.check(12) == snapshot(
        (
            "action_required",
            "$17.20 at list price, 115% of the budget: needs an approval",
            """\
**This change cost $17.20** of AI work at list price.

`███████████┃▒▒` 115% of the $15.00 budget. **It needs an approval:** somebody with write access says `/mergecost approve REASON` in a comment, or presses *Approve* in the check run.

<sub>List price of the day for the tokens used, not an invoice. Only what reached Mergecost is counted.</sub>\
""",
        )
    )


def test_a_repository_that_is_made_public_shows_no_more_figures(enforced: World):
    over(enforced)
    assert "$17.20" in enforced.check(12)[1]
    enforced.now_ms += DAY_MS  # nothing else is new
    enforced.sweep()
    enforced.github.publicize(enforced.repository)
    enforced.deliver()
    enforced.settle()
    assert enforced.check(12)[:2] == ("action_required", "Over its budget: needs an approval")


@pytest.fixture
def by_others(enforced: World) -> World:
    """A pull request of alice's over its budget, with a commit of bob's."""
    enforced.settings_file("approvals: others")
    enforced.repository.collaborators |= {"alice": "admin", "bob": "write", "carol": "write"}
    enforced.commit("1111111", by="bob")
    enforced.open_pull(12, "feat/limit", "1111111")
    work(enforced, 1720)
    enforced.settle()
    return enforced


@pytest.mark.parametrize("by", ["alice", "bob"])
def test_whoever_opened_or_wrote_it_does_not_approve_it(by_others: World, by: str):
    by_others.say(12, "/mergecost approve I need it", by=by)
    by_others.press(12, by=by)
    by_others.settle()
    assert by_others.check(12)[0] == "action_required"
    assert by_others.replies(12) == snapshot(
        [
            "Not done: whoever opened this pull request or wrote a commit of it cannot approve it: `approvals: others` in the settings."
        ]
    )
    assert "somebody with write access who neither opened" in by_others.check(12)[2]


def test_others_approve_it(by_others: World):
    by_others.say(12, "/mergecost approve looks fine", by="carol")
    by_others.settle()
    assert by_others.check(12)[0] == "success"


def test_whoever_pushed_a_commit_meanwhile_does_not_approve_it(by_others: World):
    by_others.commit("2222222", by="carol")
    by_others.push("feat/limit", "2222222")
    by_others.say(12, "/mergecost approve looks fine", by="carol")
    by_others.settle()
    assert by_others.check(12)[0] == "action_required"


def test_no_check_run_where_it_is_switched_off(watched: World):
    watched.settings_file("check: false")
    over(watched)
    assert no_check(watched)
    assert "115%" in line(watched)


def test_other_settings_are_seen_in_pull_requests_that_stand_still(enforced: World):
    over(enforced)
    assert enforced.check(12)[0] == "action_required"
    enforced.settings_file("budget_pull_usd: 20")
    enforced.open_pull(13, "feat/other")  # an event arrives, so the file is read again
    enforced.settle()
    assert enforced.check(12)[:2] == ("neutral", "$17.20 at list price, 86% of the budget")


@pytest.mark.parametrize("status", [500, 502])
def test_a_check_run_that_was_made_with_an_error_is_not_made_again(watched: World, status: int):
    watched.github.fail_next("POST", CHECKS, status=status, after_applying=True)
    over(watched)
    assert watched.check(12)[0] == "neutral"


def test_an_app_that_may_not_write_check_runs_still_comments(watched: World):
    watched.github.fail_next("POST", CHECKS, status=404, times=50)
    over(watched)
    assert "$17.20" in watched.comment(12)


def test_each_level_is_notified_once_whatever_the_number_of_replicas(watched: World):
    watched.open_pull(12, "feat/limit")
    watched.add_replica()
    watched.add_replica()
    for i, cents in enumerate((750, 10, 500, 20, 900, 900)):
        work(watched, cents, f"s{i}", 9 + i)
        watched.run(together(watched))
        watched.settle()
    assert watched.channel.texts == snapshot(
        [
            "acme/widgets#12 has used 50% of its budget: $7.50 of $15.00 at list price.",
            "acme/widgets#12 has used 84% of its budget: $12.60 of $15.00 at list price.",
            "acme/widgets#12 is over its budget: $21.80 of $15.00 at list price.",
        ]
    )


async def together(world: World) -> None:
    for _ in range(8):
        await asyncio.gather(*(run_due(bot) for bot in world.bots))
        world.now_ms += 10_000


def test_spend_that_falls_and_rises_again_is_not_notified_twice(watched: World):
    over(watched)
    session = short_id("claude-code", "s1")
    watched.say(12, f"/mergecost unlink {session}")
    watched.settle()
    assert watched.shares() == {"-": 1720}
    watched.say(12, f"/mergecost link {session}")
    watched.settle()
    assert watched.shares() == {"#12": 1720}
    assert len(watched.channel.texts) == 1


def test_a_notice_that_does_not_arrive_is_sent_again_later_and_once(watched: World):
    watched.channel.answers = [500, 302, 404]
    over(watched)
    assert watched.channel.texts == snapshot(["acme/widgets#12 is over its budget: $17.20 of $15.00 at list price."])
    ids = {headers["webhook-id"] for headers, _ in watched.channel.requests}
    assert (len(watched.channel.requests), len(ids)) == (4, 1)


# Which addresses are inside: `tests/bot/test_notify.py`.
@pytest.mark.parametrize("addresses", [["93.184.215.14", "10.0.0.5"], []])
def test_no_notice_goes_to_an_address_inside(watched: World, addresses: list[str]):
    watched.channel.addresses = {"hooks.chat.example": addresses}
    over(watched)
    watched.now_ms += DAY_MS
    watched.settle()
    assert watched.channel.requests == []
    assert "115%" in line(watched), "the comment does not wait for it"
