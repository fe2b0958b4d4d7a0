"""Canaries: everything that can go wrong does, and no secret is in a log, an answer, a comment, a notice or the database."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import SQLModel
from starlette.responses import HTMLResponse, JSONResponse

from bot.cli import token as token_command
from bot.repository_settings import OperatorSettings
from bot.store import tokens as token_store
from bot.store.database import Database, Unavailable
from bot.worker import run_due
from tests import channel
from tests.databases import Worlds
from tests.github.deliveries import request_of
from tests.github.fake import FakeGitHub
from tests.notation import MONDAY
from tests.server import Server
from tests.world import World

OPERATOR = OperatorSettings(defaults={"alert_url": channel.URL, "budget_pull_usd": 1})
ANYTHING = r"/.*"


def about_to_fail(world: World) -> None:
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $1.00")
    world.settle()


@pytest.fixture
def world(worlds: Worlds) -> World:
    return worlds.after(about_to_fail, OPERATOR)


class Answers(list[str]):
    """All that the server says, with its headers."""

    def add(self, answer: httpx.Response) -> httpx.Response:
        self.append(f"{answer.headers} {answer.text}")
        return answer


def secrets_of(world: World, *tokens: str) -> dict[str, str]:
    """By what they are; of the key a line, of a token what follows its prefix, so that no part of it slips by."""
    key = world.app.private_key.splitlines()
    parts = {f"line {i} of the private key": line for i, line in enumerate(key[1:-1])}
    parts |= {"webhook secret": world.app.webhook_secret, "secret of notices": channel.SECRET.removeprefix("whsec_")}
    parts |= {"where notices go": channel.URL.rpartition("/services/")[2]}
    parts |= {f"installation token {i}": value for i, value in enumerate(world.github.tokens)}
    return parts | {f"token {i}": secret_of(token) for i, token in enumerate(tokens)}


def secret_of(token: str) -> str:
    """What follows the prefix, in which there may be an underscore, too."""
    (prefix,) = (prefix for prefix in token_store.PREFIX.values() if token.startswith(prefix))
    return token.removeprefix(prefix)


def everything_stored(world: World) -> str:
    with world.database.read() as connection:
        rows = [row for table in SQLModel.metadata.sorted_tables for row in connection.execute(select(table))]
    return "\n".join(map(str, rows))


def everything_on_github(world: World) -> str:
    issues = [text for issue in world.repository.issues.values() for text in (issue.title, issue.body or "")]
    runs = [str(run.output) for pull in (12,) for run in [world.check_run(pull)]]
    return "\n".join(issues + [comment.body for comment in world.repository.comments.values()] + runs)


def troubles(world: World) -> Iterator[None]:
    """What GitHub can do wrong, one after the other; some say back what they were sent."""
    github = world.github
    for status in (401, 403, 404, 422, 429, 451, 500, 502):
        for method in ("GET", "POST", "PATCH"):
            github.fail_next(method, ANYTHING, status=status, times=30)
        yield
        github.recover()
    for error in (httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError, httpx.WriteError):
        for method in ("GET", "POST", "PATCH"):
            github.break_next(method, ANYTHING, error=error, times=30, after_applying=False)
        yield
        github.recover()
    for odd in (HTMLResponse("<html>"), JSONResponse({"message": "Bad credentials", "expires_at": "never"}, 201)):
        for method in ("GET", "POST", "PATCH"):
            github.answer_next(method, ANYTHING, odd, times=30)
        yield
        github.recover()


def test_no_secret_is_anywhere_whatever_goes_wrong(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    answers = Answers()
    send = world.send
    monkeypatch.setattr(world, "send", lambda *words, **options: answers.add(send(*words, **options)))
    with world.database.write() as connection:
        reading = token_store.new(connection, world.org.id, "a dashboard", world.now_ms, "read")
    for minute, _ in enumerate(troubles(world)):
        world.github.expire_tokens()
        world.push("feat/a", f"{minute + 16:07x}")
        world.work(f"1{minute // 60}:{minute % 60:02} feat/a $1.00", f"t{minute}")
        for _ in range(6):
            world.run(run_due(world.bots[0]))
            world.now_ms += 60_000
        world.schedule_tick(world.bots[0])
    world.channel.answers += [500, 302, 404]
    for token in (world.token, reading, world.token[:-1], "mergecost_ingest_", world.app.webhook_secret, "\x00"):
        headers = {"Authorization": f"Bearer {token}"}
        for method, path, body in (
            ("POST", "/v1/usage", b"{"), ("POST", "/v1/usage", b'{"requests": [{"tool": "x"}]}'), ("POST", "/v1/caps", b"[]"),
            ("GET", "/v1/coverage", b""), ("GET", "/api/v1/costs?by=nothing", b""), ("GET", "/api/v1/repositories/a/b/pulls/1", b""),
        ):  # fmt: skip
            world.send(method, path, headers=headers, content=body)
    headers, body = request_of(world.github.deliveries[-1], world.app.webhook_secret)
    for changed in (
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"Content-Type": "text/html"},
        {"X-GitHub-Event": "?"},
    ):
        world.send("POST", "/webhooks/github", headers=headers | changed, content=body[:-1])
    broken = Unavailable("connection refused")
    with monkeypatch.context() as patch:
        patch.setattr(Database, "read", lambda _: (_ for _ in ()).throw(broken))
        for path in ("/readyz", "/metrics", "/v1/coverage", "/api/v1/repositories"):
            world.send("GET", path, headers={"Authorization": f"Bearer {world.token}"})
    for _ in range(3):
        world.sweep()
    said = capsys.readouterr()
    places = {
        "log": caplog.text,
        "output": said.out + said.err,
        "answers": "\n".join(answers),
        "GitHub": everything_on_github(world),
        "notices": "\n".join(world.channel.texts),
        "database": everything_stored(world),
    }
    assert all(places[name] for name in ("log", "answers", "GitHub", "notices", "database"))
    assert len(world.github.tokens) > 1
    found = [
        (secret, place)
        for secret, value in secrets_of(world, world.token, reading).items()
        for place, text in places.items()
        if value in text
    ]
    assert found == []
    assert re.search(r"\beyJ[\w-]{10,}\.", "".join(places.values())) is None, "a signed assertion of the App"


def test_a_token_is_printed_once_and_listed_without_its_secret(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    url = world.database.engine.url.set(drivername=world.database.engine.dialect.name)
    monkeypatch.setenv("MERGECOST_DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("MERGECOST_DATA", str(tmp_path))
    assert token_command.main(["new", "--for", "bob"]) == 0
    token = capsys.readouterr().out.splitlines()[0]
    assert token_command.main(["list"]) == 0
    assert secret_of(token) not in capsys.readouterr().out + everything_stored(world)


@pytest.mark.parametrize("missing", ["id", "slug", "pem", "webhook_secret", "html_url", None])
def test_an_answer_to_the_set_up_that_cannot_be_read_is_not_quoted(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, missing: str | None
):
    caplog.set_level(logging.DEBUG)
    github = FakeGitHub(lambda: MONDAY)
    server = Server(database, tmp_path / "data", None, httpx.ASGITransport(github.app))
    marks = {
        "pem": "canary-pem",
        "webhook_secret": "canary-webhook",
        "client_secret": "canary-client",
        "slug": "x",
        "html_url": "x",
    }
    content = {"id": 1, **marks}
    answer = {name: value for name, value in content.items() if name != missing} if missing else ["canary-list"]
    github.answer_next("POST", "/app-manifests/.+", JSONResponse(answer, 201))
    link = server.settings.data_dir / "setup-secret"
    start = server.send("GET", "/setup", params={"secret": "x"})
    assert start.status_code == 403
    first = server.send("GET", "/setup", params={"secret": link.read_text()})
    state = re.search(r"apps/new\?state=(\w+)", first.text)
    assert state is not None
    page = server.send("GET", "/setup/created", params={"code": "c0de", "state": state[1]})
    server.close()
    assert page.status_code == 502
    assert "canary" not in page.text + caplog.text


def test_a_password_of_the_database_is_in_no_message(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    database = Database("postgresql://mergecost:canary@127.0.0.1:1/mergecost")
    with pytest.raises(Unavailable) as error, database.read():
        pass
    database.close()
    assert "canary" not in f"{error.value} {error.value!r} {error.value.reason} {database.engine!r} {caplog.text}"


def test_credentials_show_none_of_their_secrets(world: World):
    shown = repr(world._credentials) + repr(world.bots[0].github.credentials)
    for secret in secrets_of(world).values():
        assert secret not in shown
