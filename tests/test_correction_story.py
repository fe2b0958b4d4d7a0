"""What people do with comments that hold commands: quote, edit and delete them, say them twice, elsewhere or as a bot."""

import pytest
from inline_snapshot import snapshot

from attribution.evidence import Correction
from attribution.report import short_id
from bot.keys import RepositoryKey
from bot.store import commands as command_store
from tests.comment_parts import may_belong, why
from tests.databases import Worlds
from tests.world import World

S1 = short_id("claude-code", "s1")
HOT = "mergecost[bot]"


def two_pull_requests(world: World) -> None:
    """#12 with a session of $2.00, #14 with another of $1.00."""
    world.open_pull(12, "feat/a")
    world.open_pull(14, "feat/b")
    world.work("09:00 feat/a $2.00")
    world.work("09:30 feat/b $1.00", "s2")
    world.settle()
    assert world.shares() == {"#12": 200, "#14": 100}


@pytest.fixture
def ready(worlds: Worlds) -> World:
    return worlds.after(two_pull_requests)


@pytest.mark.parametrize(
    "body",
    [
        f"> /mergecost unlink {S1}",
        f"```\n/mergecost unlink {S1}\n```",
        f"Say `/mergecost unlink {S1}`",
        f" /mergecost unlink {S1}",
        f"    /mergecost unlink {S1}",
        f"> one line\u2028/mergecost unlink {S1}",
        f"> one line\x0b/mergecost unlink {S1}",
        f"~~~ md\n```\n/mergecost unlink {S1}\n~~~",
        f"```\n```text\n/mergecost unlink {S1}\n```",
        f"```\n/mergecost unlink {S1}",
        f"<!-- write\n/mergecost unlink {S1}\n-->",
        f"- /mergecost unlink {S1}",
        "/mergecosts",
    ],
)
def test_quoting_a_command_is_not_giving_it(ready: World, body: str):
    comment = ready.say(12, body)
    ready.settle()
    assert comment.reactions == set()
    assert ready.shares() == {"#12": 200, "#14": 100}


@pytest.mark.parametrize(
    "body",
    [
        f"Look:\r\n\r\n```\r\nx\r\n```\r\n/mergecost unlink {S1}\r\n",
        f"```inline``` code\n/mergecost unlink {S1}",
        f"> /mergecost link {S1}\n\n/mergecost unlink `{S1}`",
        f"<!-- a note -->\n/mergecost Unlink {S1.upper()}  because it was a spike",
        "/mergecost unlink s1",
    ],
)
def test_a_command_stands_in_a_line_of_its_own(ready: World, body: str):
    comment = ready.say(12, body)
    ready.settle()
    assert comment.reactions == {(HOT, "+1")}
    assert ready.shares() == {"#14": 100, "-": 200}


def corrections(world: World) -> list[Correction]:
    with world.database.read() as connection:
        key = RepositoryKey(world.org.id, world.repository.id)
        rows = command_store.corrections_of(connection, key, ["s1"])
    return sorted(rows)


def test_corrections_are_kept_for_good_with_who_when_and_why(ready: World):
    """Also the comment's end changes nothing: what was said stays said until something else is."""
    comment = ready.say(14, f"/mergecost link {S1} because the branch was renamed")
    ready.settle()
    ready.github.delete_comment(comment, ready.alice)
    ready.deliver()
    ready.person("bob")
    ready.repository.collaborators["bob"] = "admin"
    ready.say(12, f"/mergecost split {S1} 60/40 #12 #14", by="bob")
    ready.sweep()
    assert ready.shares() == {"#12": 120, "#14": 180}
    assert [
        (correction.by, correction.says, correction.weights, correction.why) for correction in corrections(ready)
    ] == snapshot([("alice", "link", ((14, 1),), "the branch was renamed"), ("bob", "link", ((12, 60), (14, 40)), "")])
    assert corrections(ready)[0].said_at < corrections(ready)[1].said_at
    assert [
        (share.revision, share.pull_number, share.micros, share.why) for share in ready.history("s1-0")
    ] == snapshot(
        [
            (1, 12, 2000000, "on branch `feat/a` of #12"),
            (2, 14, 2000000, "linked to #14 by a maintainer: the branch was renamed"),
            (3, 12, 1200000, "linked to #12 and #14 by a maintainer"),
            (3, 14, 800000, "linked to #12 and #14 by a maintainer"),
        ]
    )


