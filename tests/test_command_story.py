"""People correct the bot in the pull request, on both databases: commands, reactions, replies, and the comment afterwards."""

import pytest
from inline_snapshot import snapshot

from attribution.report import short_id
from tests.databases import Worlds
from tests.world import World

S1, S2 = short_id("claude-code", "s1"), short_id("claude-code", "s2")
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


def sessions(world: World, number: int) -> str:
    return (
        world.comment(number)
        .partition("Sessions, and why")[2]
        .partition("\n\n")[2]
        .partition("\n\nA session in the")[0]
    )


def test_a_session_is_linked(ready: World):
    comment = ready.say(14, f"It was all for this.\n\n/mergecost link {S1} because the branch was renamed")
    ready.settle()
    assert comment.reactions == {(HOT, "+1")}
    assert ready.replies(14) == []
    assert ready.shares() == {"#14": 300}
    assert sessions(ready, 14) == snapshot("""\
- **$2.00** `b3ecf4` Claude Code, 16 Nov 09:00: linked to this pull request by a maintainer: the branch was renamed
- **$1.00** `3b6a17` Claude Code, 16 Nov 09:30: on branch `feat/b` of this pull request\
""")
    assert ready.comment(12).startswith("**No AI work is booked to this change any more.**")
    assert ready.ledger_errors() == []


def test_a_session_is_unlinked_and_linked_again(ready: World):
    ready.say(12, f"/mergecost unlink {S1}")
    ready.settle()
    assert ready.shares() == {"#14": 100, "-": 200}
    ready.say(12, f"/mergecost link {S1}")
    ready.settle()
    assert ready.shares() == {"#12": 200, "#14": 100}


def test_a_session_is_split_to_the_cent(ready: World):
    ready.say(12, f"/mergecost split `{S1}` 60/40 #12 #14")
    ready.settle()
    assert ready.shares() == {"#12": 120, "#14": 180}
    assert sessions(ready, 12) == snapshot(
        "- **$1.20** `b3ecf4` Claude Code, 16 Nov 09:00 (60% of its $2.00): linked to this pull request and #\u200b14 by a maintainer"
    )
    ready.work("09:00 feat/a $2.00\n10:00 feat/a $1.00")  # more of the same session
    ready.settle()
    assert ready.shares() == {"#12": 180, "#14": 220}


def test_a_correction_beats_what_is_learnt_later(ready: World):
    ready.say(14, f"/mergecost link {S1}")
    ready.settle()
    ready.work("09:00 feat/a $2.00\n10:00 feat/a $1.00 commits abcdef1")
    ready.push("feat/a", "abcdef1")
    ready.settle()
    assert ready.shares() == {"#14": 400}


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        (
            "/mergecost",
            snapshot(
                "Not done: which command? There are `link`, `unlink`, `split`, `confirm`, `refresh`, `approve`, `week`, `off` and `on`."
            ),
        ),
        ("/mergecost lnik", snapshot("Not done: there is no command `lnik`: perhaps `link`.")),
        (
            "/mergecost link",
            snapshot(
                "Not done: write `/mergecost link SESSION`, with the short id that the comment shows, such as `1f2e3d`."
            ),
        ),
        (
            "/mergecost link 000000",
            snapshot(
                "Not done: no session `000000` has reached Mergecost for this repository: use the short id that the comment shows."
            ),
        ),
        (f"/mergecost split {S1} 60/40 #12", snapshot("Not done: write `/mergecost split SESSION 60/40 #12 #14`.")),
        (
            f"/mergecost split {S1} 60/40 #12 #99",
            snapshot("Not done: there is no pull request #\u200b99 here that Mergecost knows."),
        ),
        (
            f"/mergecost split {S1} 60/30 #12 #14",
            snapshot(
                "Not done: write `/mergecost split SESSION 60/40 #12 #14`: the parts are percentages and add up to 90 here, not to 100."
            ),
        ),
        (
            f"/mergecost split {S1} 60/40 #12 #12",
            snapshot("Not done: write `/mergecost split SESSION 60/40 #12 #14`: each pull request once."),
        ),
        (
            f"/mergecost split {S1} 50/30/20 #12 #14",
            snapshot(
                "Not done: write `/mergecost split SESSION 60/40 #12 #14`: as many parts as pull requests, here are 3 of those and 2 of these."
            ),
        ),
        (f"/mergecost split {S1} 100 #12", snapshot("Not done: write `/mergecost split SESSION 60/40 #12 #14`.")),
        (f"/mergecost split {S1} 100/0 #12 #14", snapshot("Not done: write `/mergecost split SESSION 60/40 #12 #14`.")),
        (
            f"/mergecost split {S1} 60/40 12 fourteen",
            snapshot(
                "Not done: write `/mergecost split SESSION 60/40 #12 #14`: as many parts as pull requests, here are 2 of those and 1 of these."
            ),
        ),
        (
            f"/mergecost unlink {S1} #12",
            snapshot(
                "Not done: write `/mergecost unlink SESSION`, with the short id that the comment shows, such as `1f2e3d`."
            ),
        ),
        (
            f"/mergecost link {S1}, please",
            snapshot(
                "Not done: write `/mergecost link SESSION`, with the short id that the comment shows, such as `1f2e3d`."
            ),
        ),
        (
            "/mergecost link 000000 000000",
            snapshot(
                "Not done: write `/mergecost link SESSION`, with the short id that the comment shows, such as `1f2e3d`."
            ),
        ),
        ("/mergecost off please", snapshot("Not done: `/mergecost off` takes nothing more, here is `please`.")),
        ("/mergecost\n" * 21, snapshot("Not done: a comment may hold 20 commands at most.")),
        (
            "/mergecost refresh now @alice `x` #1",
            snapshot("Not done: `/mergecost refresh` takes nothing more, here is `now @alice x #1`."),
        ),
    ],
)
def test_a_command_that_cannot_be_done_gets_a_reply_and_changes_nothing(ready: World, body: str, reply: str):
    before = ready.comment(12)
    comment = ready.say(12, body)
    ready.settle()
    assert comment.reactions == {(HOT, "confused")}
    assert ready.replies(12) == [reply]
    assert ready.shares() == {"#12": 200, "#14": 100}
    assert ready.comment(12) == before


