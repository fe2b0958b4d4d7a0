"""A person logs in from a machine, on GitHub, and the machine gets tokens for what that person sees."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bot.store import tokens as token_store
from tests.world import World


def begin(world: World) -> dict[str, Any]:
    answer = world.send("POST", "/v1/login")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask(world: World, code: dict[str, Any]) -> httpx.Response:
    """As a machine does it: after the interval that GitHub wants."""
    world.now_ms += code["interval_seconds"] * 1000
    return world.send("POST", "/v1/login/tokens", json={"device_code": code["device_code"]})


def log_in(world: World, login: str = "alice") -> dict[str, str]:
    """The token of each account."""
    code = begin(world)
    world.github.confirm_login(code["user_code"], world.person(login))
    answer = ask(world, code)
    assert answer.status_code == 200, answer.text
    assert answer.json()["login"] == login
    return {of["account"]: of["token"] for of in answer.json()["tokens"]}


def whose(world: World, token: str, method: str = "GET") -> httpx.Response:
    return world.send(method, "/v1/token", headers={"Authorization": f"Bearer {token}"})


def test_a_person_who_confirms_gets_a_token_that_sends_usage(world: World):
    code = begin(world)
    assert code["verification_uri"] == "https://github.com/login/device"
    assert "tokens" not in ask(world, code).json()
    world.github.confirm_login(code["user_code"], world.alice)
    (token,) = ask(world, code).json()["tokens"]
    assert token["account"] == "acme"
    assert whose(world, token["token"]).json() | {"now": "", "token_id": ""} == {
        "account": "acme", "token_id": "", "login": "alice", "expires_at": None, "now": "", "version": "0.1.0",
    }  # fmt: skip
    world.token = token["token"]
    world.open_pull(12, "feat/x", "1f2e3d4")
    world.work("09:00 feat/x $1.00")
    world.settle()
    assert "$1.00" in world.comment(12)


def test_who_asks_too_often_is_told_to_ask_later(world: World):
    code = begin(world)
    ask(world, code)
    answer = world.send("POST", "/v1/login/tokens", json={"device_code": code["device_code"]})
    assert answer.json() == {"interval_seconds": 10}


def test_each_account_that_the_person_sees_has_a_token_of_its_own_and_no_other_has(world: World):
    alice, bob = world.alice, world.person("bob")
    own = world.github.add_repository(alice, "notes")
    world.github.install(world.app, alice, [own])
    theirs = world.github.add_user("rival", type="Organization")
    public = world.github.add_repository(theirs, "public", private=False)
    world.github.install(world.app, theirs, [public])
    world.deliver()
    world.settle()
    tokens = log_in(world)
    assert sorted(tokens) == ["acme", "alice"]
    for account, token in tokens.items():
        assert whose(world, token).json()["account"] == account
    code = begin(world)
    world.github.confirm_login(code["user_code"], bob)
    refusal = ask(world, code)
    assert refusal.status_code == 403
    assert "the App is on no account that bob can see: an owner installs it at" in refusal.json()["message"]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("cancelled", "the login was cancelled on GitHub"),
        ("late", "the code was not entered in time: run `mergecost login` again"),
        ("used", "GitHub does not know this login, or it was finished before"),
        ("invented", "GitHub does not know this login"),
        ("suspended", "the App is on no account that alice can see"),
        ("uninstalled", "the App is on no account that alice can see"),
    ],
)
def test_a_login_that_fails_says_what_to_do(world: World, what: str, words: str):
    code = begin(world)
    world.github.confirm_login(code["user_code"], None if what == "cancelled" else world.alice)
    if what == "late":
        world.now_ms += 900_000
    if what == "used":
        ask(world, code)
    if what == "invented":
        code["device_code"] = "x"
    if what == "suspended":
        world.github.suspend(world.installation)
    if what == "uninstalled":
        world.github.uninstall(world.installation)
    world.deliver()
    world.settle()
    refusal = ask(world, code)
    assert refusal.status_code == 403
    assert words in refusal.json()["message"]


def test_an_app_without_device_flow_says_who_switches_it_on(world: World):
    world.app.device_flow = False
    refusal = world.send("POST", "/v1/login")
    assert refusal.status_code == 403
    assert "its owner ticks *Enable Device Flow*" in refusal.json()["message"]


@pytest.mark.parametrize(
    "path", ["/login/device/code", "/app", "/login/oauth/access_token", "/user", "/user/installations"]
)
def test_while_github_is_away_the_machine_asks_later(world: World, path: str):
    if path not in ("/app", "/login/device/code"):
        code = begin(world)
        world.github.confirm_login(code["user_code"], world.alice)
    method = "POST" if path.startswith("/login") else "GET"
    world.github.fail_next(method, path)
    is_begun = path not in ("/app", "/login/device/code")
    answer = ask(world, code) if is_begun else world.send("POST", "/v1/login")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_logging_out_ends_the_token_and_no_other(world: World):
    first, second = log_in(world)["acme"], log_in(world)["acme"]
    assert whose(world, first, "DELETE").status_code == 200
    refusal = whose(world, first)
    assert refusal.status_code == 401
    assert "run `mergecost login`" in refusal.json()["message"]
    assert whose(world, second).status_code == 200
    assert whose(world, "mergecost_ingest_", "DELETE").status_code == 401


def test_a_persons_machines_are_one_sender_and_their_number_has_an_end(world: World):
    tokens = [log_in(world)["acme"] for _ in range(token_store.MOST_OF_A_USER + 2)]
    states = [whose(world, token).status_code for token in tokens]
    assert states == [401, 401] + [200] * token_store.MOST_OF_A_USER
    with world.database.read() as connection:
        senders = {of.sender for of in token_store.all_tokens(connection) if of.user_id}
    assert senders == {f"github:{world.alice.id}"}


def test_nothing_of_a_persons_token_is_stored_or_logged(world: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(0)
    token = log_in(world)["acme"]
    with world.database.read() as connection:
        stored = json.dumps([[str(value) for value in row] for row in connection.execute(select(token_store.tokens))])
    persons = list(world.github.user_tokens)
    assert persons
    for secret in (token, *persons, *world.github.device_logins):
        assert secret not in stored + caplog.text


def test_strangers_cannot_use_up_what_github_allows_this_server(world: World):
    statuses = [world.send("POST", "/v1/login").status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    code = next(iter(world.github.device_logins))
    questions = [world.send("POST", "/v1/login/tokens", json={"device_code": code}) for _ in range(601)]
    assert questions[-1].status_code == 429
    assert 0 < int(questions[-1].headers["Retry-After"]) <= 60
    world.now_ms += 60_000
    assert world.send("POST", "/v1/login").status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"device_code":""}', b'{"device_code":7}', b"\xff", b"[" * 900, b"x" * 2000]
)
def test_nonsense_is_refused(world: World, body: bytes):
    answer = world.send("POST", "/v1/login/tokens", content=body)
    assert answer.status_code in (400, 413)
    assert answer.json()["message"]
