"""`POST /v1/caps`: the caps of covered repositories, and of the branches asked for what their pull requests cost."""

import json

import pytest

from bot.repository_settings import OperatorSettings
from tests.world import World

NOTHING = {"cap_session_micros": None, "cap_day_micros": None, "cap_pull_micros": None}


def ask(server, token, *repositories):
    return server.send(
        "POST", "/v1/caps", json={"repositories": repositories}, headers={"Authorization": f"Bearer {token}"}
    )


def query(name, *branches):
    return {"name": name, "branches": branches}


def test_what_is_not_set_is_no_cap_and_what_is_not_covered_is_not_named(server):
    token = server.token(acme__widgets=34)
    answer = ask(server, token, query("ACME/Widgets", "feat/x"), query("other/repo", "feat/x"))
    assert answer.json() == {
        "repositories": [{"name": "ACME/Widgets", "default_branch": "main", "branches": [], **NOTHING}]
    }


@pytest.mark.parametrize("header", ["", "Bearer x", "Bearer mergecost_read_x", "Basic mergecost_ingest_x"])
def test_without_a_good_token_nothing_is_answered(server, header):
    server.token(acme__widgets=34)
    answer = server.send("POST", "/v1/caps", json={"repositories": []}, headers={"Authorization": header})
    assert answer.status_code == 401
    assert "run `mergecost login`" in answer.json()["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"repositories": 5}', b'{"repositories": [{}]}', b"\xff"])
def test_a_body_that_is_no_query_is_refused_in_words(server, body):
    headers = {"Authorization": f"Bearer {server.token(acme__widgets=34)}"}
    answer = server.send("POST", "/v1/caps", content=body, headers=headers)
    assert answer.status_code == 400
    assert "the body must be" in answer.json()["message"]


def test_too_much_is_refused(server):
    token = server.token(acme__widgets=34)
    assert ask(server, token, *[query("acme/widgets")] * 201).status_code == 400
    assert ask(server, token, query("acme/widgets", *map(str, range(1001)))).status_code == 400
    assert ask(server, token, query("acme/widgets", "x" * 6_000_000)).status_code == 413


def test_installations_are_strangers_to_each_other(server):
    server.token(1, acme__widgets=34)
    theirs = server.token(2, other__repo=99)
    assert ask(server, theirs, query("acme/widgets", "feat/x")).json() == {"repositories": []}


# Stories, with GitHub behind the server.


def caps(world: World, *branches: str) -> dict[str, object]:
    answer = ask(world, world.token, query("acme/widgets", *branches))
    assert answer.status_code == 200, answer.text
    (caps_of_repository,) = answer.json()["repositories"]
    return caps_of_repository


def test_the_caps_are_those_of_the_repositorys_settings(world: World):
    world.settings_file("cap_pull_usd: 60\ncap_session_usd: 7.50\n")
    world.open_pull(12, "feat/x", "1f2e3d4")
    world.settle()
    assert caps(world) == {
        "name": "acme/widgets", "default_branch": "main", "branches": [], "cap_pull_micros": 60_000_000,
        "cap_session_micros": 7_500_000, "cap_day_micros": None,
    }  # fmt: skip


def test_the_caps_are_those_of_the_operators_settings(database, tmp_path):
    operator = OperatorSettings(defaults={"cap_day_usd": 100}, repository={"acme/widgets": {"cap_pull_usd": 5}})
    with World(database, tmp_path, operator=operator) as world:
        answer = caps(world)
        assert (answer["cap_day_micros"], answer["cap_pull_micros"]) == (100_000_000, 5_000_000)


def test_a_pull_request_costs_what_its_comment_says_over_everybody(world: World):
    world.open_pull(12, "feat/x", "1f2e3d4")
    world.open_pull(13, "feat/y", "5a6b7c8")
    world.work("09:00 feat/x $1.00", "s1", by="alice")
    world.work("\n".join(f"09:1{i} feat/x $1.0{i}" for i in range(6)), "s2", "codex", by="bob")
    world.work("09:20 feat/y $7.00", "s3")
    world.settle()
    assert "$7.15" in world.comment(12)
    answer = caps(world, "feat/x")
    assert answer["branches"] == [{"name": "feat/x", "pull_number": 12, "spent_micros": 7_150_000, "closed_at": None}]
    text = json.dumps(answer)
    assert not any(word in text for word in ("alice", "bob", "feat/y", "13", "session_id", "author"))


def test_a_branch_without_a_pull_request_and_the_default_one_have_nothing_to_say(world: World):
    world.open_pull(12, "main", "1f2e3d4")
    world.settle()
    assert caps(world, "main", "feat/z", "")["branches"] == []


def test_a_closed_pull_request_is_done_with(world: World):
    world.open_pull(12, "feat/x", "1f2e3d4")
    world.work("09:00 feat/x $1.00")
    world.settle()
    world.merge(12)
    world.settle()
    (branch,) = caps(world, "feat/x")["branches"]
    assert (branch["pull_number"], branch["spent_micros"]) == (None, 0)
    assert branch["closed_at"].startswith("2026-11-16T")
    world.open_pull(14, "feat/x", "9c8b7a6")
    world.work("18:00 feat/x $2.00", "s2")
    world.settle()
    (branch,) = caps(world, "feat/x")["branches"]
    assert (branch["pull_number"], branch["spent_micros"]) == (14, 2_000_000)


def test_of_several_from_branches_of_one_name_none_is_meant(world: World):
    world.open_pull(12, "patch-1", "1f2e3d4")
    world.open_pull(13, "patch-1", "5a6b7c8", by="bob")
    world.settle()
    (branch,) = caps(world, "patch-1")["branches"]
    assert (branch["pull_number"], branch["spent_micros"]) == (None, 0)
