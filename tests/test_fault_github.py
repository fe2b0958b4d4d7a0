"""Faults of GitHub (numbers as in `tests/faults.py`): what is wanted waits and is done; odd answers decide nothing."""

import itertools
import json
from collections import Counter

import pytest
from sqlalchemy import select
from starlette.responses import HTMLResponse, JSONResponse, Response

from bot.github import redeliver
from bot.repository_settings import OperatorSettings
from bot.store import accounts as account_store
from bot.store.accounts import WRITE_BURST, WRITE_INTERVAL_MS
from bot.work import queue
from bot.work.queue import Kind, Work
from bot.worker import run_due
from tests.databases import Worlds
from tests.test_publish_story import about_to_comment, ours
from tests.world import World

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
ANYTHING, COMMENTS, COMMENT = r"/.*", r".+/issues/12/comments", r".+/issues/comments/\d+"
FOR_EVER = 10**9
FOR_EVER_MS = 10**15


@pytest.fixture
def ready(worlds: Worlds) -> World:
    return worlds.after(about_to_comment)


def work_until(world: World, until_ms: int) -> None:
    """Let the bot work until then. Time jumps to whatever is due next; a tick comes each quarter of an hour, for what it asks for
    is due at full hours and days."""
    tick_at_ms = world.now_ms
    while world.now_ms < until_ms:
        if world.now_ms >= tick_at_ms:
            world.schedule_tick(world.bots[0])
            tick_at_ms = world.now_ms + 15 * MINUTE_MS
        while world.run(run_due(world.bots[0])):
            pass
        world.now_ms = min(next_due_at_ms(world), tick_at_ms, until_ms)


def next_due_at_ms(world: World) -> int:
    """When work can be claimed next, once nothing can be now."""
    with world.database.read() as connection:
        due_at_ms = queue.next_due_at_ms(connection)
    return FOR_EVER_MS if due_at_ms is None else max(due_at_ms, world.now_ms + 1)


def errors(world: World) -> dict[str, str]:
    """What ended without being done, and why."""
    with world.database.read() as connection:
        rows = connection.execute(select(queue.jobs).where(queue.jobs.c.last_error != "")).all()
    return {row.kind: row.last_error for row in rows if row.done_count >= row.request_count}


@pytest.mark.parametrize("minutes", [43, 6 * 60])
@pytest.mark.parametrize("status", [500, 502, 401])
def test_an_outage_of_github_loses_nothing(ready: World, status: int, minutes: int):
    for method in ("GET", "POST", "PATCH"):
        ready.github.fail_next(method, ANYTHING, status=status, times=FOR_EVER)
    start, before = ready.now_ms, len(ready.github.requests)
    work_until(ready, start + minutes * MINUTE_MS)
    assert ours(ready) == []
    calls = len(ready.github.requests) - before
    assert calls < 60 + minutes, "pauses grow"
    ready.github.recover()
    work_until(ready, ready.now_ms + 20 * MINUTE_MS)
    assert len(ours(ready)) == 1
    assert "$1.00" in ready.comment(12)


@pytest.mark.parametrize("hours", [2, 30])
def test_a_suspension_that_no_delivery_told_of_loses_nothing(ready: World, hours: int):
    with ready.hold_mail() as mail:
        ready.github.suspend(ready.installation)
        mail.clear()
    work_until(ready, ready.now_ms + hours * HOUR_MS)
    assert ours(ready) == []
    with ready.hold_mail() as mail:
        ready.github.unsuspend(ready.installation)
        mail.clear()
    ready.sweep()
    assert len(ours(ready)) == 1


@pytest.fixture
def over_budget(worlds: Worlds) -> World:
    """A pull request that asks for an approval, an issue, and a settled conversation."""
    return worlds.after(about_to_be_approved, OperatorSettings(defaults={"budget_pull_usd": 5, "enforce": True}))


def about_to_be_approved(world: World) -> None:
    world.open_issue("Clients hammer the API")
    world.open_pull(12, "feat/a", body="Fixes #1")
    world.work("09:00 feat/a $8.00")
    world.say(12, "Please!")
    world.settle()
    assert world.check(12)[0] == "action_required"


