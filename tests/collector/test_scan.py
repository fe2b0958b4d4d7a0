"""From a home folder to requests with git facts."""

import os
import shutil
from pathlib import Path

import pytest

from attribution.identity import author, authorship
from attribution.usage import CommitMade
from collector.scan import scan
from tests.collector.machine import call, git, request, result, write_log

ENV = {"PATH": os.environ["PATH"]}
FIXTURES = Path(__file__).parents[1] / "fixtures"


def test_an_empty_home(home: Path):
    found = scan(home, ENV)
    assert (found.usages, found.files, found.home) == ([], 0, home)


def test_all_tools_in_the_order_of_time():
    found = scan(
        None, ENV | {"CLAUDE_CONFIG_DIR": str(FIXTURES / "claude-code"), "CODEX_HOME": str(FIXTURES / "codex")}
    )
    assert found.files == 9
    assert [usage.tool for usage in found.usages] == ["claude-code"] * 13 + ["codex"] * 12 + ["claude-code"] * 3
    assert found.usages == sorted(found.usages, key=lambda usage: (usage.at, usage.key))
    assert sum(usage.tokens.output for usage in found.usages if usage.tool == "codex") == 5073


def test_a_given_home_stands_for_everything(home: Path):
    assert scan(home, ENV | {"CODEX_HOME": str(FIXTURES / "codex")}).usages == []


def test_edited_files_are_named_from_the_top_of_the_repository(home: Path, repo: Path):
    calls = [call("t1", "Edit", file_path=str(repo / "src/app.py")), call("t2", "Write", file_path="/etc/passwd")]
    write_log(
        home, request(1, repo / "missing", content=calls), request(2, repo, content=calls), result("t1"), result("t2")
    )
    first, second = scan(home, ENV).usages
    assert (first.context.repository, first.work.edited_files) == ("", ())
    assert (second.context.repository, second.work.edited_files, second.context.author) == (
        "acme/widgets",
        ("src/app.py",),
        author("dev@example.com"),
    )


def test_commits_made_are_full_and_known_by_their_authorship(home: Path, repo: Path):
    git(repo, "commit", "-q", "--allow-empty", "-m", "work", at="2026-11-23T18:01:02Z")
    sha = git(repo, "rev-parse", "HEAD")
    commit = call("t1", "Bash", command="git commit -m work")
    write_log(home, request(1, repo, content=[commit]), result("t1", f"[main {sha[:7]}] work"))
    (usage,) = scan(home, ENV).usages
    assert [made.sha for made in usage.work.commits_made] == [sha]
    committed_at = usage.at.replace(second=2, microsecond=0)
    assert usage.work.commits_made[0].authorship == authorship("dev@example.com", committed_at)


def test_a_commit_that_was_there_before_was_not_made(home: Path, repo: Path):
    old = git(repo, "rev-parse", "HEAD")
    commit = call("t1", "Bash", command="git commit -qm x; git rev-parse HEAD")
    write_log(home, request(1, repo, content=[commit]), result("t1", old))
    assert [usage.work.commits_made for usage in scan(home, ENV).usages] == [()]


def test_a_commit_that_git_has_lost_keeps_its_printed_id(home: Path, repo: Path):
    write_log(
        home,
        request(1, repo, content=[call("t1", "Bash", command="git commit -m x")]),
        result("t1", "[main abc1234] x"),
    )
    assert [usage.work.commits_made for usage in scan(home, ENV).usages] == [(CommitMade(sha="abc1234"),)]


def test_git_knows_the_branch_better_than_the_log(home: Path, repo: Path):
    git(repo, "checkout", "-q", "-b", "fix/7", at="2026-11-23T18:01:30Z")
    write_log(home, request(1, repo), request(2, repo))
    assert [usage.context.branch for usage in scan(home, ENV).usages] == ["main", "fix/7"]


def test_another_repository_that_lies_in_the_folder_now_says_nothing_of_the_request(home: Path, repo: Path):
    shutil.copytree(FIXTURES / "codex", home / ".codex")
    before = scan(home, ENV).usages[0]
    git(repo, "remote", "set-url", "origin", "https://github.com/acme/other.git")
    git(repo, "checkout", "-q", "-b", "secret/plan", at="2026-11-23T17:00:00Z")
    for log in home.rglob("*.jsonl"):
        log.write_text(log.read_text().replace("/home/dev/widgets", str(repo)))
    after = scan(home, ENV).usages[0]
    assert (after.context.repository, after.context.branch, after.context.author) == (
        before.context.repository,
        before.context.branch,
        "",
    )
    git(repo, "remote", "set-url", "origin", "https://github.com/ACME/Widgets.git")
    assert scan(home, ENV).usages[0].context.branch == "secret/plan"


