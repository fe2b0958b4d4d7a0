"""What happens on the fake GitHub: pull requests, conversations, webhook deliveries, and trouble."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
from githubkit.exception import PrimaryRateLimitExceeded, RequestError, RequestTimeout, SecondaryRateLimitExceeded

from .conftest import NOON, Setting
from .deliveries import request_of
from .state import Commit, Pull

REPOSITORY = "/repos/acme/widgets"
COMMENTS = r"/repos/acme/widgets/issues/\d+/comments"


def change(at: Setting, message: str, **details: Any) -> Commit:
    return at.github.commit(message, author=at.alice, **details)


def open_pull(at: Setting, *messages: str) -> Pull:
    return at.github.open_pull(
        at.widgets, "feature", at.alice, [change(at, message) for message in messages or ["Add"]]
    )


def messages_of(at: Setting, number: int = 1) -> list[str]:
    """The messages of a pull request's commits."""
    return [row["commit"]["message"] for row in at.ask("GET", f"{REPOSITORY}/pulls/{number}/commits").json()]


def events(at: Setting) -> list[str]:
    return [f"{delivery.event} {delivery.payload.get('action', '')}".strip() for delivery in at.github.deliveries]


# Pull requests


def test_a_pull_request_moves_with_its_branch(at: Setting) -> None:
    pull = open_pull(at, "Add a widget")
    at.later(minutes=5)
    tip = at.github.push(at.widgets, "feature", [change(at, "Paint it", files={"paint.py": (7, 2)})])
    pull_row = at.ask("GET", f"{REPOSITORY}/pulls/1").json()
    assert (pull_row["head"]["sha"], pull_row["commits"], pull_row["updated_at"]) == (tip, 2, "2026-11-23T12:05:00Z")
    assert (pull_row["additions"], pull_row["deletions"], pull_row["changed_files"]) == (8, 2, 2)
    assert messages_of(at) == ["Add a widget", "Paint it"]
    at.github.force_push(at.widgets, "feature", [change(at, "Add a painted widget")])
    assert messages_of(at) == ["Add a painted widget"]
    assert events(at)[1:] == [
        "push", "pull_request opened", "push", "pull_request synchronize", "push", "pull_request synchronize",
    ]  # fmt: skip
    assert [delivery.payload["forced"] for delivery in at.github.deliveries if delivery.event == "push"] == [
        False,
        False,
        True,
    ]
    assert pull.head_sha == at.widgets.branches["feature"]


@pytest.mark.parametrize(("method", "on_main"), [("merge", 4), ("squash", 2), ("rebase", 3)])
def test_merging_lands_the_work_and_keeps_the_list_of_commits(at: Setting, method: str, on_main: int) -> None:
    pull = open_pull(at, "One", "Two")
    at.github.merge(at.widgets, 1, method)
    tip = at.widgets.branches["main"]
    pull_row = at.ask("GET", f"{REPOSITORY}/pulls/1").json()
    assert (pull_row["state"], pull_row["merged"], pull_row["merge_commit_sha"]) == ("closed", True, tip)
    assert messages_of(at) == ["One", "Two"]
    shas, waiting = set(), [tip]
    while waiting:
        shas.add(sha := waiting.pop())
        waiting += at.widgets.commits[sha].parents
    assert len(shas) == on_main
    merge_commit = at.widgets.commits[tip]
    assert (merge_commit.sha == pull.head_sha) is False
    if method == "rebase":
        assert merge_commit.author == at.widgets.commits[pull.head_sha].author
    assert events(at)[-2:] == ["push", "pull_request closed"]
    assert at.github.deliveries[-1].payload["pull_request"]["merged"] is True


def test_what_the_base_got_meanwhile_is_not_the_pull_requests(at: Setting) -> None:
    open_pull(at, "Mine")
    theirs = at.github.push(at.widgets, "main", [change(at, "Theirs")])
    mine = at.widgets.branches["feature"]
    at.github.push(at.widgets, "feature", [change(at, "Merge main", files={}, parents=[mine, theirs])])
    assert messages_of(at) == ["Mine", "Merge main"]


def test_a_pull_request_from_a_fork(at: Setting) -> None:
    fork = at.github.fork(at.widgets, at.alice)
    at.github.open_pull(at.widgets, "feature", at.alice, [change(at, "From outside")], fork=fork)
    pull_row = at.ask("GET", f"{REPOSITORY}/pulls/1").json()
    assert (pull_row["head"]["label"], pull_row["head"]["repo"]["full_name"]) == ("alice:feature", "alice/widgets")
    at.github.push(fork, "feature", [change(at, "More")])
    assert messages_of(at) == ["From outside", "More"]


