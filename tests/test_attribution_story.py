"""The ways in which work goes astray between a session and its pull request, through the real app, with the comment looked at."""

import pytest
from inline_snapshot import snapshot

from tests.comment_parts import may_belong, why
from tests.github.history import pull_commits
from tests.world import World


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_however_it_is_merged_the_money_stays_and_a_late_log_still_counts(world: World, method: str):
    """Squash and rebase leave other commits on the default branch, and the branch is gone when the log arrives."""
    world.at("09:15")
    world.commit("1111111", files={"a.py": (9, 0)})
    world.open_pull(12, "feat/a", "1111111")
    world.work("09:00 main $0.50\n09:15 feat/a $1.00 commits 1111111", "s1")
    world.at("12:00")
    world.merge(12, method)
    world.github.delete_branch(world.repository, "feat/a")
    world.deliver()
    world.settle()
    before = world.comment(12)
    assert before.startswith("**This change cost $1.50**")
    # The same branch name once more, after the merge: other work.
    world.work("13:00 feat/a $4.00", "s3")
    # And the work of a second machine in the morning, sent in the evening.
    world.work("09:05 feat/a $0.25 edits a.py after 1111111", "s2", "codex")
    world.settle()
    assert world.shares() == {"#12": 175, "-": 400}
    assert why(world, 12) == snapshot(
        [
            "$1.50: made commit `1111111`, in this pull request",
            "$0.25: edited files of the author's next commit `1111111`, in this pull request",
        ]
    )


def test_an_amended_and_rebased_commit_is_still_its_sessions(world: World):
    """The ids that the log names are gone; the author date stays."""
    world.at("09:10")
    first = world.commit("1111111", files={"a.py": (1, 0)})
    world.open_pull(12, "feat/a", "1111111")
    world.settle()
    world.at("15:00")
    world.commit("2222222", files={"a.py": (1, 0), "b.py": (1, 0)}, at=first.author.at)
    world.push("feat/a", "2222222", force=True)
    world.work("09:00 main $1.00 edits a.py\n09:10 - $0.50 commits 1111111")
    world.settle()
    assert world.shares() == {"#12": 150}
    assert why(world, 12) == snapshot(["$1.50: made commit `2222222`, in this pull request"])


def test_of_stacked_pull_requests_each_bears_its_own_commits(world: World):
    """The upper one lists the lower one's commits too once the lower is merged by squash."""
    world.at("09:10")
    world.open_pull(12, "feat/lower", "1111111:a.py")
    world.at("10:10")
    world.github.push(
        world.repository, "feat/upper", [world.commits["1111111"], world.commit("2222222", files={"b.py": (1, 0)})]
    )
    world.open_pull(13, "feat/upper", "3333333:c.py", base="feat/lower")
    world.work(
        "09:00 feat/lower $1.00\n09:10 feat/lower $0.10 commits 1111111\n10:00 feat/upper $2.00 commits 2222222\n10:20 feat/upper $0.40"
    )
    world.settle()
    assert world.shares() == {"#12": 110, "#13": 240}
    world.at("12:00")
    world.merge(12, "squash")
    world.sweep()
    assert world.shares() == {"#12": 110, "#13": 240}
    assert why(world, 13) == snapshot(
        ["$2.40: made commit `2222222`, in this pull request; on branch `feat/upper` of this pull request"]
    )


def test_of_pull_requests_merged_into_each_others_branches_each_bears_its_own_commits(world: World):
    """Three in a stack, merged from the top: the lower ones then list the upper ones' commits as well."""
    for hour, number, branch, base, commits in (
        (9, 12, "feat/a", "main", "1111111:a.py"),
        (10, 13, "feat/b", "feat/a", "1111111,2222222:b.py"),
        (11, 14, "feat/c", "feat/b", "1111111,2222222,3333333:c.py"),
    ):
        world.at(f"{hour}:10")
        world.open_pull(number, branch, commits, base=base)
    world.work(
        "09:00 feat/a $1.00\n09:10 feat/a $0.10 commits 1111111\n10:00 feat/b $2.00\n10:10 feat/b $0.20 commits 2222222"
        "\n11:00 feat/c $3.00\n11:10 feat/c $0.30 commits 3333333"
    )
    world.settle()
    assert world.shares() == {"#12": 110, "#13": 220, "#14": 330}
    for number in (14, 13):
        world.merge(number, "merge")
        world.sweep()
    shas = [commit.sha[:7] for commit in pull_commits(world.github.pull(world.repository, 12))]
    assert shas[:3] == ["1111111", "2222222", "3333333"]
    assert world.shares() == {"#12": 110, "#13": 220, "#14": 330}
    assert why(world, 14) == snapshot(["$3.30: made commit `3333333`, in this pull request"])


