"""Strangers in a public repository cost their host nothing, on both databases: neither requests nor writes nor anybody's turn."""

import pytest
from inline_snapshot import snapshot

from attribution.links import MOST_NUMBERS
from bot.commands.access import MOST_STRANGERS
from bot.keys import PullKey
from bot.store import pulls as pull_store
from tests.databases import Worlds
from tests.github.state import Comment
from tests.world import World

HOT = "mergecost[bot]"


def pull_request_with_work(world: World) -> None:
    world.open_pull(12, "feat/a")
    world.work("09:00 feat/a $2.00")
    world.settle()


@pytest.fixture
def private(worlds: Worlds) -> World:
    return worlds.after(pull_request_with_work)


@pytest.fixture
def public(private: World) -> World:
    private.github.publicize(private.repository)
    private.deliver()
    private.settle()
    return private


def requests_for(world: World, what: str, since: int = 0) -> int:
    """How often the App asked for such a path."""
    return sum(request.path.endswith(what) for request in world.github.requests[since:])


@pytest.mark.parametrize("is_together", [True, False])
def test_forty_commands_of_a_stranger_cost_one_question(public: World, is_together: bool):
    asked, written = len(public.github.requests), public.writes()
    for _ in range(40):
        public.say(12, "/mergecost off\n" * 20, by="mallory")
        if not is_together:
            public.settle()
    public.settle()
    assert requests_for(public, "/collaborators/mallory/permission", asked) == 1
    assert requests_for(public, "/comments", asked) == (1 if is_together else 40)
    assert len(public.github.requests) - asked == (2 if is_together else 41)
    assert public.writes() == written


def test_a_crowd_of_strangers_costs_so_many_questions_an_hour_and_hides_no_maintainer(public: World):
    asked = len(public.github.requests)
    for i in range(MOST_STRANGERS + 40):
        public.say(12, "/mergecost off", by=f"mallory{i}")
    comment = public.say(12, "/mergecost refresh")
    public.settle()
    assert requests_for(public, "/permission", asked) == MOST_STRANGERS + 1
    assert comment.reactions == {(HOT, "+1")}


def test_somebody_without_access_to_a_private_repository_is_answered_once(private: World):
    written = private.writes()
    comments = [private.say(12, "/mergecost off", by="mallory") for _ in range(60)]
    private.settle()
    assert private.writes() == written + 2
    assert private.replies(12) == snapshot(
        [
            "Not done: only people with write access to the repository may say this here, and who has it is asked every ten minutes."
        ]
    )
    assert [comment.reactions for comment in comments] == [{(HOT, "confused")}] + [set()] * 59


def test_a_stranger_who_is_given_access_is_heard_after_a_while(public: World):
    public.say(12, "/mergecost off", by="bob")
    public.settle()
    public.repository.collaborators["bob"] = "write"
    public.now_ms += 11 * 60_000
    comment = public.say(12, "/mergecost refresh", by="bob")
    public.settle()
    assert comment.reactions == {(HOT, "+1")}


def test_what_a_maintainer_says_between_strangers_is_done_whoever_is_first(public: World):
    for i in range(150):
        public.say(12, f"Very long talk {i}\n\n/mergecost off", by="mallory")
    comment = public.say(12, "/mergecost off")
    public.settle()
    assert comment.reactions == {(HOT, "+1")}
    assert public.repository.comments[comment.id].reactions == {(HOT, "+1")}


def test_a_long_conversation_is_read_once(private: World):
    first = private.say(12, "/mergecost refresh")
    for i in range(250):
        private.say(12, f"Talk {i}")
    last = private.say(12, "/mergecost refresh")
    asked = len(private.github.requests)
    private.settle()
    assert (first.reactions, last.reactions) == ({(HOT, "+1")}, {(HOT, "+1")})
    assert requests_for(private, "/comments", asked) == 6
    private.now_ms += 10 * 60_000
    private.say(12, "/mergecost refresh")
    private.settle()
    private.now_ms += 10 * 60_000
    again = private.say(12, "/mergecost refresh")
    asked = len(private.github.requests)
    private.settle()
    assert again.reactions == {(HOT, "+1")}
    assert requests_for(private, "/comments", asked) == 1


def test_comments_of_one_second_are_all_read_and_run_once(private: World):
    before = private.say(12, "/mergecost refresh")
    private.settle()
    private.now_ms = before_ms = private.now_ms // 1000 * 1000
    comments: list[Comment] = []
    for _ in range(3):
        private.now_ms += 200
        comments.append(private.say(12, "/mergecost refresh"))
    assert private.now_ms // 1000 * 1000 == before_ms
    private.settle()
    assert [comment.reactions for comment in (before, *comments)] == [{(HOT, "+1")}] * 4


def test_an_edit_makes_a_command(private: World):
    comment = private.say(12, "Please!")
    private.say(12, "/mergecost refresh")
    private.settle()
    private.now_ms += 5000
    private.github.edit_comment(comment, "/mergecost refresh", private.alice)
    private.deliver()
    private.settle()
    assert comment.reactions == {(HOT, "+1")}


def test_hidden_comments_and_those_of_bots_are_no_commands(private: World):
    bot = private.github.add_user("helper[bot]", type="Bot")
    private.repository.collaborators[bot.login] = "write"
    with private.hold_mail():
        hidden = private.say(12, "/mergecost off")
        private.github.minimize(hidden)
        theirs = private.say(12, "/mergecost off", by=bot.login)
    private.settle()
    assert (hidden.reactions, theirs.reactions) == (set(), set())
    assert private.comment(12).startswith("**This change cost $2.00**")


def test_our_comment_stays_hidden_once_it_is(private: World):
    (ours,) = private.github.comments(private.repository, 12)
    private.github.minimize(ours)
    private.work("10:00 feat/a $1.00", "s3")
    private.settle()
    assert private.comment(12).startswith("**This change cost $3.00**")
    assert ours.minimized_reason == "outdated"
    assert len(private.comments(12)) == 1


def test_a_pull_request_that_names_thousands_of_issues_has_few_of_them_read(public: World):
    asked = len(public.github.requests)
    body = "".join(f"fixes #{number} " for number in range(100, 7000))
    public.open_pull(13, "feat/b", by="mallory", body=body)
    public.settle()
    paths = {request.path for request in public.github.requests[asked:]}
    assert sum("/issues/" in path and path.rsplit("/", 1)[-1].isdecimal() for path in paths) == MOST_NUMBERS


def test_a_pull_request_of_many_files_and_long_names_is_stored_in_part(public: World):
    names = [f"{'x' * 4000}/{i}" for i in range(50)] + [f"src/{i:05}.py" for i in range(3500)]
    public.commit("abcdef1", by="mallory", files=dict.fromkeys(names, (1, 0)))
    public.open_pull(13, "feat/b", "abcdef1", by="mallory", title="x" * 60_000, labels=["y" * 60_000])
    public.settle()
    key = PullKey(public.org.id, public.repository.id, 13)
    with public.database.read() as connection:
        row = pull_store.pull(connection, key)
        facts = pull_store.facts_of_pull(connection, key)
    assert row is not None
    assert facts is not None
    assert len(row.details) < 2000
    assert max(map(len, facts.files)) < 500
    assert len(facts.files) <= 3000
    assert requests_for(public, "/pulls/13/files") == 30
