"""The benchmark on a folder of two requests: it predicts without labels, and its score is what one works out by hand."""

import json

import pytest

from benchmarks.attribution.__main__ import claims_of, main
from benchmarks.attribution.groundtruth import folders, read
from benchmarks.attribution.scoring import labels, score, shares

ROW = {
    "session_id": "s1", "agent": "claude", "model": "claude-opus-5", "input": 1_000_000, "output": 0, "cache_read": 0,
    "cache_write_5m": 0, "cache_write_1h": 0, "cwd": "/w", "is_sidechain": False, "author": "ann", "author_email_hash": "e",
}  # fmt: skip
SESSIONS = [
    ROW | {"rid": "r1", "timestamp": "2026-03-02T09:00:00Z", "gitBranch": "feat/a", "edited_files": ["a.py"]},
    ROW
    | {"rid": "r2", "timestamp": "2026-03-02T09:30:00Z", "gitBranch": "feat/b", "prs_seen": [{"n": 2, "how": "view"}]},
]
COMMIT = {"sha": "c1", "at": "2026-03-02T09:10:00Z", "ct": "2026-03-02T09:10:00Z", "author": "ann", "files": ["a.py"]}
PULL = {"base": "main", "author": "ann", "created": "2026-03-02T09:10:00Z", "merged_at": None}
PULLS = [
    PULL | {"number": 1, "head_branch": "feat/a", "commits": [COMMIT]},
    PULL | {"number": 2, "head_branch": "feat/b", "commits": []},
]
LABEL = {"label": "pr", "weak": [], "prs": [1], "open_prs": [], "primary_pr": 1, "records": ["r1", "r2"]}


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "acme__widgets"
    folder.mkdir()
    for name, rows in (("sessions", SESSIONS), ("prs", PULLS)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_predictions_need_no_labels(root, capsys):
    main(["--predict", str(root)])
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"repo": "acme/widgets", "rid": "r1", "shares": {"1": 1.0}},
        {"repo": "acme/widgets", "rid": "r2", "shares": {"2": 1.0}},
    ]


def test_the_score_is_in_dollars(root):
    (root / "acme__widgets" / "truth.jsonl").write_text(json.dumps(LABEL) + "\n")
    (recording,) = map(read, folders(root))
    result = score(
        list(labels(recording.folder, gold=True)), {rid: shares(claim) for rid, claim in claims_of(recording).items()}
    )
    assert (result.right, result.wrong, result.precision, result.recall, result.within) == (5.0, 5.0, 0.5, 0.5, 0.0)


def write(root, name, sessions, pulls=None):
    folder = root / name
    folder.mkdir()
    for file, lines in (("sessions", sessions), ("prs", pulls)):
        if lines is not None:
            (folder / f"{file}.jsonl").write_text(
                "\n".join(row if isinstance(row, str) else json.dumps(row) for row in lines)
            )


def predicted(root, capsys):
    main(["--predict", str(root)])
    return [(row["repo"], row["rid"], row["shares"]) for row in map(json.loads, capsys.readouterr().out.splitlines())]


def test_of_what_is_missing_nothing_is_known(tmp_path, capsys):
    at = "2026-03-02T09:00:00Z"
    nothing = dict.fromkeys(SESSIONS[0]) | {"rid": "r4", "timestamp": at, "commits_seen": [{}], "prs_seen": [{}]}
    bare = [
        {"rid": "r1", "timestamp": at},
        "",
        {"rid": "r2", "timestamp": at[:-1], "agent": "new", "gitBranch": "feat/b"},
    ]
    write(tmp_path, "acme__bare", [*bare, nothing], [{"number": 7}, dict.fromkeys(PULLS[0]) | {"number": 8}, ""])
    write(tmp_path, "acme__dated", bare, [{"number": 9, "head_branch": "feat/b", "commits": [{"sha": "c1", "at": at}]}])
    write(tmp_path, "acme__empty", [], [])
    write(tmp_path, "acme__no_pulls", bare)
    assert predicted(tmp_path, capsys) == [
        ("acme/bare", "r1", {}), ("acme/bare", "r2", {}), ("acme/bare", "r4", {}),
        ("acme/dated", "r1", {"9": 1.0}), ("acme/dated", "r2", {"9": 1.0}),
        ("acme/no_pulls", "r1", {}), ("acme/no_pulls", "r2", {}),
    ]  # fmt: skip


def test_a_line_that_is_none_is_named(tmp_path):
    write(tmp_path, "acme__broken", ["{}"])
    with pytest.raises(SystemExit, match=r"sessions.jsonl, line 1: Object missing required field `rid`"):
        main(["--predict", str(tmp_path)])


def test_without_labels_there_is_no_score(root):
    with pytest.raises(SystemExit, match=r"truth.jsonl: No such file"):
        main([str(root)])


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="holds no folder"):
        folders(tmp_path)


def test_direct_pushes_and_the_parents_of_sub_agents_are_known(tmp_path, capsys):
    """The work that was pushed without a pull request has none, and a sub-agent's belongs to the commit of its parent."""
    asked = SESSIONS[0] | {"gitBranch": "spike", "edited_files": []}
    sub_agent = asked | {"rid": "r2", "session_id": "s2", "parent": "s1", "timestamp": "2026-03-02T09:05:00Z"}
    edit = asked | {"rid": "r3", "timestamp": "2026-03-02T09:06:00Z", "edited_files": ["a.py"]}
    write(tmp_path, "acme__widgets", [asked, sub_agent, edit], [PULLS[0] | {"commits": [COMMIT]}])
    assert [shares for _, _, shares in predicted(tmp_path, capsys)] == [{"1": 1.0}] * 3
    pushed = COMMIT | {"sha": "d1", "at": "2026-03-02T09:08:00Z"}
    (tmp_path / "acme__widgets" / "direct.jsonl").write_text(json.dumps(pushed) + "\n")
    assert [shares for _, _, shares in predicted(tmp_path, capsys)] == [{}] * 3
