"""What the benchmark reads from a recording, and the rows that it prints."""

import json
from datetime import date, timedelta

import pytest

from attribution.runaway_backtest import Verdict, past_alerts
from benchmarks.foresight import months, pulls
from benchmarks.foresight.history import History, histories
from benchmarks.foresight.runaways import NAIVE, SCENARIOS, _first, _naive
from benchmarks.foresight.simulated import ordinary
from tests.attribution.test_pull_forecast import alike
from tests.attribution.test_runaway import MONDAY, ORDINARY, usual
from tests.benchmarks.test_attribution import PULL, ROW

DOLLAR = 1_000_000


@pytest.fixture
def history(tmp_path) -> History:
    """A session of $60 that nothing became of, and one of $5 of a sub-agent."""
    rows = [
        ROW | {"rid": f"r{i}", "timestamp": f"2026-03-02T09:{i:02}:00Z", "gitBranch": "spike", "edited_files": ["a.py"]}
        for i in range(12)
    ]
    other = {
        "rid": "x",
        "session_id": "s2",
        "timestamp": "2026-03-03T09:00:00Z",
        "gitBranch": "feat/a",
        "is_sidechain": True,
    }
    folder = tmp_path / "acme__widgets"
    folder.mkdir()
    merged_pull = PULL | {"number": 1, "head_branch": "feat/a", "commits": [], "merged_at": "2026-03-04T09:00:00Z"}
    for name, lines in (("sessions", [*rows, ROW | other]), ("prs", [merged_pull])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    (recording,) = histories(tmp_path)
    return recording


def test_a_recording_is_read(history: History):
    loss, success = history.sessions
    assert (loss.shipped_micros, success.shipped_micros) == (0, 5 * DOLLAR)
    assert [each.is_sub_agent for each in success.requests] == [True]
    assert history.daily == {date(2026, 3, 2): 60 * DOLLAR, date(2026, 3, 3): 5 * DOLLAR}
    assert history.pulls[1].micros == 5 * DOLLAR


def test_a_naive_rule_is_judged_alike():
    (over_25, *_) = (limit for _, limit in NAIVE)
    sessions = ordinary(1.0, 200, seed=1)
    dear = [record for record in sessions[20:] if sum(request.micros or 0 for request in record.requests) > 25 * DOLLAR]
    assert [past.alert.session_id for past in _naive(sessions, over_25)] == [record.session_id for record in dear]
    assert {past.verdict for past in _naive(sessions, over_25)} == {Verdict.WRONG}
    assert past_alerts(sessions) == []


def test_how_soon_a_made_up_runaway_is_seen():
    limits = usual(ORDINARY, MONDAY)
    assert _first("claude-code", SCENARIOS[1], MONDAY, limits) == "   80 min   $80.25 of   $720.00  total"


def row(output: str, starts: str) -> str:
    """A row of a table, single-spaced."""
    return next(" ".join(line.split()) for line in output.splitlines() if line.strip().startswith(starts))


def test_a_row_of_months(capsys):
    daily = {date(2026, 1, 1) + timedelta(days=i): DOLLAR for i in range(181)}
    months.report("months", [History("acme/widgets", [], daily, {})])
    assert row(capsys.readouterr().out, "5 days") == "5 days 4 0 % 3 % 0 % 100 % 2 0 % 1"


def test_a_row_of_pull_requests(capsys):
    pulls.report("pulls", [History("acme/widgets", [], {}, dict(enumerate(alike(20))))])
    assert row(capsys.readouterr().out, "1/2 h") == "1/2 h 10 0 % 75 % 0 % 100 % 5 0 % 10"
