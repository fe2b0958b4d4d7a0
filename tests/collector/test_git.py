"""Facts from a real repository."""

import os
from datetime import UTC, datetime
from pathlib import Path

from attribution.identity import author, authorship
from collector.git import NOTHING, Git
from collector.reflog import branch_history
from tests.collector.machine import git, repository

ENV = {"PATH": os.environ["PATH"]}


def test_facts_of_a_repository_and_its_sub_folder(repo: Path):
    (repo / "deep").mkdir()
    facts = Git(ENV).facts(str(repo / "deep"))
    assert (facts.root, facts.repository, facts.author) == (
        str(repo.resolve()),
        "acme/widgets",
        author("dev@example.com"),
    )


def test_a_worktree_has_its_own_root_and_the_same_repository(repo: Path, tmp_path: Path):
    git(repo, "worktree", "add", "-q", "-b", "fix/7", str(tmp_path / "tree"))
    facts = Git(ENV).facts(str(tmp_path / "tree"))
    assert (facts.root, facts.repository) == (str((tmp_path / "tree").resolve()), "acme/widgets")


def test_a_missing_folder_and_one_outside_a_repository_have_no_facts(tmp_path: Path):
    git_facts = Git(ENV)
    assert (
        git_facts.facts(str(tmp_path))
        == git_facts.facts(str(tmp_path / "gone"))
        == git_facts.facts("")
        == git_facts.facts("\0")
        == NOTHING
    )
    assert Git({"PATH": ""}).facts(str(tmp_path)) == NOTHING


def test_git_variables_in_the_environment_are_ignored(repo: Path, tmp_path: Path):
    other = repository(tmp_path / "other", "git@github.com:acme/other.git")
    env = ENV | {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_CONFIG_COUNT": "1",
                 "GIT_CONFIG_KEY_0": "user.email", "GIT_CONFIG_VALUE_0": "eve@example.com"}  # fmt: skip
    facts = Git(env).facts(str(repo))
    assert (facts.repository, facts.author) == ("acme/widgets", author("dev@example.com"))


def test_commits_by_short_and_full_id(repo: Path):
    sha = git(repo, "rev-parse", "HEAD")
    git(repo, "tag", "-a", "-m", "not a commit", "v1")
    tree = git(repo, "rev-parse", "HEAD^{tree}")
    commits = Git(ENV).commits(str(repo), [sha, sha[:7], "0" * 40, tree, "fedcba9"])
    made_at = datetime(2026, 11, 23, 17, tzinfo=UTC)
    assert set(commits) == {sha, sha[:7]}
    assert commits[sha] == commits[sha[:7]]
    assert (commits[sha].sha, commits[sha].authorship, commits[sha].committed_at) == (
        sha,
        authorship("dev@example.com", made_at),
        made_at,
    )


def test_authorship_outlives_an_amend(repo: Path):
    before = git(repo, "rev-parse", "HEAD")
    git(repo, "commit", "-q", "--amend", "-m", "other words", at="2026-11-23T19:00:00Z")
    after = git(repo, "rev-parse", "HEAD")
    commits = Git(ENV).commits(str(repo), [before, after])
    assert before != after
    assert commits[before].authorship == commits[after].authorship


