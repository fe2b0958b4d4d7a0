"""GitHub may leave out any field that is not required, in answers and deliveries: whatever is missing, the comment is there."""

import inspect
from collections.abc import Iterator
from importlib import import_module

import msgspec
import pytest

from bot.github.client import API_VERSION
from bot.github.write_check import CheckText
from bot.github.write_issue import IssueText
from tests.test_direct_push_story import readable
from tests.test_fault_github import errors
from tests.world import World

MODULES = [
    "bot.commands.run",
    "bot.github.client",
    "bot.github.models",
    "bot.github.sync_account",
    "bot.github.sync_default",
    "bot.github.sync_issue",
    "bot.github.sync_pull",
    "bot.github.write_check",
    "bot.github.write_comment",
    "bot.github.write_issue",
    "webhooks.github",
]


OUTGOING = (CheckText, IssueText)


def fields() -> Iterator[msgspec.structs.FieldInfo]:
    for name in MODULES:
        for _, model in inspect.getmembers(import_module(name), inspect.isclass):
            if issubclass(model, msgspec.Struct) and model.__module__ == name and model not in OUTGOING:
                yield from msgspec.structs.fields(model)


REQUIRED = {field.encode_name for field in fields() if field.required}
OPTIONAL = sorted({field.encode_name for field in fields()} - REQUIRED)


def play(world: World) -> None:
    """A pull request with a comment, a command, an issue and a merge; a second one that reverts it."""
    issue = world.open_issue("Widgets are slow")
    world.open_pull(12, "feat/a", body=f"Fixes #{issue}")
    world.work("09:00 feat/a $1.00")
    world.settle()
    world.say(12, "/mergecost refresh")
    world.merge(12)
    world.open_pull(13, "feat/b", body="Reverts acme/widgets#12")
    world.work("10:00 feat/b $2.00", "s2")
    world.settle()
    world.sweep()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_field_that_github_leaves_out_costs_no_comment(world: World, name: str):
    world.settle()
    readable(world)
    world.push("main", "7777777:direct.py")
    world.at("08:30")
    world.github.absent_keys = {name}
    play(world)
    assert errors(world) == {}
    assert "$1.00" in world.comment(12)
    assert "$2.00" in world.comment(13)
    assert sum(body.startswith("**This change") for body in world.comments(12)) == 1


def test_the_merge_commit_is_known_where_rest_has_none(world: World):
    world.github.absent_keys = {"merge_commit_sha"}
    world.open_pull(12, "feat/a", "1f2e3d4")
    world.work("09:00 feat/a $1.00")
    world.merge(12)
    world.settle()
    merge = world.github.pull(world.repository, 12).merge_commit_sha
    world.open_pull(13, "feat/b", body=f"This reverts commit {merge}.")
    world.merge(13)
    world.settle()
    assert "Reverted by #13" in world.comment(12)


def test_the_merge_commit_is_asked_for_once(world: World):
    world.github.absent_keys = {"merge_commit_sha"}
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $1.00")
    world.merge(12)
    world.settle()
    world.github.requests.clear()
    world.say(12, "/mergecost refresh")
    world.settle()
    paths = [request.path for request in world.github.requests]
    assert any(path.endswith("/pulls/12") for path in paths)
    assert "/graphql" not in paths


def test_every_request_names_the_version_of_the_api(world: World):
    play(world)
    assert any(request.path.endswith("/access_tokens") for request in world.github.requests)
    assert {request.api_version for request in world.github.requests} == {API_VERSION}