def test_lists_filter_and_sort_as_github_does(at: Setting) -> None:
    for number, branch in enumerate("abc", 1):
        at.github.open_pull(at.widgets, branch, at.alice, [change(at, branch)])
        at.later(minutes=number)
    at.github.close(at.widgets, 1)

    def numbers(**query: str) -> list[int]:
        return [row["number"] for row in at.ask("GET", f"{REPOSITORY}/pulls", params=query).json()]

    assert numbers() == [3, 2]
    assert numbers(state="all", sort="updated", direction="desc") == [1, 3, 2]
    assert numbers(state="all", sort="updated") == [2, 3, 1]
    assert numbers(head="acme:b") == [2]
    assert "merged" not in at.ask("GET", f"{REPOSITORY}/pulls").json()[0], "lists do not have it"


def test_at_most_250_commits_are_listed(at: Setting) -> None:
    open_pull(at, *(f"Commit {number}" for number in range(260)))
    assert len(at.ask("GET", f"{REPOSITORY}/pulls/1/commits", params={"per_page": 100, "page": 3}).json()) == 50
    assert at.ask("GET", f"{REPOSITORY}/pulls/1").json()["commits"] == 260


# Conversations


def test_the_life_of_a_comment(at: Setting) -> None:
    open_pull(at)
    answer = at.ask("POST", f"{REPOSITORY}/issues/1/comments", json={"body": "$1"}).json()
    assert (answer["user"]["login"], answer["performed_via_github_app"]["id"]) == ("mergecost[bot]", at.app.id)
    path = f"{REPOSITORY}/issues/comments/{answer['id']}"
    assert at.ask("PATCH", path, json={"body": "$2"}).json()["body"] == "$2"
    (comment,) = at.github.comments(at.widgets, 1)
    at.github.minimize(comment)
    assert at.ask("GET", path).json()["minimized"] == {"reason": "outdated"}
    at.github.delete_comment(comment, at.alice)
    assert at.refusal(lambda: at.ask("PATCH", path, json={"body": "$3"})) == (404, "Not Found")
    assert events(at)[-3:] == ["issue_comment created", "issue_comment edited", "issue_comment deleted"]


def test_a_comment_may_be_too_long_or_unwelcome(at: Setting) -> None:
    open_pull(at)

    def say(body: str) -> object:
        return at.ask("POST", f"{REPOSITORY}/issues/1/comments", json={"body": body})

    say("x" * 65_536)
    assert at.refusal(lambda: say("x" * 65_537)) == (422, "Validation Failed")
    assert at.refusal(lambda: say(" ")) == (422, "Validation Failed")
    at.github.lock(at.widgets, 1)
    assert at.refusal(lambda: say("Hello")) == (403, "Unable to create comment because issue is locked.")


def test_issues_are_found_by_label_and_closed(at: Setting) -> None:
    open_pull(at)
    answer = at.ask("POST", f"{REPOSITORY}/issues", json={"title": "AI spend, week 48", "labels": ["ai-spend"]}).json()
    assert answer["number"] == 2, "pull requests and issues share their numbers"
    assert [row["number"] for row in at.ask("GET", f"{REPOSITORY}/issues").json()] == [2, 1]
    query = {"labels": "ai-spend", "creator": "mergecost[bot]", "state": "all"}
    at.ask("PATCH", f"{REPOSITORY}/issues/2", json={"state": "closed", "state_reason": "completed"})
    (row,) = at.ask("GET", f"{REPOSITORY}/issues", params=query).json()
    assert (row["state"], row["closed_at"]) == ("closed", "2026-11-23T12:00:00Z")
    at.widgets.has_issues = False
    assert at.refusal(lambda: at.ask("POST", f"{REPOSITORY}/issues", json={"title": "x"}))[0] == 410


def test_a_label_exists_once(at: Setting) -> None:
    at.ask("POST", f"{REPOSITORY}/labels", json={"name": "ai-spend", "color": "0e8a16"})
    assert at.refusal(lambda: at.ask("POST", f"{REPOSITORY}/labels", json={"name": "AI-spend"}))[0] == 422


def test_check_runs_complete_by_their_conclusion(at: Setting) -> None:
    sha = open_pull(at).head_sha
    run = at.ask("POST", f"{REPOSITORY}/check-runs", json={"name": "cost", "head_sha": sha}).json()
    path = f"{REPOSITORY}/check-runs/{run['id']}"
    assert at.refusal(lambda: at.ask("PATCH", path, json={"status": "completed"}))[0] == 422
    at.ask("PATCH", path, json={"conclusion": "neutral", "output": {"title": "$1", "summary": "One dollar"}})
    at.ask("POST", f"{REPOSITORY}/check-runs", json={"name": "other", "head_sha": sha})
    answer = at.ask("GET", f"{REPOSITORY}/commits/feature/check-runs", params={"check_name": "cost"}).json()
    assert (answer["total_count"], answer["check_runs"][0]["status"]) == (1, "completed")
    other = at.install({"checks": "write"})
    assert at.refusal(lambda: at.ask_as(other, "PATCH", path, json={"status": "queued"}))[0] == 403
    missing = {"name": "cost", "head_sha": "f" * 40}
    assert at.refusal(lambda: at.ask("POST", f"{REPOSITORY}/check-runs", json=missing))[0] == 422


# Webhooks