# On an issue there is nothing to refresh.
ANSWERED = [{("mergecost[bot]", "+1")}, {("mergecost[bot]", "confused")}]


def down(world: World, hours: int) -> None:
    """What happens while no server runs: every delivery fails."""
    with world.hold_mail() as mail:
        world.press(12)
        world.push("feat/a", "2b3c4d5")
        for number in range(20, 40):
            world.open_pull(number, f"feat/{number}")
        (remark,) = (comment for comment in world.github.comments(world.repository, 12) if comment.body == "Please!")
        world.now_ms += MINUTE_MS
        world.github.edit_comment(remark, "/mergecost refresh", world.alice)
        world.say(1, "/mergecost refresh")
        mail.clear()
    world.now_ms += hours * HOUR_MS


def attempts(world: World) -> Counter[str]:
    """How often each delivery that failed was asked for again."""
    return Counter(delivery.guid for delivery in world.github.deliveries if delivery.redelivery)


def reactions(world: World) -> list[set[tuple[str, str]]]:
    """To the commands in comments."""
    comments = world.repository.comments.values()
    return [comment.reactions for comment in comments if comment.body == "/mergecost refresh"]


def test_after_six_hours_of_downtime_everything_that_people_did_is_done(over_budget: World):
    """A press of the button, a comment made a command, one on an issue, a push, twenty new pull requests."""
    before = len(over_budget.github.deliveries)
    down(over_budget, 6)
    lost = {delivery.guid for delivery in over_budget.github.deliveries[before:]}
    over_budget.sweep()
    assert over_budget.check(12)[0] == "success", "the press was heard"
    assert reactions(over_budget) == ANSWERED
    over_budget.work("10:30 feat/30 $3.00", "s2")
    over_budget.settle()
    assert "$3.00" in over_budget.comment(30)
    assert attempts(over_budget) == dict.fromkeys(lost, 1)
    over_budget.now_ms += HOUR_MS
    over_budget.sweep()
    assert attempts(over_budget) == dict.fromkeys(lost, 1), "none is asked for twice"


def test_after_six_days_of_downtime_reading_finds_everything_but_presses(over_budget: World):
    """GitHub keeps deliveries for three days."""
    down(over_budget, 6 * 24)
    over_budget.sweep()
    assert attempts(over_budget) == {}
    assert over_budget.check(12)[0] == "action_required", "whoever pressed presses again: the button stands there"
    assert reactions(over_budget) == ANSWERED
    over_budget.work("10:30 feat/30 $3.00", "s2")
    over_budget.press(12)
    over_budget.settle()
    assert "$3.00" in over_budget.comment(30)
    assert over_budget.check(12)[0] == "success"


def test_of_thousands_of_failed_deliveries_the_presses_are_asked_for_first(over_budget: World, monkeypatch):
    monkeypatch.setattr(redeliver, "MOST", 3)
    down(over_budget, 6)
    over_budget.sweep()
    assert sum(attempts(over_budget).values()) == 3
    assert over_budget.check(12)[0] == "success"


def test_a_delivery_that_fails_again_is_asked_for_again_and_one_that_we_refuse_is_not(over_budget: World):
    with over_budget.hold_mail() as mail:
        over_budget.press(12)
        over_budget.push("feat/a", "2b3c4d5")
        (press,) = (delivery for delivery in mail if "requested_action" in delivery.payload)
        refused = set(mail) - {press}
        for other in refused:
            over_budget.github.record_answer(other, 400)
        mail.clear()
    over_budget.now_ms += HOUR_MS
    with over_budget.hold_mail() as mail:
        over_budget.sweep()
        assert [delivery.guid for delivery in mail if delivery.redelivery] == [press.guid]
        mail.clear()  # down once more
    over_budget.now_ms += HOUR_MS
    over_budget.sweep()
    assert attempts(over_budget)[press.guid] == 2
    assert attempts(over_budget).keys().isdisjoint(delivery.guid for delivery in refused)
    assert over_budget.check(12)[0] == "success"