def test_a_correction_beats_every_evidence(world: World):
    """A stamp, a CI run, the session's own commit and its branch, also of what arrives later."""
    world.at("09:30")
    world.commit("1111111", files={"a.py": (1, 0)})
    world.open_pull(12, "feat/a", "1111111")
    world.open_pull(14, "feat/b")
    later = "\n".join(f"10:{i:02} feat/a $0.10" for i in range(12))
    world.work(
        "09:00 feat/a $1.00 edits a.py\n09:05 feat/a $0.20 commits 1111111!\n09:10 - $0.30 ci refs/pull/12/merge\n"
        "09:30 feat/a $0.40 commits 1111111\n09:40 feat/a $0.50"
    )
    world.settle()
    assert world.shares() == {"#12": 240}
    world.say(14, f"/mergecost link {S1}")
    world.settle()
    assert world.shares() == {"#14": 240}
    assert why(world, 14) == snapshot(["$2.40: linked to this pull request by a maintainer"])
    world.work(f"{later}\n12:00 feat/a $9.00 commits 2222222")
    world.push("feat/a", "2222222")
    world.settle()
    assert set(world.shares()) == {"#14"}


def test_a_session_that_was_unlinked_is_not_suggested_again(world: World):
    world.at("10:00")
    world.open_pull(12, "feat/a", "1111111:shared.py+c.py+d.py")
    world.open_pull(13, "feat/b", "2222222:shared.py+e.py+f.py")
    world.work("10:30 - $0.80 edits shared.py", "s1")
    world.work("10:40 feat/a $0.10", "s3")
    world.work("10:40 feat/b $0.10", "s4")
    world.settle()
    assert world.shares() == {"#12": 50, "#13": 50}
    world.say(12, f"/mergecost unlink {S1}")
    world.settle()
    assert world.shares() == {"#12": 10, "#13": 90}
    world.say(13, f"/mergecost unlink {S1}")
    world.settle()
    assert world.shares() == {"#12": 10, "#13": 10, "-": 80}
    assert may_belong(world, 12) == may_belong(world, 13) == []


def test_a_number_with_this_one_as_its_prefix_is_another_pull_request(world: World):
    world.open_pull(1, "fix#1")
    world.open_pull(14, "feat/b")
    world.work("09:00 fix#1 $2.00")
    world.work("09:30 fix#1 $1.00", "s2")
    world.say(1, f"/mergecost split {S1} 50/50 #1 #14 because #14 and #1 were one")
    world.settle()
    assert why(world, 1) == snapshot(
        [
            "$1.00: linked to this pull request and #\u200b14 by a maintainer: #\u200b14 and this pull request were one",
            "$1.00: on branch `fix#1` of this pull request",
        ]
    )


def test_a_command_that_is_fixed_by_an_edit_is_not_read_again_and_the_reply_says_so(ready: World):
    comment = ready.say(12, f"/mergecost unlnik {S1}")
    ready.settle()
    for _ in range(2):
        ready.github.edit_comment(comment, f"/mergecost unlink {S1}", ready.alice)
        ready.deliver()
        ready.settle()
    assert ready.shares() == {"#12": 200, "#14": 100}
    assert ready.replies(12) == snapshot(
        ["Not done: there is no command `unlnik`: perhaps `unlink`; a comment is read once, so say it in a new one."]
    )
    assert comment.reactions == {(HOT, "confused")}


