"""The benchmark on a folder of two requests: it predicts without labels, and its score is what one works out by hand."""

import json

import pytest

from benchmarks.attribution.__main__ import claims_of, main
from benchmarks.attribution.groundtruth import folders, read
from benchmarks.attribution.scoring import labelled, score, shares

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
    (one,) = map(read, folders(root))
    found = score(list(labelled(one.folder, gold=True)), {rid: shares(claim) for rid, claim in claims_of(one).items()})
    assert (found.right, found.wrong, found.precision, found.recall, found.within) == (5.0, 5.0, 0.5, 0.5, 0.0)


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="holds no folder"):
        folders(tmp_path)