def test_a_delivery_is_signed_and_shaped_as_githubs(at: Setting) -> None:
    open_pull(at)
    headers, body = request_of(at.github.deliveries[-1], "secret")
    digest = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    payload = json.loads(body)
    assert (headers["X-GitHub-Event"], payload["action"], payload["number"]) == ("pull_request", "opened", 1)
    assert payload["installation"]["id"] == at.installation.id
    assert payload["organization"]["login"] == "acme"
    assert payload["pull_request"]["base"]["repo"]["default_branch"] == "main"


def test_failed_deliveries_are_listed_and_sent_again_under_their_guid(at: Setting) -> None:
    open_pull(at)
    at.github.record_answer(at.github.deliveries[0], 202)
    rows = at.ask_as(None, "GET", "/app/hook/deliveries").json()
    assert [row["status"] for row in rows] == ["failed to connect to host"] * 2 + ["OK"]
    first = at.ask_as(None, "GET", "/app/hook/deliveries", params={"per_page": 2})
    rest = at.ask_as(None, "GET", first.raw_response.links["next"]["url"].removeprefix("https://github.test"))
    assert [row["id"] for row in (*first.json(), *rest.json())] == [row["id"] for row in rows]
    at.ask_as(None, "POST", f"/app/hook/deliveries/{rows[0]['id']}/attempts")
    again = at.github.deliveries[-1]
    assert (again.guid, again.redelivery, again.id == rows[0]["id"]) == (rows[0]["guid"], True, False)
    at.later(days=4)
    assert at.ask_as(None, "GET", "/app/hook/deliveries").json() == []


def test_a_manifest_becomes_an_app_once(at: Setting) -> None:
    code = at.github.register_manifest({"name": "Mergecost", "default_events": ["push"]}, at.acme)
    answer = at.anonymous("POST", f"/app-manifests/{code}/conversions")
    assert answer.status_code == 201
    assert {"id", "slug", "name", "client_id", "client_secret", "webhook_secret", "pem", "html_url", "owner"} <= set(
        answer.json()
    )
    assert at.anonymous("POST", f"/app-manifests/{code}/conversions").status_code == 404


# Trouble


def post(at: Setting) -> object:
    return at.ask("POST", f"{REPOSITORY}/issues/1/comments", json={"body": "Hello"})


@pytest.mark.parametrize("after_applying", [False, True])
def test_an_error_may_hide_what_was_done(at: Setting, after_applying: bool) -> None:
    open_pull(at)
    at.github.fail_next("POST", COMMENTS, status=502, after_applying=after_applying)
    assert at.refusal(lambda: post(at)) == (502, "Server Error")
    assert len(at.github.comments(at.widgets, 1)) == int(after_applying)
    post(at)
    assert len(at.github.writes()) == 2


def test_a_connection_may_break_after_the_comment_was_made(at: Setting) -> None:
    open_pull(at)
    at.github.break_next("POST", COMMENTS)
    at.github.break_next("POST", COMMENTS, error=httpx.ConnectError, after_applying=False)
    with pytest.raises(RequestTimeout):
        post(at)
    with pytest.raises(RequestError):
        post(at)
    assert len(at.github.comments(at.widgets, 1)) == 1


def test_rate_limits(at: Setting) -> None:
    open_pull(at)
    at.github.fail_next("POST", COMMENTS, status=403, headers={"retry-after": "7"})
    with pytest.raises(SecondaryRateLimitExceeded) as secondary:
        post(at)
    assert secondary.value.retry_after.total_seconds() == 7
    at.github.exhaust(at.installation)
    with pytest.raises(PrimaryRateLimitExceeded):
        post(at)
    assert at.ask("GET", "/rate_limit").json()["resources"]["core"]["remaining"] == 0
    at.later(hours=1)
    post(at)
    assert at.github.rate_limit(at.installation).used == 1


def test_a_held_request_waits_for_its_release(at: Setting) -> None:
    open_pull(at)

    async def two() -> list[str]:
        client = at.client()
        client_of_installation = client.with_auth(client.auth.as_installation(at.installation.id))
        gate = at.github.hold_next("POST", COMMENTS)
        path = f"{REPOSITORY}/issues/1/comments"
        first = asyncio.ensure_future(client_of_installation.arequest("POST", path, json={"body": "first to ask"}))
        await gate.arrival.wait()
        await client_of_installation.arequest("POST", path, json={"body": "first to be heard"})
        gate.release.set()
        await first
        return [comment.body for comment in at.github.comments(at.widgets, 1)]

    assert asyncio.run(two()) == ["first to be heard", "first to ask"]


def test_an_unknown_route_is_a_mistake_of_the_test(at: Setting) -> None:
    with pytest.raises(RequestError, match="the fake GitHub has no GET /repos/acme/widgets/traffic"):
        at.ask("GET", f"{REPOSITORY}/traffic")


def test_the_clock_of_the_story_is_the_clock_of_github(at: Setting) -> None:
    at.time[0] = NOON.replace(microsecond=719_000)
    assert at.ask("GET", REPOSITORY).json()["created_at"] == "2026-11-23T12:00:00Z"
    assert open_pull(at).created_at == NOON
