"""Files that `mergecost replay` reads: what is taken, and mistakes that are named with their place."""

import json
from pathlib import Path

import msgspec
import pytest
from inline_snapshot import snapshot

from attribution.gh import FILTER, QUERY
from bot.cli.replay import main
from tests.notation import session

ROOT = Path(__file__).parents[3]
USAGE = json.loads(msgspec.json.encode(session("09:00 main $1.00")[0]))


def test_what_gh_prints_is_understood(tmp_path: Path, facts: list[str], capsys: pytest.CaptureFixture[str]):
    answer = [
        {
            "number": 12, "headRefName": "feat/a", "baseRefName": "main", "createdAt": "2026-11-16T09:05:00Z",
            "closedAt": None, "mergedAt": None, "author": {"login": "ann", "is_bot": False, "id": "x", "name": ""},
            "commits": [{
                "oid": "1111111" + "0" * 33, "authoredDate": "2026-11-16T09:10:00Z", "committedDate": "2026-11-16T09:10:00Z",
                "authors": [{"email": "ann@example.com", "id": "x", "login": "ann", "name": "Ann"}],
                "messageBody": "", "messageHeadline": "x",
            }],
            "files": [{"path": "a.py", "additions": 1, "deletions": 0}],
        }
    ]  # fmt: skip
    for content in (json.dumps(answer), "".join(json.dumps(pull) + "\n" for pull in answer)):
        (tmp_path / "gh.json").write_text(content)
        assert main([*facts[:2], "--pulls", str(tmp_path / "gh.json")]) == 0
        assert "#12           $3.00" in capsys.readouterr().out


def test_the_documented_query_is_the_collectors():
    text = (ROOT / "deploy/replay.md").read_text()
    assert f"-f query='{QUERY}' --jq '{FILTER}' > pulls.jsonl" in text


def test_an_author_that_github_does_not_know_is_empty(
    tmp_path: Path, facts: list[str], capsys: pytest.CaptureFixture[str]
):
    """Accounts that are gone, an e-mail of nobody's, a commit without an author."""
    at = "2026-11-16T09:05:00Z"
    commits = [
        {
            "oid": "1111111" + "0" * 33,
            "authoredDate": at,
            "committedDate": at,
            "authors": [{"email": None, "login": None}],
        },
        {
            "oid": "2222222" + "0" * 33,
            "authoredDate": at,
            "committedDate": at,
            "authors": [{"email": "x@y", "login": None}],
        },
    ]
    pull = {"number": 12, "headRefName": "gone", "createdAt": at, "author": None, "commits": commits, "files": []}
    (tmp_path / "gh.jsonl").write_text(json.dumps(pull))
    assert main([*facts[:2], "--pulls", str(tmp_path / "gh.jsonl")]) == 0
    assert "#12           $3.00" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_windows_redirects_is_read(encoding: str, facts: list[str], capsys: pytest.CaptureFixture[str]):
    main(facts)
    direct = capsys.readouterr().out
    for path in (Path(facts[1]), Path(facts[3])):
        path.write_text(path.read_text().replace("\n", "\r\n"), encoding=encoding)
    assert main(facts) == 0
    assert capsys.readouterr().out == direct


def test_the_standard_input_is_read_once(capsys: pytest.CaptureFixture[str]):
    assert main(["--usage", "-", "--pulls", "-"]) == 2
    assert capsys.readouterr().err == "mergecost replay: - is the standard input, which can be read once\n"


@pytest.mark.parametrize(
    ("files", "more", "error"),
    [
        (
            {"usage": "{}"},
            [],
            snapshot(
                "mergecost replay: DIR/usage, line 1: expected a request, as `mergecost scan --json` prints it: Object missing required field `tool`\n"
            ),
        ),
        (
            {"pulls": "[{}]"},
            [],
            snapshot(
                "mergecost replay: DIR/pulls: not what `gh pr list --json ...` prints: Object missing required field `number` - at `$[0]`\n"
            ),
        ),
        (
            {"pulls": '\n{"number": 1}\n'},
            [],
            snapshot(
                "mergecost replay: DIR/pulls, line 2: expected a pull request in JSON: Object missing required field `head_branch`\n"
            ),
        ),
        (
            {"usage": USAGE | {"at": "2026-11-16T09:00:00"}},
            [],
            snapshot(
                "mergecost replay: DIR/usage, line 1: expected a request, as `mergecost scan --json` prints it: `at` must be a time with its zone, between 2023-01-01 and now; it is 2026-11-16 09:00:00\n"
            ),
        ),
        (
            {"usage": USAGE | {"tokens": {"output": -5}}},
            [],
            snapshot(
                "mergecost replay: DIR/usage, line 1: expected a request, as `mergecost scan --json` prints it: `tokens.output` must be from 0 to 100,000,000; it is -5\n"
            ),
        ),
        (
            {"usage": USAGE | {"tokens": {"output": 10**30}}},
            [],
            snapshot(
                "mergecost replay: DIR/usage, line 1: expected a request, as `mergecost scan --json` prints it: `tokens.output` must be from 0 to 100,000,000; it is 1000000000000000000000000000000\n"
            ),
        ),
        (
            {"usage": [USAGE]},
            [],
            snapshot(
                "mergecost replay: DIR/usage, line 1: expected a request, as `mergecost scan --json` prints it: Expected `object`, got `array`\n"
            ),
        ),
        (
            {"pulls": {"number": 1, "head_branch": "a", "created_at": "2026-11-16T09:00:00"}},
            [],
            snapshot(
                "mergecost replay: DIR/pulls, line 1: expected a pull request in JSON: Expected `datetime` with a timezone component - at `$.created_at`\n"
            ),
        ),
        (
            {"pulls": [{"number": 1, "headRefName": "a", "createdAt": "2026-11-16T09:00:00"}]},
            [],
            snapshot(
                "mergecost replay: DIR/pulls: not what `gh pr list --json ...` prints: Expected `datetime` with a timezone component - at `$[0].createdAt`\n"
            ),
        ),
        (
            {"pulls": {"number": 1, "headRefName": "a", "createdAt": "yesterday"}},
            [],
            snapshot(
                "mergecost replay: DIR/pulls, line 1: expected a pull request as `gh` prints it: Invalid RFC3339 encoded datetime - at `$.createdAt`\n"
            ),
        ),
        (
            {"usage": "\0"},
            [],
            snapshot(
                "mergecost replay: DIR/usage, line 1: expected a request, as `mergecost scan --json` prints it: JSON is malformed: invalid character (byte 0)\n"
            ),
        ),
        ({}, ["--repository", "acme/other"], snapshot("mergecost replay: no request was made in acme/other\n")),
        (
            {},
            ["--corrections", "/nowhere"],
            snapshot("mergecost replay: cannot read /nowhere: No such file or directory\n"),
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(
    facts, capsys, tmp_path, files: dict[str, object], more: list[str], error: str
):
    for name, content in files.items():
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    assert main([*facts, *more]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.replace(str(tmp_path), "DIR") == error