def test_paths_from_the_top_of_the_repository(repo: Path, tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(repo)
    facts = Git(ENV).facts(str(link))
    assert facts.inside(str(link), str(link / "src/new.py")) == "src/new.py"
    assert facts.inside(str(repo / "src"), "../app.py") == "app.py"
    assert facts.inside(str(repo), str(repo / "../secret.txt")) == ""
    assert facts.inside(str(repo), "/etc/passwd") == ""
    assert facts.inside(str(repo), "a\0b/c") == ""


def test_the_branch_at_a_time(repo: Path):
    git(repo, "checkout", "-q", "-b", "fix/7", at="2026-11-23T18:10:00Z")
    git(repo, "commit", "-q", "--allow-empty", "-m", "work", at="2026-11-23T18:20:00Z")
    git(repo, "checkout", "-q", "--detach", at="2026-11-23T18:30:00Z")
    git(repo, "checkout", "-q", "main", at="2026-11-23T18:40:00Z")
    branches = Git(ENV).facts(str(repo)).branches

    def at(hour: int, minute: int) -> str | None:
        return branches.at(datetime(2026, 11, 23, hour, minute, tzinfo=UTC))

    assert [at(16, 0), at(17, 30), at(18, 10), at(18, 29), at(18, 35), at(18, 50)] == [
        None,
        "main",
        "fix/7",
        "fix/7",
        "",
        "main",
    ]


def branches(folder: Path, *hours: int) -> list[str | None]:
    """The branch at half past each hour of the story's day."""
    history = Git(ENV).facts(str(folder)).branches
    return [history.at(datetime(2026, 11, 23, hour, 30, tzinfo=UTC)) for hour in hours]


def test_without_a_move_in_the_reflog_the_branch_was_always_the_same(repo: Path, tmp_path: Path):
    assert branches(repo, 16, 18) == [None, "main"]
    git(repo, "worktree", "add", "-q", "-b", "fix/7", str(tmp_path / "tree"), at="2026-11-23T18:00:00Z")
    assert branches(tmp_path / "tree", 17, 19) == [None, "fix/7"]
    git(repo, "checkout", "-q", "--detach", at="2026-11-23T18:00:00Z")
    assert branches(repo, 17, 18) == ["main", ""]
    assert branch_history(["gpg: signature made", "HEAD@{now}\tcheckout: moving from a to b"], "a").since == ()


def test_a_renamed_branch_keeps_its_work_and_an_earlier_branch_of_that_name_keeps_its_own(repo: Path):
    git(repo, "checkout", "-q", "-b", "wip", at="2026-11-23T18:00:00Z")
    git(repo, "checkout", "-q", "main", at="2026-11-23T19:00:00Z")
    git(repo, "branch", "-D", "wip")
    git(repo, "checkout", "-q", "-b", "wip", at="2026-11-23T20:00:00Z")
    git(repo, "branch", "-m", "wip", "feat/a", at="2026-11-23T21:00:00Z")
    assert branches(repo, 17, 18, 19, 20, 21) == ["main", "wip", "main", "feat/a", "feat/a"]


def test_a_branch_renamed_before_any_checkout(repo: Path):
    git(repo, "branch", "-m", "trunk", at="2026-11-23T18:00:00Z")
    assert branches(repo, 17, 18) == ["trunk", "trunk"]


def test_a_rebase_of_another_branch_moves_to_it(repo: Path):
    git(repo, "checkout", "-q", "-b", "fix/7", at="2026-11-23T18:00:00Z")
    git(repo, "commit", "-q", "--allow-empty", "-m", "work", at="2026-11-23T18:10:00Z")
    git(repo, "checkout", "-q", "main", at="2026-11-23T19:00:00Z")
    git(repo, "commit", "-q", "--allow-empty", "-m", "meanwhile", at="2026-11-23T19:10:00Z")
    git(repo, "rebase", "-q", "main", "fix/7", at="2026-11-23T20:00:00Z")
    assert branches(repo, 18, 19, 20) == ["fix/7", "main", "fix/7"]


def test_a_rebase_keeps_the_files_and_the_patch_id_of_a_commit(repo: Path):
    (repo / "d e").mkdir()
    for name in ("d e/é.py", "a.py"):
        (repo / name).write_text("1\n")
    git(repo, "checkout", "-q", "-b", "fix/7", at="2026-11-23T18:10:00Z")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "work", at="2026-11-23T18:20:00Z")
    before = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "main")
    git(repo, "commit", "-q", "--allow-empty", "-m", "meanwhile", at="2026-11-23T18:30:00Z")
    git(repo, "rebase", "-q", "main", "fix/7", at="2026-11-23T18:40:00Z")
    after = git(repo, "rev-parse", "HEAD")
    commits = Git(ENV).commits(str(repo), [before, after])
    assert commits[before].files == commits[after].files == ("a.py", "d e/é.py")
    assert commits[before].patch_id == commits[after].patch_id != ""
    assert commits[after].committed_at.hour == 18
    assert commits[after].author == author("dev@example.com")


def test_only_commits_of_the_reflog_are_listed(repo: Path):
    first = git(repo, "rev-parse", "HEAD")
    git(repo, "commit", "-q", "--amend", "-m", "again", at="2026-11-23T18:20:00Z")
    second = git(repo, "rev-parse", "HEAD")
    git(repo, "reset", "-q", "--hard", first)
    commits = Git(ENV).facts(str(repo)).branches.commits
    assert [(commit.sha, commit.at.hour) for commit in commits] == [(first, 17), (second, 18)]
