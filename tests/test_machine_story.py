"""From a real repository and a real log through the collector and the bot to the comment: what git alone knows decides."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from bot.clock import to_ms
from collector.scan import scan
from tests.collector.machine import call, git, repository, request, result, write_log
from tests.comment_parts import why
from tests.databases import Worlds
from tests.world import World

DAY = "2026-11-23T"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "work/widgets")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def the_day_after(world: World) -> None:
    """The day after the machine's, and its person on GitHub."""
    world.now_ms = to_ms(datetime(2026, 11, 23, 19, tzinfo=UTC))
    world.github.add_user("dev", email="dev@example.com")


@pytest.fixture
def team(worlds: Worlds) -> World:
    return worlds.after(the_day_after)


def ask(number: int, folder: Path, *content: dict[str, object]) -> dict[str, object]:
    """A request of one dollar. The log's own branch is that of the session's start: `main`."""
    usage = {"input_tokens": 200_000, "output_tokens": 0}
    message = {"id": f"msg_{number}", "model": "claude-opus-5", "content": list(content), "usage": usage}
    return request(number, folder, message=message)


def edit(number: int, folder: Path, path: str) -> tuple[dict[str, object], ...]:
    return ask(number, folder, call(f"t{number}", "Edit", file_path=str(folder / path))), result(f"t{number}")


def commit(folder: Path, path: str, at: str, *more: str) -> str:
    (folder / path).write_text(at)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "work", *more, at=f"{DAY}{at}Z")
    return git(folder, "rev-parse", "HEAD")


def push(world: World, folder: Path, number: int, branch: str) -> None:
    """Push what the branch has that `main` has not, and open its pull request."""
    log = git(folder, "log", "--reverse", "--format=%H %at", f"main..{branch}").splitlines()
    shas = [sha for sha, _ in map(str.split, log)]
    for sha, at in map(str.split, log):
        files = git(folder, "diff-tree", "-r", "--no-commit-id", "--name-only", sha).split()
        world.commit(sha, "dev", at=datetime.fromtimestamp(int(at), UTC), files=dict.fromkeys(files, (1, 0)))
    world.open_pull(number, branch, ",".join(shas), by="dev")


def arrive(world: World, home: Path) -> None:
    """What the collector finds arrives."""
    world.send_usage(scan(home, {"PATH": os.environ["PATH"]}).usages)
    world.settle()


def test_worktrees_entered_by_cd_are_distinguished_by_git(team: World, repo: Path, home: Path, tmp_path: Path):
    trees = [tmp_path / "a", tmp_path / "b"]
    for tree in trees:
        git(repo, "worktree", "add", "-q", "-b", f"feat/{tree.name}", str(tree), at=f"{DAY}17:50:00Z")
        commit(tree, f"{tree.name}.py", "17:55:00")
    for number, tree in zip((12, 13), trees, strict=True):
        push(team, repo, number, f"feat/{tree.name}")
    write_log(home, ask(1, repo), *(ask(i, trees[i % 2]) for i in range(2, 7)))
    arrive(team, home)
    assert why(team, 12) == snapshot(
        ["$4.00: on branch `feat/a` of this pull request; same session, before it turned to this pull request"]
    )
    assert why(team, 13) == snapshot(["$2.00: on branch `feat/b` of this pull request"])


def test_a_branch_renamed_on_the_machine_takes_its_work_along(team: World, repo: Path, home: Path):
    git(repo, "checkout", "-q", "-b", "wip", at=f"{DAY}18:00:00Z")
    write_log(home, ask(1, repo), ask(2, repo), ask(20, repo))
    git(repo, "branch", "-m", "feat/a", at=f"{DAY}18:10:00Z")
    commit(repo, "other.py", "18:59:00")
    push(team, repo, 12, "feat/a")
    arrive(team, home)
    assert why(team, 12) == snapshot(["$3.00: on branch `feat/a` of this pull request"])


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_commit_by_hand_is_amended_rebased_and_merged(team: World, repo: Path, home: Path, method: str):
    write_log(home, ask(1, repo), *edit(2, repo, "a.py"), ask(3, repo), *edit(30, repo, "b.py"))
    git(repo, "checkout", "-q", "-b", "feat/a", at=f"{DAY}18:04:00Z")
    commit(repo, "a.py", "18:05:00")
    commit(repo, "more.py", "18:20:00", "--amend")
    git(repo, "checkout", "-q", "main", at=f"{DAY}18:21:00Z")
    commit(repo, "theirs.py", "18:22:00")
    git(repo, "rebase", "-q", "main", "feat/a", at=f"{DAY}18:23:00Z")
    git(repo, "checkout", "-q", "-b", "feat/b", "main", at=f"{DAY}18:25:00Z")
    commit(repo, "b.py", "18:31:00")
    push(team, repo, 12, "feat/a")
    push(team, repo, 13, "feat/b")
    team.merge(12, method)
    arrive(team, home)
    assert why(team, 12) == snapshot(
        ["$3.00: edited files of the author's next commit `3b46b90`, in this pull request"]
    )
    assert why(team, 13) == snapshot(
        ["$1.00: edited files of the author's next commit `9e9df26`, in this pull request"]
    )


def test_a_commit_that_the_session_made_is_known_after_a_rebase(team: World, repo: Path, home: Path):
    git(repo, "checkout", "-q", "-b", "feat/a", at=f"{DAY}18:00:00Z")
    sha = commit(repo, "a.py", "18:02:30")
    bash = ask(2, repo, call("t2", "Bash", command="git commit -m work"))
    write_log(home, ask(1, repo), bash, result("t2", f"[feat/a {sha[:7]}] work"))
    git(repo, "checkout", "-q", "main", at=f"{DAY}18:21:00Z")
    commit(repo, "theirs.py", "18:22:00")
    git(repo, "rebase", "-q", "main", "feat/a", at=f"{DAY}18:23:00Z")
    git(repo, "branch", "-m", "feat/a", "anything", at=f"{DAY}18:24:00Z")
    push(team, repo, 12, "anything")
    arrive(team, home)
    assert git(repo, "rev-parse", "HEAD") != sha
    assert why(team, 12) == snapshot(["$2.00: made commit `78be049`, in this pull request"])
