"""Becoming a GitHub App: the set-up page, the manifest flow, and what is kept."""

import asyncio
import html
import json
import re
import stat

import httpx
import pytest

from bot.settings import app_credentials, setup_secret
from tests.github.fake import FakeGitHub
from tests.notation import MONDAY
from tests.server import Server
from webhooks import edge


@pytest.fixture
def github():
    return FakeGitHub(lambda: MONDAY)


@pytest.fixture
def fresh(database, tmp_path, github):
    server = Server(database, tmp_path / "data", None, httpx.ASGITransport(github.app))
    yield server
    server.close()


def secret(server):
    return setup_secret(server.settings)


def page(server, **query):
    return server.send("GET", "/setup", params=query)


def manifest_of(answer):
    return json.loads(html.unescape(re.search(r'name="manifest" value="(.*?)"', answer.text)[1]))


def state_of(answer):
    return re.search(r"apps/new\?state=(\w+)", answer.text)[1]


def test_the_page_asks_for_the_least(fresh):
    manifest = manifest_of(page(fresh, secret=secret(fresh)))
    assert manifest["default_permissions"] == {
        "metadata": "read",
        "pull_requests": "write",
        "issues": "write",
        "checks": "write",
    }
    assert manifest["hook_attributes"]["url"] == "https://mergecost.example/webhooks/github"
    assert manifest["redirect_url"] == "https://mergecost.example/setup/created"


@pytest.mark.parametrize("wrong", ["", "x", "ü", "a" * 43])
def test_without_the_links_secret_there_is_no_page(fresh, wrong):
    answer = page(fresh, secret=wrong)
    assert answer.status_code == 403
    assert "manifest" not in answer.text


def test_an_organization_can_own_the_app_and_its_name_cannot_break_out(fresh):
    assert (
        "https://github.com/organizations/acme/settings/apps/new"
        in page(fresh, secret=secret(fresh), organization="acme").text
    )
    for name in ('"><script>alert(1)</script>', "..", "a/b", "a\n", "%2e%2e", "é"):
        hostile = page(fresh, secret=secret(fresh), organization=name)
        assert hostile.status_code == 422
        assert "<script" not in hostile.text
        assert "apps/new" not in hostile.text


def test_the_app_is_made_once_and_its_secrets_are_the_servers_alone(fresh, github):
    first = page(fresh, secret=secret(fresh))
    code = github.register_manifest(manifest_of(first), github.add_user("acme", type="Organization"))
    answer = fresh.send("GET", "/setup/created", params={"code": code, "state": state_of(first)})
    assert answer.status_code == 200
    assert "/installations/new" in answer.text
    assert "Single file" in answer.text
    credentials = app_credentials(fresh.settings, {})
    assert credentials is not None
    assert credentials.app_id in github.apps
    path = fresh.settings.data_dir / "app.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "client" not in path.read_text()
    for word in (credentials.webhook_secret, credentials.private_key.splitlines()[1]):
        assert word not in answer.text + repr(credentials)
    assert not (fresh.settings.data_dir / "setup-secret").exists()
    assert page(fresh, secret="anything").status_code == 410
    again = fresh.send("GET", "/setup/created", params={"code": code, "state": state_of(first)})
    assert again.status_code == 410


@pytest.mark.parametrize(("code", "state"), [("", None), ("x", ""), ("x", "0" * 64), ("x", "ü")])
def test_an_answer_that_we_did_not_ask_for_is_refused(fresh, code, state):
    first = page(fresh, secret=secret(fresh))
    query = {"code": code, "state": state_of(first) if state is None else state}
    assert fresh.send("GET", "/setup/created", params=query).status_code == 403
    assert app_credentials(fresh.settings, {}) is None


def test_a_code_that_github_does_not_know_changes_nothing(fresh):
    first = page(fresh, secret=secret(fresh))
    answer = fresh.send("GET", "/setup/created", params={"code": "stale", "state": state_of(first)})
    assert answer.status_code == 502
    assert "GitHub answered 404" in answer.text
    assert page(fresh, secret=secret(fresh)).status_code == 200


def test_githubs_answer_is_taken_once_however_often_it_comes(fresh, github):
    first = page(fresh, secret=secret(fresh))
    owner = github.add_user("acme", type="Organization")
    codes = [github.register_manifest(manifest_of(first), owner) for _ in range(4)]
    state = state_of(first)

    async def all_at_once():
        transport = httpx.ASGITransport(fresh.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await asyncio.gather(
                *(client.get("/setup/created", params={"code": code, "state": state}) for code in codes)
            )

    answers = fresh.run(all_at_once())
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]
    assert len(github.apps) == 1


def test_what_github_answers_late_is_kept_though_the_page_was_answered_in_time(fresh, github, monkeypatch):
    first = page(fresh, secret=secret(fresh))
    code = github.register_manifest(manifest_of(first), github.add_user("acme", type="Organization"))
    query = {"code": code, "state": state_of(first)}
    gate = github.hold_next("POST", "/app-manifests/.+")
    monkeypatch.setattr(edge, "ANSWER_SECONDS", 0.05)
    answer = fresh.send("GET", "/setup/created", params=query)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert app_credentials(fresh.settings, {}) is None
    monkeypatch.undo()
    gate.release.set()
    assert fresh.send("GET", "/setup/created", params=query).status_code == 410
    assert app_credentials(fresh.settings, {}) is not None
    assert len(github.apps) == 1


@pytest.mark.parametrize("code", ["../x", "..", "a/b", "a\nb", "a\r\nX: y", "a%2f", "a?b", "a#b", "é", "a" * 101])
def test_a_code_that_githubs_address_could_not_hold_is_never_sent(fresh, github, code):
    first = page(fresh, secret=secret(fresh))
    answer = fresh.send("GET", "/setup/created", params={"code": code, "state": state_of(first)})
    assert answer.status_code == 403
    assert github.requests == []


def test_forms_lead_to_github_alone_and_nobody_may_frame_a_page(fresh):
    policy = page(fresh, secret=secret(fresh)).headers["content-security-policy"]
    assert "form-action 'self' https://github.com;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'none'" in page(fresh, secret="x").headers["content-security-policy"]


def test_an_empty_secret_opens_no_page(fresh):
    secret(fresh)
    (fresh.settings.data_dir / "setup-secret").write_text("")
    assert page(fresh, secret="").status_code == 403
    assert len(secret(fresh)) > 40


def test_secrets_that_others_could_read_are_taken_from_them(fresh):
    secret(fresh)
    path = fresh.settings.data_dir / "setup-secret"
    path.chmod(0o644)
    secret(fresh)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    credentials = path.with_name("app.json")
    credentials.write_text('{"app_id": 1, "slug": "x", "private_key": "k", "webhook_secret": "s"}')
    credentials.chmod(0o666)
    assert app_credentials(fresh.settings, {})
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