def test_looking_for_failed_deliveries_reads_none_twice(over_budget: World):
    for _ in range(250):
        over_budget.push("feat/a", "2b3c4d5", force=True)
    over_budget.sweep()
    over_budget.now_ms += HOUR_MS
    over_budget.sweep()
    over_budget.now_ms += HOUR_MS
    before = len(over_budget.github.requests)
    over_budget.sweep()
    pages = [request for request in over_budget.github.requests[before:] if request.path == "/app/hook/deliveries"]
    assert len(pages) == 1


@pytest.mark.parametrize("headers", [{}, {"retry-after": "60"}])
def test_the_pauses_of_a_secondary_limit_double(ready: World, headers: dict[str, str]):
    ready.github.fail_next("POST", COMMENTS, status=403, headers=headers, times=FOR_EVER)
    start, times = ready.now_ms, list[int]()
    while ready.now_ms < start + 4 * HOUR_MS:
        before = len(ready.github.writes())
        if ready.run(run_due(ready.bots[0])) == 0:
            ready.now_ms = next_due_at_ms(ready)
        if any(write.path.endswith("/issues/12/comments") for write in ready.github.writes()[before:]):
            times.append(ready.now_ms)
    pauses = [round((b - a) / MINUTE_MS) for a, b in itertools.pairwise(times)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60][: len(pauses)]
    assert 7 <= len(times) <= 9
    ready.github.recover()
    work_until(ready, ready.now_ms + 2 * HOUR_MS)
    assert len(ours(ready)) == 1


def test_calls_that_were_under_way_when_the_limit_came_do_not_lengthen_it(ready: World):
    with ready.database.write() as connection:
        until = [account_store.pause(connection, ready.org.id, 60_000, now, is_secondary=True) for now in (0, 1, 2)]
        later = account_store.pause(connection, ready.org.id, 0, 60_000 + 2 * HOUR_MS, is_secondary=True)
    assert until == [60_000] * 3
    assert later - 60_000 - 2 * HOUR_MS == 60_000, "an hour without one forgets it"


def test_no_hour_has_more_than_500_writes(ready: World):
    now, turns = ready.now_ms, list[int]()
    with ready.database.write() as connection:
        while len(turns) < 1200:
            at = account_store.take_write_turn(connection, ready.org.id, now, 1000)
            if at is None:
                turns.append(now)
            now = now if at is None else at
    for first in range(0, 1200, 50):
        assert sum(turns[first] <= turn < turns[first] + HOUR_MS for turn in turns) <= 500
    assert turns[WRITE_BURST - 1] - turns[0] == (WRITE_BURST - 1) * 1000, "few at once need not wait"
    assert turns[-1] - turns[-2] == WRITE_INTERVAL_MS


@pytest.mark.parametrize(
    "odd",
    [
        HTMLResponse("<html><title>Unicorn!</title></html>"),
        Response(b'{"id": 5, "body": "tru', media_type="application/json"),
        JSONResponse({}),
        JSONResponse([]),
        JSONResponse({"message": "Bad credentials"}, 401),
        JSONResponse({"message": "Not Found"}, 404),
        JSONResponse({"message": "Server Error"}, 500),
    ],
    ids=["html", "truncated", "empty object", "empty list", "401", "404", "500"],
)
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("is_done", [False, True])
def test_an_odd_answer_to_a_write_makes_no_second_comment_and_silences_none(
    ready: World, odd: Response, times: int, is_done: bool
):
    if is_done and odd.status_code == 401:
        is_done = False  # whose token is not good has nothing done
    ready.github.answer_next("POST", COMMENTS, odd, times=times, after_applying=is_done and times == 1)
    ready.settle()
    assert len(ours(ready)) == 1
    ready.github.answer_next("PATCH", COMMENT, odd, times=times, after_applying=is_done)
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    (body,) = ours(ready)
    assert "$2.00" in body


