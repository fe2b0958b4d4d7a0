"""What was pushed to the default branch without a pull request, as GitHub lists it: no machine reports these commits."""

import pytest

from tests.test_fault_github import errors
from tests.world import DAY_MS, World


def readable(world: World) -> None:
    """The App may read code."""
    world.installation.permissions["contents"] = "read"
    world.github.expire_tokens()


def edit_twice(world: World) -> None:
    """The first edit is pushed to `main`, the second one goes into #12."""
    world.at("09:30")
    world.push("main", "1111111:a.py")
    world.work("09:00 main $1.00 edits a.py\n10:00 main $2.00 edits a.py")
    world.at("10:30")
    world.open_pull(12, "feat/b", "2222222:a.py")
    world.settle()
    world.at("11:00")
    world.sweep()


def test_a_commit_that_github_lists_ends_the_work_that_went_into_it(world: World):
    readable(world)
    edit_twice(world)
    assert world.shares() == {"#12": 200, "-": 100}
    world.github.requests.clear()
    world.sweep()
    paths = [request.path for request in world.github.requests]
    assert paths.count("/graphql") == 1
    assert not any("/commits/" in path for path in paths)


def test_commits_of_a_public_repository_need_no_permission(world: World):
    world.github.publicize(world.repository)
    world.deliver()
    edit_twice(world)
    assert world.shares() == {"#12": 200, "-": 100}


def test_without_the_permission_they_stay_unknown(world: World):
    edit_twice(world)
    assert world.shares() == {"#12": 300}
    assert errors(world) == {}


def test_they_are_known_as_soon_as_the_permission_is_given(world: World):
    edit_twice(world)
    readable(world)
    world.sweep()
    assert world.shares() == {"#12": 200, "-": 100}


@pytest.mark.parametrize("method", ["squash", "rebase", "merge"])
def test_what_a_merge_brings_was_not_pushed_without_a_pull_request(world: World, method: str):
    readable(world)
    world.at("09:30")
    world.open_pull(12, "feat/a", "1111111:a.py")
    world.at("09:50")
    world.merge(12, method)
    world.work("09:00 main $1.00 edits a.py\n09:40 main $2.00 edits a.py")
    world.settle()
    assert world.shares() == {"#12": 100, "-": 200}
    world.at("11:00")
    world.sweep()
    assert world.shares() == {"#12": 100, "-": 200}


def test_a_commit_counts_when_github_has_had_time_to_say_which_pull_request_made_it(world: World):
    readable(world)
    world.at("09:30")
    world.push("main", "1111111:a.py")
    world.work("09:00 main $1.00 edits a.py")
    world.sweep()
    world.at("09:35")
    world.open_pull(12, "feat/b", "2222222:a.py")
    world.sweep()
    assert world.shares() == {"#12": 100}
    world.at("09:45")
    world.sweep()
    assert world.shares() == {"-": 100}


def test_work_pushed_days_after_it_was_committed_is_seen(world: World):
    readable(world)
    world.at("12:00")
    world.push("main", "1111111:a.py")
    world.at("13:30")
    world.sweep()
    world.commit("2222222", files={"b.py": (1, 0)})
    world.work("13:00 main $1.00 edits b.py\nThu 09:00 main $2.00 edits b.py")
    world.push("main", "2222222")
    world.open_pull(12, "feat/b", "3333333:b.py")
    world.at("Thu 11:00")
    world.sweep()
    assert world.shares() == {"#12": 200, "-": 100}


def test_more_than_a_page_of_them(world: World):
    readable(world)
    for i in range(130):
        world.commit(f"c{i:06x}", files={f"{i}.py": (1, 0)})
    world.push("main", ",".join(f"c{i:06x}" for i in range(130)))
    world.at("09:00")
    world.sweep()
    world.work("08:00 main $1.00 edits 129.py\n08:00 main $2.00 edits 1.py")
    world.settle()
    assert world.shares() == {"-": 300}


@pytest.mark.parametrize("is_readable", [False, True])
def test_the_weekly_issue_says_where_they_are_unknown(world: World, is_readable: bool):
    if is_readable:
        readable(world)
    world.work("09:00 main $1.00 edits a.py")
    world.settle()
    world.sweep()
    world.at("Sun 23:00")
    world.tick()
    world.now_ms += DAY_MS
    world.tick()
    (issue,) = world.weeks()
    assert ("the App may not read them on GitHub" in (issue.body or "")) != is_readable
