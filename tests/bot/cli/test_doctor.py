"""`mergecost doctor --server`, beside a fake GitHub."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from inline_snapshot import snapshot

from bot.cli import doctor
from bot.clock import DAY_MS
from bot.store import tokens as token_store
from bot.work import queue
from bot.work.queue import Kind, Work
from tests.world import World


@pytest.fixture
def operator(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world of an operator who has the App's secrets in the environment."""
    url = world.database.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    for name, value in {
        "MERGECOST_DATABASE_URL": url, "MERGECOST_DATA": str(tmp_path / "data"),
        "MERGECOST_PUBLIC_URL": "https://mergecost.example",
        "MERGECOST_APP_ID": str(world.app.id), "MERGECOST_APP_SLUG": world.app.slug,
        "MERGECOST_PRIVATE_KEY": world.app.private_key, "MERGECOST_WEBHOOK_SECRET": world.app.webhook_secret,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return world


def look(world: World, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    status = doctor.main(list(options), httpx.ASGITransport(world.github.app), world.clock)
    return status, capsys.readouterr().out


def findings(world: World, capsys: pytest.CaptureFixture[str]) -> dict[str, list[tuple[str, str]]]:
    status, text = look(world, capsys, "--json")
    found: list[dict[str, Any]] = json.loads(text)["findings"]
    assert status == int(any(of["state"] == "bad" for of in found))
    by_name: dict[str, list[tuple[str, str]]] = {}
    for of in found:
        by_name.setdefault(of["name"], []).append((of["state"], of["text"]))
    return by_name


def test_all_is_well(operator: World, capsys: pytest.CaptureFixture[str]):
    operator.open_pull(12, "feat/x", "1f2e3d4")
    operator.work("09:00 feat/x $1.00")
    operator.settle()
    status, text = look(operator, capsys)
    assert status == 0
    assert text == snapshot("""\
ok    database       it opens, with the tables of this version
ok    key            the App's key can sign
ok    github         GitHub knows the App, mergecost
ok    webhook        the last 5 deliveries arrived, the newest at 2026-11-16 09:00 UTC
ok    login          developers can log in with GitHub
ok    installations  1: acme
ok    work           nothing is overdue
ok    usage          acme: claude-code, 1 requests in 30 days, from 2026-11-16 to 2026-11-16
ok    machines       acme: 1 of 1 report
""")


def test_what_is_wrong_is_named(operator: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    operator.app.device_flow = False
    operator.open_pull(12, "feat/x", "1f2e3d4")
    operator.settle()
    operator.github.record_answer(operator.github.deliveries[-1], 502)
    with operator.database.write() as connection:
        queue.request(connection, [Work(Kind.PULL, operator.org.id, operator.repository.id, 12)], operator.now_ms)
    operator.now_ms += 3 * 3_600_000
    found = findings(operator, capsys)
    assert found["login"][0][0] == "note"
    assert "Enable Device Flow" in found["login"][0][1]
    assert found["webhook"][0][0] == "bad"
    assert "GitHub must reach https://mergecost.example/webhooks/github" in found["webhook"][0][1]
    assert found["work"] == [("bad", "1 pieces are due, the oldest (pull) for 180 minutes")]
    operator.github.uninstall(operator.installation)
    operator.deliver()
    operator.settle()
    assert findings(operator, capsys)["installations"] == [("bad", "0: none: install the App")]
    monkeypatch.setenv("MERGECOST_PRIVATE_KEY", "-----BEGIN nothing")
    assert findings(operator, capsys)["app"][0][0] == "bad"


def test_who_went_silent_is_counted_and_for_the_operator_named(operator: World, capsys: pytest.CaptureFixture[str]):
    with operator.database.write() as connection:
        tokens = [token_store.new(connection, operator.org.id, f"laptop-{n:02}", operator.now_ms) for n in range(1, 51)]

    def report(some: list[str]) -> None:
        for token in some:
            answer = operator.send("GET", "/v1/coverage", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200

    report(tokens[:49])
    operator.now_ms += 4 * DAY_MS
    report(tokens[:46])
    lines = findings(operator, capsys)["machines"]
    # The world's own token was never used, like the fiftieth laptop's.
    assert lines[0] == ("note", "acme: 46 of 51 report, 3 silent since Monday, 2026-11-16, 2 never did")
    assert [text for _, text in lines[1:]] == [
        f"acme: laptop-{n} was heard of last on 2026-11-16" for n in (47, 48, 49)
    ]
    numbers = operator.read("/reporting").json()
    assert numbers == {
        "everybody": 51,
        "report": 46,
        "silent": 3,
        "never": 2,
        "silent_since_ms": operator.now_ms - 4 * DAY_MS,
    }
    assert "laptop" not in operator.read("/reporting").text