@pytest.mark.parametrize("status", [401, 404, 500, 200])
@pytest.mark.parametrize(
    "path", [r".+/pulls/12", r".+/pulls/12/commits", r".+/access_tokens", r"/app/installations/\d+"]
)
def test_reads_that_fail_for_a_while_change_nothing_for_good(ready: World, path: str, status: int):
    ready.settle()
    ready.github.expire_tokens()
    method = "POST" if "access" in path else "GET"
    ready.github.answer_next(method, path, JSONResponse({"message": "no"}, status), times=3)
    ready.push("feat/a", "2b3c4d5")
    ready.sweep()
    ready.sweep()
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    assert "$2.00" in ready.comment(12)


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "Repository access blocked"), (451, "Repository access blocked"), (422, "Validation Failed")],
)
def test_what_github_will_not_have_ends_with_its_reason_and_is_asked_for_again_a_day_later(
    ready: World, status: int, message: str
):
    ready.github.answer_next("POST", COMMENTS, JSONResponse({"message": message}, status), times=FOR_EVER)
    work_until(ready, ready.now_ms + 3 * HOUR_MS)
    assert f"{status} {message}" in errors(ready)[Kind.COMMENT]
    before = len([write for write in ready.github.writes() if write.path.endswith("/issues/12/comments")])
    assert 10 <= before <= 20, (
        "ten attempts, and those of the first sweep: it reads the pull request, and a later one asks for nothing"
    )
    ready.github.recover()
    work_until(ready, ready.now_ms + 26 * HOUR_MS)
    assert len(ours(ready)) == 1
    assert errors(ready) == {}


def test_a_comment_that_a_figure_wants_and_nobody_asked_for_is_found_by_the_sweep(ready: World):
    with ready.database.write() as connection:
        connection.execute(
            queue.jobs.update().where(queue.jobs.c.kind == "comment").values(done_count=10**6, request_count=10**6)
        )
    while ready.run(run_due(ready.bots[0])):
        pass
    with ready.database.write() as connection:
        connection.execute(
            queue.jobs.update().where(queue.jobs.c.kind == "comment").values(done_count=10**7, request_count=10**7)
        )
    assert ours(ready) == []
    work_until(ready, ready.now_ms + 62 * MINUTE_MS)
    assert len(ours(ready)) == 1


def test_pages_that_repeat_what_they_list_count_it_once_and_a_circle_ends(ready: World):
    path = r".+/acme/widgets/pulls"
    ready.settle()
    pull = {"number": 12, "updated_at": "2099-01-01T00:00:00Z"}
    second = '<https://api.github.com/repos/acme/widgets/pulls?page=2>; rel="next"'
    listing = [JSONResponse([pull, pull], headers={"Link": second}), JSONResponse([pull], headers={"Link": second})]
    for response in listing:
        ready.github.answer_next("GET", path, response)
    work = Work(Kind.RECENT, ready.org.id, ready.repository.id)
    with ready.database.write() as connection:
        queue.request(connection, [work], ready.now_ms)
    ready.run(run_due(ready.bots[0]))
    with ready.database.read() as connection:
        rows = connection.execute(select(queue.jobs).where(queue.jobs.c.kind == "recent")).all()
    assert "round in a circle" in rows[0].last_error
    ready.settle()
    assert len(ours(ready)) == 1


@pytest.mark.parametrize("change", [{"merge_commit_sha": None}, {"user": None}, {"body": None}, {"labels": []}, {}])
def test_optional_fields_may_be_missing(ready: World, change: dict):
    """As for a deleted fork, an author who is gone, and a merge that is not computed."""
    ready.settle()
    full = {
        "number": 12,
        "head": {"ref": "feat/a", "sha": "1" * 40, "repo": None},
        "base": {"ref": "main", "repo": {"id": ready.repository.id, "full_name": "acme/widgets", "private": True}},
        "created_at": "2026-11-23T08:00:00Z",
        "updated_at": "2026-11-24T08:00:00Z",
        "merged_at": "2026-11-24T08:00:00Z",
        "closed_at": "2026-11-24T08:00:00Z",
    }
    body = json.dumps(full | change).encode()
    ready.github.answer_next("GET", r".+/pulls/12", Response(body, media_type="application/json"))
    with ready.database.write() as connection:
        work = Work(Kind.PULL, ready.org.id, ready.repository.id, 12)
        queue.request(connection, [work], ready.now_ms)
    ready.settle()
    assert errors(ready) == {}
    assert "$1.00" in ready.comment(12)