def test_copies_of_a_request_in_other_logs_are_one(home: Path, repo: Path):
    write_log(home, request(1, repo))
    write_log(
        home, request(1, repo, sessionId="bbb", requestSessionId="aab8820c-6dee-4d56-872a-9fb32bea7b9b"), name="bbb"
    )
    assert len(scan(home, ENV).usages) == 1


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that nobody can read, not even root")
def test_a_log_that_cannot_be_read_is_named(home: Path, repo: Path):
    log = write_log(home, request(1, repo))
    log.with_name("broken.jsonl").symlink_to("/proc/self/mem")
    found = scan(home, ENV)
    assert len(found.usages) == 1
    assert found.tally.unreadable_files == [f"{log.with_name('broken.jsonl')}: Input/output error"]


def test_what_is_passed_over_is_counted(home: Path, repo: Path):
    path = write_log(home, request(1, repo))
    with path.open("ab") as file:
        file.write(b'\xff\xfe "output_tokens"\n{"type":"assistant","output_tokens"')
    found = scan(home, ENV)
    assert (len(found.usages), found.tally.unreadable_records) == (1, 1)


def test_commits_made_by_hand_come_with_the_last_request_of_the_session_whose_files_they_hold(home: Path, repo: Path):
    edit = [call("t1", "Write", file_path=str(repo / "new.py"))]
    write_log(home, request(1, repo, content=edit), result("t1"), request(5, repo))
    write_log(home, request(2, repo, sessionId="other"), name="other")
    git(repo, "checkout", "-q", "-b", "feat/x", at="2026-11-23T18:06:00Z")
    for name in ("unrelated.py", "new.py"):
        (repo / name).write_text("1\n")
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", name, at="2026-11-23T18:07:00Z")
    sha = git(repo, "rev-parse", "HEAD")
    git(repo, "commit", "-q", "--allow-empty", "--author", "Eve <eve@example.com>", "-m", "not mine")
    usages = scan(home, ENV).usages
    assert [(usage.request_id, [made.sha for made in usage.work.commits_after]) for usage in usages] == [
        ("msg_1", []), ("msg_2", []), ("msg_5", [sha]),
    ]  # fmt: skip
    (made,) = usages[-1].work.commits_after
    assert (made.branch, made.files) == ("feat/x", ("new.py",))
    assert made.authorship == authorship("dev@example.com", made.authored_at or usages[0].at)


def test_a_commit_long_after_is_not_of_the_session(home: Path, repo: Path):
    write_log(home, request(1, repo, content=[call("t1", "Write", file_path=str(repo / "new.py"))]), result("t1"))
    (repo / "new.py").write_text("1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "late", at="2026-11-28T18:00:00Z")
    assert [usage.work.commits_after for usage in scan(home, ENV).usages] == [()]


def test_a_commit_that_the_session_made_is_not_by_hand_as_well(home: Path, repo: Path):
    (repo / "new.py").write_text("1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "work", at="2026-11-23T18:02:02Z")
    sha = git(repo, "rev-parse", "HEAD")
    calls = [call("t1", "Write", file_path=str(repo / "new.py")), call("t2", "Bash", command="git commit -m work")]
    write_log(home, request(2, repo, content=calls), result("t1"), result("t2", f"[main {sha[:7]}] work"))
    (usage,) = scan(home, ENV).usages
    assert [made.sha for made in usage.work.commits_made] == [sha]
    assert usage.work.commits_made[0].files == ("new.py",)
    assert usage.work.commits_after == ()


def test_pull_requests_looked_at_are_told_unless_they_are_another_repositorys(home: Path, repo: Path):
    looks = [
        call("t1", "Bash", command="gh pr view 12"),
        call("t2", "Bash", command="gh pr diff 13 -R other/place"),
        call("t3", "Bash", command="gh pr create --fill"),
    ]
    opened = result("t3", "https://github.com/Acme/widgets/pull/14\n")
    write_log(home, request(1, repo, content=looks), result("t1"), result("t2"), opened)
    (usage,) = scan(home, ENV).usages
    assert [(seen.number, seen.how, seen.repository) for seen in usage.work.pulls_seen] == [
        (12, "view", ""),
        (14, "create", ""),
    ]