def test_an_edit_of_a_command_does_nothing_and_an_edit_that_adds_the_first_command_counts(ready: World):
    command = ready.say(12, f"/mergecost unlink {S1}")
    plain = ready.say(14, "What about the other session?")
    ready.settle()
    ready.github.edit_comment(command, f"/mergecost link {S1}", ready.alice)
    ready.github.edit_comment(plain, f"It belongs here.\n/mergecost link {S1}", ready.alice)
    ready.deliver()
    ready.settle()
    assert ready.shares() == {"#14": 300}
    assert plain.reactions == command.reactions == {(HOT, "+1")}
    assert ready.replies(12) == ready.replies(14) == []


def test_an_edit_by_a_stranger_still_gets_no_answer(ready: World):
    ready.github.publicize(ready.repository)
    ready.deliver()
    ready.settle()
    comment = ready.say(12, f"/mergecost unlink {S1}", by="mallory")
    ready.settle()
    ready.github.edit_comment(comment, "/mergecost off", ready.person("mallory"))
    ready.deliver()
    ready.settle()
    assert ready.replies(12) == []
    assert ready.shares() == {"#12": 200, "#14": 100}


def test_a_comment_that_is_deleted_before_it_is_read_changes_nothing(ready: World):
    comment = ready.say(12, f"/mergecost unlink {S1}")
    ready.github.delete_comment(comment, ready.alice)
    ready.deliver()
    ready.settle()
    assert ready.shares() == {"#12": 200, "#14": 100}
    assert corrections(ready) == []


def test_the_same_command_twice_changes_nothing_more(ready: World):
    for _ in range(2):
        ready.say(14, f"/mergecost link {S1}\n/mergecost link {S1}")
        ready.settle()
    assert ready.shares() == {"#14": 300}
    assert ready.history("s1-0")[-1].revision == 2


@pytest.mark.parametrize("is_merged", [True, False])
def test_in_a_closed_pull_request_people_still_have_the_last_word(ready: World, is_merged: bool):
    ready.merge(14) if is_merged else ready.close(14)
    ready.settle()
    ready.say(14, f"/mergecost link {S1}")
    ready.settle()
    assert ready.shares() == {"#14": 300}


def test_in_an_issue_sessions_cannot_be_corrected(ready: World):
    number = ready.open_issue("Clients hammer the API")
    for command in (f"link {S1}", f"split {S1} 60/40 #12 #14", "off"):
        ready.say(number, f"/mergecost {command}")
    ready.settle()
    assert ready.replies(number) == snapshot(
        [
            "Not done: this is about pull requests: say it in one.",
            "Not done: this is about pull requests: say it in one.",
            "Not done: this is about pull requests: say it in one.",
        ]
    )
    assert ready.shares() == {"#12": 200, "#14": 100}


def test_commands_of_bots_are_ignored(ready: World):
    """Neither an App's, nor ours; a bot that quotes a command would else be obeyed."""
    robot = ready.github.add_user("robot[bot]", type="Bot")
    ready.repository.collaborators["robot[bot]"] = "admin"
    comments = [
        ready.github.comment(ready.repository, 12, f"/mergecost unlink {S1}", robot),
        ready.github.comment(ready.repository, 12, f"/mergecost unlink {S1}", ready.app.bot, via=ready.app),
    ]
    ready.deliver()
    ready.sweep()
    assert [comment.reactions for comment in comments] == [set(), set()]
    assert ready.shares() == {"#12": 200, "#14": 100}


@pytest.mark.parametrize(("role", "may"), [("read", False), ("triage", False), ("write", True), ("maintain", True)])
def test_people_with_write_access_may_correct(ready: World, role: str, may: bool):
    ready.person("bob")
    ready.repository.collaborators["bob"] = role
    ready.say(12, f"/mergecost unlink {S1}", by="bob")
    ready.settle()
    assert ready.shares() == ({"#14": 100, "-": 200} if may else {"#12": 200, "#14": 100})
