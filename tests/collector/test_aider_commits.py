"""Aider's work. Only its commits show where it was done."""

import json
import os
from pathlib import Path

from attribution.usage import Usage
from collector.scan import scan
from tests.collector.machine import git

TRAILER = "Co-authored-by: aider (openai/gpt-4o) <aider@aider.chat>"


def aider_commits(repo: Path, name: str, at: str, message: str = f"feat: x\n\n{TRAILER}", **env: str) -> str:
    (repo / name).write_text("1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", message, at=at, **env)
    return git(repo, "rev-parse", "HEAD")


def looked_at(home: Path, repo: Path, **env: str) -> list[Usage]:
    usages = scan(None, {"PATH": os.environ["PATH"], "HOME": str(home)} | env, here=str(repo)).usages
    return [usage for usage in usages if usage.tool == "aider"]


def test_a_commit_by_aider_is_a_request_of_unknown_cost(home: Path, repo: Path):
    git(repo, "checkout", "-q", "-b", "feat/42", at="2026-11-23T17:40:00Z")
    sha = aider_commits(repo, "a.py", "2026-11-23T17:43:00Z")
    aider_commits(repo, "b.py", "2026-11-23T17:45:00Z", "by hand")
    second_sha = aider_commits(repo, "c.py", "2026-11-23T17:46:00Z", "by name", GIT_COMMITTER_NAME="Dev One (aider)")
    first, second = looked_at(home, repo)
    assert (first.tokens.is_known, first.model, first.context.repository, first.context.branch) == (
        False,
        "openai/gpt-4o",
        "acme/widgets",
        "feat/42",
    )
    assert [(commit.sha, commit.files) for commit in first.work.commits_made] == [(sha, ("a.py",))]
    assert ([commit.sha for commit in second.work.commits_made], second.model) == ([second_sha], "")


def test_an_amended_commit_by_aider_is_the_same_request(home: Path, repo: Path):
    aider_commits(repo, "a.py", "2026-11-23T17:43:00Z")
    before = looked_at(home, repo)
    git(repo, "commit", "-q", "--amend", "-m", f"feat: y\n\n{TRAILER}", at="2026-11-23T17:44:00Z", GIT_AUTHOR_DATE="")
    assert [usage.key for usage in looked_at(home, repo)] == [usage.key for usage in before]


def test_the_log_of_a_run_belongs_to_the_folder_of_its_commits(home: Path, repo: Path, tmp_path: Path):
    sha = aider_commits(repo, "a.py", "2026-11-23T17:43:27Z")
    message = {"main_model": "gpt-4o", "prompt_tokens": 100, "completion_tokens": 10, "cost": 0.01, "total_cost": 0.01}
    log = tmp_path / "analytics.jsonl"
    lines = [
        {"event": "launched", "time": 1795455780},  # 17:43:00
        {"event": "message_send", "time": 1795455790, "properties": message},
        {"event": "message_send", "time": 1795455806, "properties": {**message, "total_cost": 0.02}},
        {"event": "launched", "time": 1795463000},
        {"event": "message_send", "time": 1795463001, "properties": {**message, "total_cost": 0.03}},
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    usages = looked_at(home, repo, AIDER_ANALYTICS_LOG=str(log))
    assert [(usage.context.repository, [commit.sha for commit in usage.work.commits_made]) for usage in usages] == [
        ("acme/widgets", []), ("acme/widgets", [sha]), ("", []),
    ]  # fmt: skip
    assert all(usage.tokens.is_known for usage in usages)