def test_a_renamed_branch_takes_its_work_along(world: World):
    """Work on `wip`, renamed before the pull request was opened."""
    world.at("09:20")
    world.commit("1111111", files={"a.py": (3, 0)})
    world.open_pull(12, "feat/a", "1111111")
    world.work("09:00 wip $1.00 edits a.py\n09:20 wip $0.30 commits 1111111")
    world.settle()
    assert world.shares() == {"#12": 130}
    assert why(world, 12) == snapshot(["$1.30: made commit `1111111`, in this pull request"])


def test_a_recycled_branch_name_inherits_nothing(world: World):
    world.at("09:00")
    world.open_pull(12, "fix")
    world.at("10:00")
    world.work("09:30 fix $1.00")
    world.merge(12)
    world.at("14:00")
    world.open_pull(15, "fix")
    world.work("13:00 fix $2.00\n14:30 fix $0.50", "s2")
    world.settle()
    assert world.shares() == {"#12": 100, "#15": 250}
    assert why(world, 12) == snapshot(["$1.00: on branch `fix` of this pull request"])
    assert why(world, 15) == snapshot(["$2.50: on branch `fix` of this pull request"])


def test_two_worktrees_at_once_do_not_mix(world: World):
    """Two sessions of one person in the same minutes, each in a worktree of its own branch."""
    world.open_pull(12, "feat/a", "1111111:a.py")
    world.open_pull(13, "feat/b", "2222222:b.py")
    world.work("09:00 feat/a $1.00 edits a.py\n09:02 feat/a $1.00", "s1")
    world.work("09:01 feat/b $3.00 edits b.py\n09:03 feat/b $3.00", "s2")
    world.settle()
    assert world.shares() == {"#12": 200, "#13": 600}
    assert len(why(world, 12)) == len(why(world, 13)) == 1


def test_two_sessions_at_once_on_one_branch_are_both_its_own_and_each_commit_is_one_sessions(world: World):
    world.at("09:20")
    world.commit("1111111", files={"a.py": (1, 0)})
    world.open_pull(12, "feat/a", "1111111")
    world.work("09:00 feat/a $1.00 edits a.py\n09:20 feat/a $0.10 commits 1111111", "s1")
    world.work("09:01 feat/a $2.00 edits b.py\n09:21 feat/a $0.20", "s2", "codex")
    world.settle()
    assert world.shares() == {"#12": 330}
    assert why(world, 12) == snapshot(
        ["$2.20: on branch `feat/a` of this pull request", "$1.10: made commit `1111111`, in this pull request"]
    )


def test_in_a_monorepo_two_commits_made_by_hand_take_the_work_on_their_own_files(world: World):
    """Everything is done on `main` by one person, at the same time, in two folders; the branches are made afterwards."""
    world.work("09:00 main $1.00 edits api/a.py\n09:20 main $1.00 edits api/b.py", "s1")
    world.work("09:05 main $0.30 edits web/a.ts\n09:25 main $0.30 edits web/b.ts", "s2")
    world.at("10:00")
    world.open_pull(12, "api", "1111111:api/a.py+api/b.py")
    world.at("10:05")
    world.open_pull(13, "web", "2222222:web/a.ts+web/b.ts")
    world.settle()
    assert world.shares() == {"#12": 200, "#13": 60}
    assert why(world, 12) == snapshot(
        ["$2.00: edited files of the author's next commit `1111111`, in this pull request"]
    )


def test_one_session_two_commits_by_hand_in_two_pull_requests(world: World):
    """What GitHub lists has no files by commit: the machine that made the commits tells them."""
    world.at("09:30")
    world.commit("1111111", files={"a.py": (1, 0)})
    world.at("10:30")
    world.commit("2222222", files={"b.py": (1, 0)})
    world.work("09:00 main $1.00 edits a.py\n09:10 main $0.20 after 1111111\n10:00 main $3.00 edits b.py after 2222222")
    world.at("11:00")
    world.open_pull(12, "feat/both", "1111111")
    world.open_pull(13, "feat/b", "2222222")
    world.settle()
    assert world.shares() == {"#12": 120, "#13": 300}
    assert why(world, 12) == snapshot(
        ["$1.20: edited files of the author's next commit `1111111`, in this pull request"]
    )
    assert why(world, 13) == snapshot(
        ["$3.00: edited files of the author's next commit `2222222`, in this pull request"]
    )


def test_commits_pushed_directly_end_work_without_a_pull_request(world: World):
    world.at("09:30")
    world.commit("1111111", files={"a.py": (1, 0)})
    world.at("10:00")
    world.open_pull(12, "feat/b", "2222222:b.py")
    world.work("09:00 main $1.00 edits a.py after 1111111@main\n09:50 main $2.00 edits b.py\n10:10 feat/b $0.50")
    world.settle()
    assert world.shares() == {"#12": 250, "-": 100}
    assert why(world, 12) == snapshot(
        [
            "$2.50: edited files of the author's next commit `2222222`, in this pull request; on branch `feat/b` of this pull request"
        ]
    )


