import asyncio
import hashlib
import hmac

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.server import CREDENTIALS, serving, sign
from webhooks.github import CAP_BYTES, EVENTS, Signature
from webhooks.setup import MANIFEST

PULL = {
    "action": "opened",
    "number": 12,
    "pull_request": {"number": 12, "title": "x"},
    "repository": {"id": 34, "full_name": "acme/widgets", "owner": {"id": 7}},
    "installation": {"id": 5},
}
REPOSITORY, INSTALLATION = PULL["repository"], PULL["installation"]
WITH_INSTALLATION = INSTALLATION | {"account": {"id": 7}}
OURS = {"id": 1, "performed_via_github_app": {"id": CREDENTIALS.app_id}}
THEIRS = {"id": 2, "performed_via_github_app": None}


def on_issue(comment=None, **issue):
    return {
        "issue": {"number": 12, **issue},
        "comment": comment,
        "repository": REPOSITORY,
        "installation": INSTALLATION,
    }


@pytest.mark.parametrize(
    ("event", "payload", "work"),
    [
        ("pull_request", PULL, ["pull 7/34/12"]),
        ("issue_comment", on_issue(THEIRS, pull_request={"url": "x"}), []),
        (
            "issue_comment",
            on_issue(THEIRS | {"body": "/mergecost off"}, pull_request={"url": "x"}),
            ["commands 7/34/12"],
        ),
        ("issue_comment", on_issue(OURS, pull_request={"url": "x"}), []),
        ("issue_comment", on_issue(THEIRS), []),
        ("issue_comment", on_issue(THEIRS | {"body": "/mergecost week 2026-W47"}), ["commands 7/34/12"]),
        ("issues", on_issue(), ["issue 7/34/12"]),
        ("installation", {"installation": WITH_INSTALLATION}, ["account 7/0/5"]),
        ("installation_repositories", {"installation": WITH_INSTALLATION}, ["account 7/0/5"]),
        ("repository", {"installation": INSTALLATION, "repository": REPOSITORY}, ["account 7/0/5"]),
        ("ping", {"zen": "Keep it logically awesome.", "hook_id": 1}, []),
        ("star", PULL, []),
        ("pull_request", {"pull_request": {"number": 1}, "repository": REPOSITORY}, []),
    ],
)
def test_an_event_notes_what_to_look_at_again(server, event, payload, work):
    assert server.deliver(event, payload).status_code == 202
    assert [*server.request_counts()] == work


def test_the_app_asks_for_the_events_that_the_server_handles():
    """GitHub sends the events about installations to every App, and refuses a manifest that asks for them."""
    manifest = yaml.safe_load(MANIFEST.read_text())
    unasked = {"installation", "installation_repositories"}
    assert sorted(manifest["default_events"]) == sorted(EVENTS.keys() - unasked)


def test_a_hundred_deliveries_of_one_pull_request_are_one_piece_of_work(server):
    for _ in range(100):
        server.deliver("pull_request", PULL)
    assert server.request_counts() == {"pull 7/34/12": 100}


def test_deliveries_at_the_same_time_are_all_noted(server):
    async def burst():
        from bot.work.queue import Kind, Work

        edge = server.app.state.edge
        await asyncio.gather(*(edge.intake.request(Work(Kind.PULL, 7, 34, i % 7)) for i in range(500)))

    asyncio.run(burst())
    assert sum(server.request_counts().values()) == 500
    assert len(server.request_counts()) == 7


BODY = b'{"installation": {"id": 5, "account": {"id": 7}}}'


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        sign(BODY)[:-1],
        sign(BODY) + "0",
        sign(BODY).upper(),
        sign(BODY).removeprefix("sha256="),
        sign(BODY, "another secret"),
        sign(BODY + b" "),
        "sha1=" + hmac.new(CREDENTIALS.webhook_secret.encode(), BODY, hashlib.sha1).hexdigest(),
        "sha256=ÿé" + "0" * 62,
    ],
)
def test_a_wrong_signature_is_refused_and_nothing_is_noted(server, header):
    answer = server.deliver("installation", BODY, **{"X-Hub-Signature-256": header.encode("latin-1")})
    assert answer.status_code == 401
    assert "X-Hub-Signature-256" in answer.json()["message"]
    assert server.request_counts() == {}


def test_a_missing_signature_is_refused(server):
    assert server.send("POST", "/webhooks/github", content=BODY).status_code == 401


def fits(secret: str, header: bytes, *pieces: bytes) -> bool:
    signature = Signature(secret, header)
    for piece in pieces:
        signature.see(piece)
    return signature.fits()


@given(st.lists(st.binary(max_size=100)), st.binary(max_size=100))
def test_no_header_passes_but_the_right_one_however_the_body_comes(pieces, header):
    right = sign(b"".join(pieces), "secret").encode()
    assert fits("secret", header, *pieces) == (header == right)
    assert fits("secret", right, *pieces)


def test_an_empty_secret_verifies_nothing():
    assert not fits("", sign(BODY, "").encode(), BODY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"installation": 5}',
        b"\xff\xfe",
        b'{"installation": {"id": "5"}}',
        b'{"installation": {"id": 9223372036854775808}}',
        b'{"installation": {"id": -1}}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused_in_words(server, body):
    answer = server.deliver("pull_request", body)
    assert answer.status_code == 400
    assert "not an event" in answer.json()["message"]


def test_the_body_is_capped(server):
    padded = b'{"installation": {"id": 5, "account": {"id": 7}}, "padding": "%s"}'
    fits = padded % (b"x" * (24 * 1024 * 1024))
    assert server.deliver("installation", fits).status_code == 202
    assert server.deliver("installation", padded % (b"x" * CAP_BYTES)).status_code == 413

    async def endless():
        for _ in range(30):
            yield b"x" * 1024 * 1024

    headers = {"X-Hub-Signature-256": sign(BODY), "X-GitHub-Event": "installation"}
    assert server.send("POST", "/webhooks/github", content=endless(), headers=headers).status_code == 413
    assert [*server.request_counts()] == ["account 7/0/5"]


def test_without_an_app_webhooks_are_refused_and_it_says_what_to_do(database, tmp_path):
    with serving(database, tmp_path, None) as server:
        answer = server.deliver("pull_request", PULL)
        assert answer.status_code == 503
        assert "set-up link" in answer.json()["message"]
        assert server.request_counts() == {}
        assert server.send("GET", "/readyz").status_code == 503
        assert server.send("GET", "/healthz").status_code == 200