def test_only_people_who_may_write_correct(ready: World):
    comment = ready.say(12, f"/mergecost unlink {S1}", by="mallory")
    ready.settle()
    assert comment.reactions == {(HOT, "confused")}
    assert ready.replies(12) == snapshot(
        [
            "Not done: only people with write access to the repository may say this here, and who has it is asked every ten minutes."
        ]
    )
    assert ready.shares() == {"#12": 200, "#14": 100}


def test_strangers_in_a_public_repository_cannot_make_the_bot_comment(ready: World):
    ready.github.publicize(ready.repository)
    ready.deliver()
    comment = ready.say(12, f"/mergecost unlink {S1}", by="mallory")
    ready.settle()
    assert comment.reactions == set()
    assert ready.replies(12) == []
    assert ready.shares() == {"#12": 200, "#14": 100}


def test_a_command_is_carried_out_once_however_often_it_arrives(ready: World):
    ready.say(12, f"/mergecost unlink {S1}")
    ready.settle()
    ready.say(12, f"/mergecost link {S1}")
    ready.settle()
    before = ready.writes()
    for delivery in list(ready.github.deliveries):
        ready.post(delivery)
    ready.sweep()
    assert ready.shares() == {"#12": 200, "#14": 100}
    assert ready.writes() == before


def test_a_command_whose_delivery_was_lost_is_found_by_the_sweep(ready: World):
    with ready.hold_mail() as mail:
        comment = ready.say(12, f"/mergecost unlink {S1}")
        mail.clear()
    ready.sweep()
    assert comment.reactions == {(HOT, "+1")}
    assert ready.shares() == {"#14": 100, "-": 200}


def test_two_commands_at_once_and_one_of_them_wrong(ready: World):
    comment = ready.say(12, f"/mergecost unlink {S1}\n/mergecost link {S2}\n/mergecost link nobody")
    ready.settle()
    assert comment.reactions == {(HOT, "confused")}
    assert len(ready.replies(12)) == 1
    assert ready.shares() == {"#12": 100, "-": 200}


def test_switched_off_and_on_again(ready: World):
    ready.say(12, "/mergecost off")
    ready.settle()
    assert ready.comment(12) == snapshot(
        "Mergecost is switched off on this pull request. `/mergecost on` brings its figures back."
    )
    ready.work("10:00 feat/a $1.00", "s3")
    ready.settle()
    assert "$" not in ready.comment(12)
    ready.say(12, "/mergecost on")
    ready.settle()
    assert ready.comment(12).startswith("**This change cost $3.00**")


def test_on_brings_back_a_comment_that_somebody_deleted(ready: World):
    (ours,) = ready.github.comments(ready.repository, 12)
    ready.github.delete_comment(ours, ready.alice)
    ready.work("10:00 feat/a $1.00", "s3")
    ready.settle()
    assert ready.comments(12) == []
    ready.say(12, "/mergecost on")
    ready.settle()
    assert ready.comment(12).startswith("**This change cost $3.00**")


def test_refresh_reads_everything_again(ready: World):
    with ready.hold_mail() as mail:
        ready.push("feat/a", "abcdef1")
        mail.clear()
    ready.say(12, "/mergecost refresh")
    ready.settle()
    assert "As of `abcdef1`" in ready.comment(12)


def test_work_that_nearly_fits_is_suggested_and_then_linked(world: World):
    world.open_pull(12, "feat/a", "1f2e3d4:a.py+b.py+c.py")
    world.work("09:00 feat/a $1.00")
    world.work("09:30 - $0.70 edits a.py,x.py,y.py", "s2")
    world.settle()
    assert world.shares() == {"#12": 100, "-": 70}
    assert world.comment(12).partition("may belong</summary>")[2].partition("</details>")[0] == snapshot("""\

<br>

- **$0.70** `3b6a17` Claude Code, 1 request: edited files that are also in this pull request

Does one of these belong here? Say `/mergecost link 3b6a17` in a comment.

""")
    world.say(12, f"/mergecost link {S2}")
    world.settle()
    assert world.shares() == {"#12": 170}
    assert "may belong" not in world.comment(12)


def test_a_reply_cannot_be_made_to_mention_or_link(ready: World):
    ready.say(12, "/mergecost @alice](http://evil.example)<img/src=x>#1")
    ready.settle()
    (reply,) = ready.replies(12)
    from tests.look.gfm import render

    html = render(reply)
    for sign in ('class="mention"', 'class="reference"', "<img", 'http://evil.example"'):
        assert sign not in html
