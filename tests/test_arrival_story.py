"""Facts that arrive late, twice, in copies and in any order: the ledger ends as if all had been known at once."""

import random

import pytest
from inline_snapshot import snapshot
from msgspec.structs import replace

from attribution.identity import author
from attribution.usage import ContextSource, Usage, with_context
from tests.comment_parts import why
from tests.git_facts import with_git_facts
from tests.github.state import Delivery
from tests.notation import session
from tests.world import World


def test_a_late_push_moves_the_money_as_a_new_revision_and_says_why(world: World):
    world.open_pull(12, "feat/a", "1111111:a.py")
    world.at("09:40")
    world.commit("2222222", files={"b.py": (1, 0)})
    world.work("09:30 feat/a $2.00 edits b.py\n09:40 feat/a $0.10 commits 2222222")
    world.settle()
    assert world.shares() == {"#12": 210}
    world.at("Tue 09:00")
    world.open_pull(14, "feat/split-off", "2222222")
    world.settle()
    assert world.shares() == {"#14": 210}
    assert why(world, 14) == snapshot(["$2.10: made commit `2222222`, in this pull request"])
    assert [(share.revision, share.pull_number, share.why) for share in world.history("s1-0")] == snapshot(
        [(1, 12, "on branch `feat/a` of #12"), (2, 14, "made commit `2222222`, in #14")]
    )
    assert world.ledger_errors() == []


def test_a_late_log_with_a_commit_changes_what_another_session_was_for(world: World):
    """Only the second session's machine knows that the work of both was pushed to `main`."""
    world.at("09:30")
    world.commit("ddddddd", files={"a.py": (1, 0), "z.py": (1, 0)})
    world.at("10:00")
    world.open_pull(12, "feat/a", "1111111:a.py")
    world.work("09:00 main $1.00 edits a.py")
    world.settle()
    assert why(world, 12) == snapshot(
        ["$1.00: edited files of the author's next commit `1111111`, in this pull request"]
    )
    world.work("09:20 main $0.10 edits z.py after ddddddd@main", "s2", "codex")
    world.settle()
    assert world.shares() == {"-": 110}
    assert [(share.revision, share.pull_number, share.why) for share in world.history("s1-0")] == snapshot(
        [
            (1, 12, "edited files of the author's next commit `1111111`, in #12"),
            (2, None, "edited files of the author's next commit `ddddddd`, in no pull request"),
        ]
    )
    assert world.comment(12).startswith("**No AI work is booked to this change any more.**")


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_fork_does_not_bring_its_parents_money_along(world: World, parent_first: bool):
    """The fork's log begins with a copy of what its parent did, under the fork's own id."""
    world.at("09:10")
    world.commit("1111111", files={"a.py": (1, 0)})
    world.open_pull(12, "feat/a", "1111111")
    world.open_pull(13, "feat/b")
    parent = with_git_facts(session("09:00 main $1.00\n09:10 main $0.50 commits 1111111", "s1"), world.commits)
    copies = [replace(usage, session_id="s2") for usage in parent]
    own = session("09:12 main $0.25\nTue 09:20 feat/b $2.00", "s2")
    for usages in (parent, [*copies, *own]) if parent_first else ([*copies, *own], parent):
        world.send_usage(usages)
        world.settle()
    assert world.shares() == {"#12": 150, "#13": 200, "-": 25}
    assert why(world, 12) == snapshot(["$1.50: made commit `1111111`, in this pull request"])
    assert why(world, 13) == snapshot(["$2.00: on branch `feat/b` of this pull request"])


def test_a_session_that_is_taken_up_again_is_sent_again_and_counts_once(world: World):
    world.open_pull(12, "feat/a")
    world.open_pull(13, "feat/b")
    first = "09:00 feat/a $1.00\n09:10 feat/a $1.00"
    world.work(first)
    world.settle()
    world.work(f"{first}\nTue 09:00 feat/b $3.00")
    world.settle()
    assert world.shares() == {"#12": 200, "#13": 300}
    assert why(world, 12) == snapshot(["$2.00: on branch `feat/a` of this pull request"])
    assert why(world, 13) == snapshot(["$3.00: on branch `feat/b` of this pull request"])


def test_a_late_branch_from_a_better_source_moves_the_money(world: World):
    """The log says `main`, which sorts after `feat/a`; later git's reflog says which branch it was."""
    world.open_pull(12, "feat/a")
    (log,) = session("09:00 main $1.00")
    reflog = with_context(log, source=ContextSource.REFLOG, branch="feat/a")
    assert world.send_usage([log])["accepted"] == 1
    world.settle()
    assert world.shares() == {"-": 100}
    assert world.comments(12) == []
    assert world.send_usage([reflog])["accepted"] == 1
    world.settle()
    assert world.shares() == {"#12": 100}
    assert why(world, 12) == snapshot(["$1.00: on branch `feat/a` of this pull request"])
    assert world.send_usage([log])["unchanged"] == 1
    world.settle()
    assert world.shares() == {"#12": 100}


