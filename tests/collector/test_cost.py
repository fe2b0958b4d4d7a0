"""`mergecost` alone, in a clone."""

import csv
import json
import os
import re
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from attribution.spreadsheet import cell
from tests.collector.machine import CommandResult, call, git, mergecost, request, result, write_log

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def at(minute: int) -> str:
    return f"{YESTERDAY:%Y-%m-%d}T10:{minute:02}:00Z"


def run(home: Path, cwd: Path, *arguments: str, path: str = os.environ["PATH"]) -> CommandResult:
    return mergecost(cwd, {"HOME": str(home), "PATH": path, "TZ": "UTC"}, *arguments)


@pytest.fixture
def clone(home: Path, repo: Path) -> Path:
    """Work on `main`, on a branch, in another repository, and with a model that nobody knows."""
    git(repo, "checkout", "-q", "-b", "feat/x", at=at(30))
    usage = {"input_tokens": 200_000, "output_tokens": 0}
    lines = [request(n, repo, timestamp=at(n)) for n in (10, 40, 50)]
    for line in lines:
        line["message"] = {**line["message"], "model": "claude-opus-5", "usage": usage}  # pyright: ignore[reportGeneralTypeIssues]
    lines[1]["message"] = {**lines[1]["message"], "content": [call("t1", "Write", file_path=str(repo / "a.py"))]}  # pyright: ignore[reportGeneralTypeIssues]
    lines[2]["message"] = {**lines[2]["message"], "model": "nobody-knows-1"}  # pyright: ignore[reportGeneralTypeIssues]
    elsewhere = request(55, "/nowhere", timestamp=at(55))
    old = request(56, repo, timestamp="2026-01-01T10:00:00Z")
    write_log(home, *lines, result("t1"), elsewhere, old)
    return repo


def test_a_table_by_branch(home: Path, clone: Path):
    output = run(home, clone)
    assert output.stderr == ""
    assert output.stdout.replace(f"{YESTERDAY:%d %b}", "yesterday") == snapshot(
        """\
Branch  At list price  Requests  Not priced    Input  Output  Last
feat/x          $1.00         2           1  400,000       0  yesterday 10:50
main            $1.00         1           0  200,000       0  yesterday 10:10
All             $2.00         3           1  600,000       0

acme/widgets, the last 30 days, at list price: not an invoice.
In no amount: 1 request at a price that is not known.
"""
    )


@pytest.mark.parametrize(("by", "names"), [
    ("tool", ["claude-code"]), ("model", ["claude-opus-5", "nobody-knows-1"]), ("day", [f"{YESTERDAY:%Y-%m-%d}"]),
])  # fmt: skip
def test_a_table_by_tool_model_or_day(home: Path, clone: Path, by: str, names: list[str]):
    rows = [json.loads(line) for line in run(home, clone, "--by", by, "--json").stdout.splitlines()]
    assert [row["name"] for row in rows] == names
    assert sum(row["cost"]["list_micros"] or 0 for row in rows) == 2_000_000


def test_no_cell_begins_a_formula():
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"):
        assert cell(text) == f"'{text}"
    for value in ("feat/a=1", "", -1, 1.5, None):
        assert cell(value) == value


def test_csv_of_all_repositories(home: Path, clone: Path):
    rows = list(csv.DictReader(run(home, clone, "--all", "--csv").stdout.splitlines()))
    assert [(row["branch"] if "branch" in row else row["repository"], row["requests"]) for row in rows] == [
        ("acme/widgets", "3"), ("(no repository)", "1"),
    ]  # fmt: skip
    assert (rows[0]["list_usd"], rows[0]["reported_usd"]) == ("2.000000", "")


def test_money_that_is_the_tools_own_figure_is_marked_and_has_a_column(home: Path, clone: Path):
    log = home / ".pi/agent/sessions/-w/s.jsonl"
    log.parent.mkdir(parents=True)
    at = json.loads(next((home / ".claude").rglob("*.jsonl")).read_text().splitlines()[0])["timestamp"]
    usage = {"input": 5, "output": 7, "totalTokens": 12, "cost": {"total": 0.5}}
    answer = {"role": "assistant", "model": "no-such-model", "responseId": "r1", "usage": usage}
    records = (
        {"type": "session", "id": "p1", "cwd": str(clone)},
        {"type": "message", "timestamp": at, "message": answer},
    )
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = list(csv.DictReader(run(home, clone, "--by", "tool", "--csv").stdout.splitlines()))
    own = {row["tool"]: (row["list_usd"], row["reported_usd"]) for row in rows}
    assert own["pi"] == ("", "0.500000")
    table = run(home, clone, "--by", "tool").stdout
    assert re.search(r"Tool +At list price +Tools' own ", table)
    assert re.search(r"pi +not known +\$0.50 ", table)
    assert "Tools' own: by the tool's own figure, where no list price is known." in table


def test_a_table_by_pull_request(home: Path, clone: Path, tmp_path: Path):
    pulls = [{
        "number": 12, "headRefName": "feat/x", "baseRefName": "main", "createdAt": at(35), "closedAt": None, "mergedAt": None,
        "author": {"login": "dev"}, "commits": [], "files": [],
    }]  # fmt: skip
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(f"#!{sys.executable}\nprint({json.dumps(pulls[0])!r})\n")
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
    output = run(home, clone, "--by", "pull", "--json", path=f"{gh.parent}:{os.environ['PATH']}")
    rows = [json.loads(line) for line in output.stdout.splitlines()]
    assert [(row["name"], row["cost"]["list_micros"]) for row in rows] == [("#12", 2_000_000)]
    gh.write_text("#!/bin/sh\nexit 4\n")
    failure = run(home, clone, "--by", "pull", path=f"{gh.parent}:{os.environ['PATH']}")
    assert failure.returncode == 1
    assert "gh auth login" in failure.stderr


def test_without_requests_it_names_the_next_step(home: Path, repo: Path):
    message = (
        "No AI work in acme/widgets in the last 30 days. Log files read: 0. `mergecost scan` says where it looked.\n"
    )
    assert run(home, repo).stdout == message


def test_a_log_that_cannot_be_read_is_reported(home: Path, clone: Path):
    write_log(home, request(57, "/nowhere"), name="other").write_text('{"output_tokens": nonsense}\n')
    assert run(home, clone).stderr == "Lines that could not be read: 1.\n"


@pytest.mark.parametrize("days", ["0", "-3", "x", "99999"])
def test_a_wrong_number_of_days_is_refused(home: Path, repo: Path, days: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run(home, repo, "--days", days)


def test_a_figure_is_explained(home: Path, clone: Path):
    output = run(home, clone, "scan", "--explain", "msg_40").stdout
    assert "200,000  input" in output
    assert "x $5 a million = $1.000000" in output
    assert "List price $1.00 (1,000,000 millionths of a dollar" in output
    assert run(home, clone, "scan", "--explain", "nothing").returncode == 1
    assert "No list price: no list price known" in run(home, clone, "scan", "--explain", "msg_50").stdout
