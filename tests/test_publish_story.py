"""One comment, whatever goes wrong between us and GitHub."""

import asyncio
import itertools
import re
import time

import httpx
import pytest

from bot import comments
from bot.errors import NotYet
from bot.work import queue
from bot.work.queue import LEASE_MS, Kind
from bot.worker import run_due
from tests.databases import Worlds
from tests.world import World

COMMENTS = r".+/issues/12/comments"


def about_to_comment(world: World) -> None:
    """A pull request that is about to get its comment."""
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $1.00")


@pytest.fixture
def ready(worlds: Worlds) -> World:
    return worlds.after(about_to_comment)


def ours(world: World) -> list[str]:
    return [body for body in world.comments(12) if "This change cost" in body]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_comment_that_was_created_with_an_error_is_not_created_again(ready: World, status):
    ready.github.fail_next("POST", COMMENTS, status=status, after_applying=True)
    ready.settle()
    assert len(ours(ready)) == 1


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_comment_whose_answer_was_lost_is_not_created_again(ready: World, error):
    ready.github.break_next("POST", COMMENTS, error=error)
    ready.settle()
    assert len(ours(ready)) == 1


def test_a_failed_update_is_tried_again_and_never_becomes_a_second_comment(ready: World):
    ready.settle()
    ready.github.fail_next("PATCH", r".+/issues/comments/\d+", status=502, times=3)
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    (body,) = ours(ready)
    assert "$2.00" in body


def test_a_deleted_comment_stays_deleted(ready: World):
    ready.settle()
    (comment,) = ready.github.comments(ready.repository, 12)
    ready.github.delete_comment(comment, ready.alice)
    ready.deliver()
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    ready.work("09:40 feat/a $1.00", "s3")
    ready.settle()
    assert ready.comments(12) == []


def test_a_locked_conversation_is_left_alone(ready: World):
    ready.github.lock(ready.repository, 12)
    ready.settle()
    before = len(ready.github.requests)
    assert ready.comments(12) == []
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    assert not any(
        request.method == "POST" and "comments" in request.path for request in ready.github.requests[before:]
    )


def test_our_comment_is_found_on_any_page_and_a_copied_marker_is_not_ours(ready: World):
    ready.github.fail_next("POST", COMMENTS, status=502, after_applying=True)
    with ready.hold_mail() as mail:
        for i in range(130):
            ready.github.comment(ready.repository, 12, f"remark {i}", ready.alice)
        while not ours(ready):
            ready.run(run_due(ready.bots[0]))
            ready.now_ms += 1000
        body = next(
            comment.body
            for comment in ready.github.comments(ready.repository, 12)
            if "This change cost" in comment.body
        )
        for _ in range(130):
            ready.github.comment(ready.repository, 12, body, ready.alice)
        mail.clear()
    ready.settle()
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    bodies = ours(ready)
    assert len([body for body in bodies if "cost $2.00**" in body]) == 1
    assert len([body for body in bodies if "cost $1.00**" in body]) == 130


def test_a_worker_that_sleeps_past_its_lease_does_not_overwrite(ready: World):
    ready.settle()
    ready.work("09:30 feat/a $1.00", "s2")
    with ready.database.read() as connection:
        ready.now_ms = max(ready.now_ms, queue.next_due_at_ms(connection))
    ready.run(run_due(ready.bots[0]))  # places the session
    with ready.database.read() as connection:
        ready.now_ms = max(ready.now_ms, queue.next_due_at_ms(connection))
    (late,) = queue.claim(ready.database, ready.now_ms, 10)
    assert late.work.kind == Kind.COMMENT
    ready.now_ms += LEASE_MS
    ready.settle()
    newest = ready.comment(12)
    ready.work("09:40 feat/a $1.00", "s3")
    ready.run(run_due(ready.bots[0]))  # the ledger moves on, and the late worker would now write
    with pytest.raises(NotYet):
        ready.run(comments.pull(ready.bots[0], late))
    assert ready.comment(12) == newest
    ready.settle()
    assert "$3.00" in ready.comment(12)


def test_two_replicas_make_one_comment(ready: World):
    second = ready.add_replica()

    async def together() -> None:
        for _ in range(40):
            await asyncio.gather(run_due(ready.bots[0]), run_due(second))
            ready.now_ms += 5_000

    ready.run(together())
    ready.settle()
    assert len(ours(ready)) == 1


@pytest.mark.parametrize(
    ("headers", "pause_seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "RESET"}, 600),
        ({}, 60),
    ],
)
def test_a_limit_is_waited_for_in_the_table(ready: World, headers, pause_seconds):
    headers = {name: value.replace("RESET", str(int(time.time()) + 900)) for name, value in headers.items()}
    ready.github.fail_next("POST", COMMENTS, status=403, headers=headers)
    start = ready.now_ms
    ready.settle()
    assert len(ours(ready)) == 1
    assert ready.now_ms - start >= pause_seconds * 1000


def test_an_uninstalled_app_does_nothing_more(ready: World):
    ready.settle()
    ready.github.uninstall(ready.installation)
    ready.deliver()
    ready.settle()
    before = len(ready.github.requests)
    answer = ready.send("POST", "/v1/usage", json={"requests": []}, headers={"Authorization": f"Bearer {ready.token}"})
    assert answer.status_code == 403
    assert "not installed on acme now" in answer.json()["message"]
    ready.settle()
    assert len(ready.github.requests) == before


def test_work_requested_while_suspended_fails_quietly_and_goes_on_afterwards(ready: World):
    ready.github.suspend(ready.installation)
    ready.settle()
    assert ready.comments(12) == []
    ready.github.unsuspend(ready.installation)
    ready.deliver()
    ready.sweep()
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    assert "$2.00" in ready.comment(12)


def test_an_expired_token_is_replaced(ready: World):
    ready.settle()
    ready.github.expire_tokens()
    ready.work("09:30 feat/a $1.00", "s2")
    ready.settle()
    assert "$2.00" in ready.comment(12)


def test_writes_are_a_second_apart(world: World):
    for number in range(1, 9):
        world.open_pull(number, f"feat/{number}")
        world.work(f"09:00 feat/{number} $1.00", f"s{number}")
    world.settle()
    times = sorted(
        comment.created_at for number in range(1, 9) for comment in world.github.comments(world.repository, number)
    )
    assert len(times) == 8
    assert all((b - a).total_seconds() >= 1 for a, b in itertools.pairwise(times))
    looks = [
        request
        for request in world.github.requests
        if request.method == "GET" and re.search(r"/issues/\d+/comments$", request.path)
    ]
    assert len(looks) == 8, "nobody looks before it is their turn"