def test_a_request_that_grows_after_it_was_commented_on_changes_the_comment(world: World):
    world.open_pull(12, "feat/a")
    (short,) = session("09:00 feat/a $1.00")
    world.send_usage([short])
    world.settle()
    assert "$1.00" in world.comment(12)
    world.send_usage([replace(short, tokens=short.tokens + short.tokens)])
    world.settle()
    assert world.shares() == {"#12": 200}
    assert "$2.00" in world.comment(12)
    assert world.ledger_errors() == []


@pytest.mark.parametrize("order", ["both, one", "one, both", "one, other, both", "other, one, both"])
def test_a_request_through_two_doors_is_one_charge_and_one_comment(world: World, order: str):
    """The log names `message.id` and `requestId`, telemetry one of the two. Before anything ties the two ids, they are two."""
    world.open_pull(12, "feat/a")
    (log,) = session("09:00 feat/a $1.00")
    doors = {
        "both": replace(log, request_id="msg_1", aliases=("req_1",)),
        "one": with_context(replace(log, request_id="req_1"), source=ContextSource.TELEMETRY),
        "other": replace(log, request_id="msg_1"),
    }
    for door in order.split(", "):
        world.send_usage([doors[door]])
        world.settle()
        assert world.ledger_errors() == []
    assert world.shares() == {"#12": 100}
    (comment,) = world.comments(12)
    assert "$1.00" in comment
    for door in order.split(", "):
        assert world.send_usage([doors[door]])["accepted"] == 0


def test_two_charges_that_turn_out_to_be_one_request_are_withdrawn_from_where_one_of_them_was(world: World):
    """Telemetry took it for work on `feat/b` in a session of another name."""
    world.open_pull(12, "feat/a")
    world.open_pull(13, "feat/b")
    (log,) = session("09:00 feat/a $1.00")
    (elsewhere,) = session("09:00 feat/b $1.00", "s9")
    world.send_usage([replace(log, request_id="msg_1")])
    world.send_usage([with_context(replace(elsewhere, request_id="req_1"), source=ContextSource.TELEMETRY)])
    world.settle()
    assert world.shares() == {"#12": 100, "#13": 100}
    world.send_usage([replace(log, request_id="msg_1", aliases=("req_1",))])
    world.settle()
    assert world.shares() == {"#12": 100}
    assert world.ledger_errors() == []
    assert "$1.00" in world.comment(12)
    assert world.comment(13).startswith("**No AI work is booked to this change any more.**")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_order_logs_and_deliveries_arrive_in_the_ledger_ends_the_same(world: World, seed: int):
    """Two machines, a fork of a session, a commit by hand, two pull requests of which one is merged."""
    chance = random.Random(seed)
    world.mail = []
    world.at("09:10")
    world.commit("1111111", files={"a.py": (1, 0)})
    world.open_pull(12, "feat/a", "1111111")
    world.at("10:10")
    world.commit("2222222", files={"b.py": (1, 0)})
    world.open_pull(13, "feat/b", "2222222")
    world.at("12:00")
    world.merge(12)
    first = session("09:00 main $1.00 edits a.py\n09:10 main $0.50 commits 1111111\n09:12 main $0.10", "s1")
    fork = [replace(usage, session_id="s2") for usage in first[:2]]
    fork += session("Mon 09:11 main $0.25\n10:00 - $2.00 edits b.py\n10:05 - $0.40 after 2222222", "s2")
    other = session("10:01 spike $0.70 edits a.py\n10:20 feat/b $0.80", "s3", author=author("alice@example.com"))
    arriving: list[Delivery | list[Usage]] = [*world.mail, *([usage] for usage in (*first, *fork, *other))]
    world.mail = None
    for arrival in chance.sample(arriving * 2, 2 * len(arriving)):
        if isinstance(arrival, list):
            world.send_usage(
                with_git_facts([with_context(u, author=author("alice@example.com")) for u in arrival], world.commits)
            )
        else:
            world.post(arrival)
        if chance.random() < 0.3:
            world.settle()
    world.settle()
    assert world.shares() == snapshot({"#12": 230, "#13": 345})
    assert why(world, 12) == snapshot(
        [
            "$1.60: made commit `1111111`, in this pull request; same session, right after its work for this pull request",
            "$0.70: edited files that this pull request changed, by the same author",
        ]
    )
    assert why(world, 13) == snapshot(
        [
            "$2.65: edited files of the author's next commit `2222222`, in this pull request",
            "$0.80: on branch `feat/b` of this pull request",
        ]
    )
