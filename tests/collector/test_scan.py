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


def test_an_empty_home_has_no_requests(home: Path):
    outcome = scan(home, ENV)
    assert (outcome.usages, outcome.files, outcome.home) == ([], 0, home)


def test_requests_of_all_tools_are_in_order_of_time():
    outcome = scan(
        None, ENV | {"CLAUDE_CONFIG_DIR": str(FIXTURES / "claude-code"), "CODEX_HOME": str(FIXTURES / "codex")}
    )
    assert outcome.files == 9
    assert [usage.tool for usage in outcome.usages] == ["claude-code"] * 13 + ["codex"] * 12 + ["claude-code"] * 3
    assert outcome.usages == sorted(outcome.usages, key=lambda usage: (usage.at, usage.key))
    assert sum(usage.tokens.output for usage in outcome.usages if usage.tool == "codex") == 5073


def test_with_the_option_home_variables_are_ignored(home: Path):
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


def test_commits_made_have_full_ids_and_their_authorship(home: Path, repo: Path):
    git(repo, "commit", "-q", "--allow-empty", "-m", "work", at="2026-11-23T18:01:02Z")
    sha = git(repo, "rev-parse", "HEAD")
    commit = call("t1", "Bash", command="git commit -m work")
    write_log(home, request(1, repo, content=[commit]), result("t1", f"[main {sha[:7]}] work"))
    (usage,) = scan(home, ENV).usages
    assert [commit.sha for commit in usage.work.commits_made] == [sha]
    committed_at = usage.at.replace(second=2, microsecond=0)
    assert usage.work.commits_made[0].authorship == authorship("dev@example.com", committed_at)


def test_an_older_commit_was_not_made_by_the_session(home: Path, repo: Path):
    old = git(repo, "rev-parse", "HEAD")
    commit = call("t1", "Bash", command="git commit -qm x; git rev-parse HEAD")
    write_log(home, request(1, repo, content=[commit]), result("t1", old))
    assert [usage.work.commits_made for usage in scan(home, ENV).usages] == [()]


def test_a_commit_that_git_does_not_have_keeps_the_id_in_the_log(home: Path, repo: Path):
    write_log(
        home,
        request(1, repo, content=[call("t1", "Bash", command="git commit -m x")]),
        result("t1", "[main abc1234] x"),
    )
    assert [usage.work.commits_made for usage in scan(home, ENV).usages] == [(CommitMade(sha="abc1234"),)]


def test_the_branch_of_the_reflog_replaces_that_of_the_log(home: Path, repo: Path):
    git(repo, "checkout", "-q", "-b", "fix/7", at="2026-11-23T18:01:30Z")
    write_log(home, request(1, repo), request(2, repo))
    assert [usage.context.branch for usage in scan(home, ENV).usages] == ["main", "fix/7"]


def test_facts_of_another_repository_in_the_same_folder_are_not_used(home: Path, repo: Path):
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
def test_a_log_that_cannot_be_read_is_reported(home: Path, repo: Path):
    log = write_log(home, request(1, repo))
    log.with_name("broken.jsonl").symlink_to("/proc/self/mem")
    outcome = scan(home, ENV)
    assert len(outcome.usages) == 1
    assert outcome.tally.unreadable_files == [f"{log.with_name('broken.jsonl')}: Input/output error"]


def test_unreadable_records_are_counted(home: Path, repo: Path):
    path = write_log(home, request(1, repo))
    with path.open("ab") as file:
        file.write(b'\xff\xfe "output_tokens"\n{"type":"assistant","output_tokens"')
    outcome = scan(home, ENV)
    assert (len(outcome.usages), outcome.tally.unreadable_records) == (1, 1)


def test_a_commit_by_hand_belongs_to_the_last_request_of_the_session_that_edited_its_files(home: Path, repo: Path):
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
    assert [(usage.request_id, [commit.sha for commit in usage.work.commits_after]) for usage in usages] == [
        ("msg_1", []), ("msg_2", []), ("msg_5", [sha]),
    ]  # fmt: skip
    (commit,) = usages[-1].work.commits_after
    assert (commit.branch, commit.files) == ("feat/x", ("new.py",))
    assert commit.authorship == authorship("dev@example.com", commit.authored_at or usages[0].at)


def test_a_commit_days_later_does_not_belong_to_the_session(home: Path, repo: Path):
    write_log(home, request(1, repo, content=[call("t1", "Write", file_path=str(repo / "new.py"))]), result("t1"))
    (repo / "new.py").write_text("1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "late", at="2026-11-28T18:00:00Z")
    assert [usage.work.commits_after for usage in scan(home, ENV).usages] == [()]


def test_a_commit_of_the_session_is_not_counted_as_one_by_hand(home: Path, repo: Path):
    (repo / "new.py").write_text("1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "work", at="2026-11-23T18:02:02Z")
    sha = git(repo, "rev-parse", "HEAD")
    calls = [call("t1", "Write", file_path=str(repo / "new.py")), call("t2", "Bash", command="git commit -m work")]
    write_log(home, request(2, repo, content=calls), result("t1"), result("t2", f"[main {sha[:7]}] work"))
    (usage,) = scan(home, ENV).usages
    assert [commit.sha for commit in usage.work.commits_made] == [sha]
    assert usage.work.commits_made[0].files == ("new.py",)
    assert usage.work.commits_after == ()


def test_only_pull_requests_of_the_own_repository_are_listed(home: Path, repo: Path):
    looks = [
        call("t1", "Bash", command="gh pr view 12"),
        call("t2", "Bash", command="gh pr diff 13 -R other/place"),
        call("t3", "Bash", command="gh pr create --fill"),
    ]
    creation = result("t3", "https://github.com/Acme/widgets/pull/14\n")
    write_log(home, request(1, repo, content=looks), result("t1"), result("t2"), creation)
    (usage,) = scan(home, ENV).usages
    assert [(pull.number, pull.how, pull.repository) for pull in usage.work.pulls_seen] == [
        (12, "view", ""),
        (14, "create", ""),
    ]