def test_a_session_in_a_fork_counts_where_the_pull_request_is(world: World):
    bob = world.github.add_user("bob")
    fork = world.github.fork(world.repository, bob)
    world.at("09:30")
    world.open_pull(12, "patch-1", "1111111:a.py", by="bob", fork=fork)
    world.open_pull(13, "patch-1", "2222222:b.py")
    world.settle()
    world.work("09:00 patch-1 $1.00 edits a.py\n09:30 patch-1 $0.25", repository="bob/widgets", by="bob")
    world.work("09:40 patch-1 $2.00", "s2")
    world.settle()
    assert world.shares() == {"#12": 125, "#13": 200}
    assert why(world, 12) == snapshot(
        ["$1.25: edited files of the author's next commit `1111111`, in this pull request"]
    )


def test_reading_somebody_elses_change_is_review_and_not_building_it(world: World):
    world.at("09:00")
    world.open_pull(12, "feat/a", "1111111:a.py")
    world.work("09:10 feat/a $2.00 edits a.py")
    world.work("11:00 main $0.20\n11:01 main $0.30 saw view:12\n11:05 main $0.10 saw comment:12", "s2", by="bob")
    world.settle()
    assert world.shares() == {"#12": 260}
    assert world.comment(12).split("\n\n<details>")[0] == snapshot("""\
**This change cost $2.60** of AI work at list price.

Build $2.00 · review $0.60

Seen: 2 sessions of Claude Code, 4 requests; the author of its commits reports.\
""")
    assert why(world, 12) == snapshot(
        ["$2.00: on branch `feat/a` of this pull request", "$0.60: looked at this pull request and changed nothing"]
    )


def test_a_session_that_only_touched_a_change_while_building_another_pays_for_its_own(world: World):
    """A look at #12 on the way does not book a month of work to it."""
    world.open_pull(12, "feat/a", "1111111:a.py")
    world.open_pull(13, "feat/b", "2222222:b.py")
    world.work("09:00 feat/b $1.00 edits b.py\n09:10 feat/b $1.00 saw view:12\n09:20 feat/b $5.00 edits b.py")
    world.settle()
    assert world.shares() == {"#13": 700}
    assert why(world, 13) == snapshot(["$7.00: on branch `feat/b` of this pull request"])
    assert world.comments(12) == []


def test_work_that_fits_two_alike_is_shared_or_left_with_its_candidates(world: World):
    world.at("10:00")
    world.open_pull(12, "feat/a", "1111111:shared.py")
    world.open_pull(13, "feat/b", "2222222:shared.py")
    world.work("10:30 - $1.00 edits shared.py", "s1")
    world.work("10:30 - $0.80 edits shared.py,x.py,y.py", "s2")
    world.work("10:40 feat/a $0.10", "s3")
    world.settle()
    assert world.shares() == {"#12": 60, "#13": 50, "-": 80}
    assert why(world, 12) == snapshot(
        [
            "$0.50: edited files that this pull request and #\u200b13 changed, by the same author",
            "$0.10: on branch `feat/a` of this pull request",
        ]
    )
    assert why(world, 13) == snapshot(
        ["$0.50: edited files that #\u200b12 and this pull request changed, by the same author"]
    )
    assert may_belong(world, 12) == snapshot(
        ["- **$0.80** `3b6a17` Claude Code, 1 request: edited files that are also in this pull request and #\u200b13"]
    )
    assert may_belong(world, 13) == snapshot(
        ["- **$0.80** `3b6a17` Claude Code, 1 request: edited files that are also in #\u200b12 and this pull request"]
    )


def test_sub_agents_follow_the_request_that_started_them(world: World):
    """The agent of the first change is still at work while its session turned to the second."""
    world.open_pull(12, "feat/a")
    world.open_pull(13, "feat/b")
    world.work(
        "09:00 feat/a $0.10\n09:01 feat/a $1.00 agent a1\n09:02 feat/b $0.10\n09:03 feat/a $1.00 agent a1\n09:04 feat/b $0.10"
    )
    world.settle()
    assert world.shares() == {"#12": 210, "#13": 20}
    assert why(world, 12) == snapshot(["$2.10: on branch `feat/a` of this pull request"])
    assert why(world, 13) == snapshot(["$0.20: on branch `feat/b` of this pull request"])


def test_planning_before_the_branch_goes_to_the_change_that_came_of_it(world: World):
    """Of two plans each to its own, and what nothing came of to none."""
    world.open_pull(12, "feat/a")
    world.open_pull(13, "feat/b")
    world.work(
        "09:00 main $0.10\n09:01 - $0.20\n09:05 feat/a $1.00\n09:30 main $0.40\n09:40 feat/b $2.00\n10:30 main $5.00"
    )
    world.settle()
    assert world.shares() == {"#12": 130, "#13": 240, "-": 500}
    assert why(world, 12) == snapshot(
        ["$1.30: on branch `feat/a` of this pull request; same session, before it turned to this pull request"]
    )
    assert why(world, 13) == snapshot(
        ["$2.40: on branch `feat/b` of this pull request; same session, before it turned to this pull request"]
    )
