"""Caps in the tools as people meet them: set up, over, unlocked, taken away; alone and with a server."""

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from collector.guard.unlocks import read
from tests.collector.asked import ASKS
from tests.collector.desk import Desk
from tests.collector.listening import Server
from tests.collector.machine import SESSION, git
from tests.patience import DEADLOCK_SECONDS


@pytest.fixture
def desk(home: Path, repo: Path) -> Desk:
    return Desk(home, repo)


def test_stopped_at_the_cap_of_the_session_unlocked_and_stopped_again(desk: Desk):
    desk.set_caps(session_usd=5)
    assert desk("hooks", "install", "--guard").returncode == 0
    desk.work(4.99)
    desk("guard")
    assert desk.tries() == ""
    desk.work(0.02)
    desk("guard")
    for ask in ASKS:
        stopped = desk.tries(*ask)
        assert ("this session has cost $5.01 at list price" in stopped) == (ask[0] == "claude-code"), ask
    done = desk("guard", "--unlock", "2h", "--reason", "the release is tonight")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Over its cap: session claude-code {SESSION}, $5.01 of $5.00 at list price." in done.stdout
    assert desk.tries() == desk.tries(event="UserPromptSubmit") == ""
    (unlock,) = read(desk.state / "unlocks.jsonl")
    assert (unlock.until - unlock.at, unlock.reason, unlock.session) == (7200, "the release is tonight", "")
    assert [(line.kind, line.spent_micros, line.cap_micros) for line in unlock.over] == [
        ("session", 5_010_000, 5_000_000)
    ]


def test_a_sub_agents_work_and_a_cap_that_is_raised(desk: Desk):
    desk.set_caps(session_usd="1.50")
    desk("hooks", "install", "--guard")
    desk.work(1)
    desk.work(1, isSidechain=True, agentId="a1")
    desk("guard")
    assert "$2.00 at list price, over the cap of $1.50 (session_usd in ~/.config/mergecost/config.toml)" in desk.tries()
    desk.set_caps(session_usd="2.00")
    desk("guard")
    assert desk.tries() == ""


def test_the_day_and_the_branch_stop_every_session(desk: Desk):
    desk.set_caps(day_usd=3, pull_usd=2)
    desk("hooks", "install", "--guard")
    desk.work(1.5, "another")
    desk.work(2, "another", cwd="/elsewhere", gitBranch="main")
    desk("guard")
    stopped = desk.tries("codex")
    assert "the work on this machine today has cost $3.50" in stopped
    assert "feat/x" not in stopped
    desk.work(1, "another")
    desk("guard")
    assert "the work on feat/x on this machine has cost $2.50 at list price, over the cap of $2.00" in desk.tries(
        "codex"
    )


def test_what_has_no_known_price_stops_nothing(desk: Desk):
    desk.set_caps(session_usd="0.01", day_usd="0.01", pull_usd="0.01")
    desk("hooks", "install", "--guard")
    desk.work(900, model="a-model-that-nobody-sells")
    desk("guard")
    assert desk.tries() == ""


def test_the_state_at_a_glance(desk: Desk):
    desk.set_caps(session_usd=5, day_usd=50, pull_usd=6)
    desk("hooks", "install", "--guard")
    desk.work(5.25)
    desk.work(1.25, "other-one")
    shown = desk("guard").stdout
    assert shown == snapshot("""\
At list price                                             Spent     Cap        Set in
the work on this machine today                            $6.50  $50.00        day_usd in ~/.config/mergecost/config.toml
the work on feat/x on this machine                        $6.50   $6.00  over  pull_usd in ~/.config/mergecost/config.toml
session claude-code other-one                             $1.25   $5.00        session_usd in ~/.config/mergecost/config.toml
session claude-code aab8820c-6dee-4d56-872a-9fb32bea7b9b  $5.25   $5.00  over  session_usd in ~/.config/mergecost/config.toml

Here: acme/widgets, branch feat/x. Asked by claude-code, codex, gemini-cli, copilot-cli, cursor.
What has no known price is in no amount.
""")
    state = json.loads(desk("guard", "--json").stdout)
    assert [line["spent_micros"] for line in state["caps"]] == [6_500_000, 6_500_000, 1_250_000, 5_250_000]
    assert (state["repository"], state["branch"], state["unlocked_until"]) == ("acme/widgets", "feat/x", None)
    desk("guard", "--unlock", "30m", "--reason", "one\n more", CLAUDE_CODE_SESSION_ID="s-9")
    shown = desk("guard").stdout
    assert "nothing is refused" in shown
    assert ", by claude-code s-9 itself: one more" in shown


def test_sessions_that_are_over_are_shown_the_latest_first(desk: Desk):
    desk.set_caps(session_usd=1)
    for number in range(20):
        desk.work(0.5 if number > 15 else 2, f"s{number:02}")
    shown = [line["what"] for line in json.loads(desk("guard", "--json").stdout)["caps"]]
    assert shown == [f"session claude-code s{n:02}" for n in (19, 18, 17, *range(15, 6, -1))]
    desk("guard", "--unlock=30m", "--reason=r")
    (unlock,) = read(desk.state / "unlocks.jsonl")
    assert [line.what for line in unlock.over] == shown[3:]


def test_without_a_cap_it_says_where_one_is_written(desk: Desk):
    done = desk("guard")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"No cap holds here. Write one in {desk.home}/.config/mergecost/config.toml:" in done.stdout
    assert "No tool asks: mergecost hooks install --guard" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--unlock=2h", "why? Say it"),
        ("--unlock=2h --reason=", "why? Say it"),
        (f"--unlock=2h --reason={'x' * 301}", "at most 300 characters"),
        ("--unlock=2 --reason=x", "for how long? Like 30m, 2h or 1d"),
        ("--unlock=25h --reason=x", "1d, which is the most"),
        ("--unlock=0h --reason=x", "for how long?"),
        ("--unlock=-1h --reason=x", "for how long?"),
        ("--unlock= --reason=x", "for how long?"),
    ],
)
def test_an_unlock_needs_a_time_and_a_reason(desk: Desk, arguments: str, said: str):
    done = desk("guard", *arguments.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert not (desk.state / "unlocks.jsonl").exists()


@pytest.mark.parametrize("figures", ["", "{}", '{"made_at": 1', '{"made_at": 1, "day": 5, "caps": {}}'])
def test_an_unlock_works_whatever_the_figures_are(desk: Desk, figures: str):
    desk.state.mkdir(parents=True)
    (desk.state / "guard.json").write_text(figures)
    assert desk("guard", "--unlock=30m", "--reason=r").returncode == 0
    assert [unlock.over for unlock in read(desk.state / "unlocks.jsonl")] == [[]]


def test_unlocks_are_only_added_to(desk: Desk):
    desk("guard", "--unlock", "1d", "--reason", "first")
    before = (desk.state / "unlocks.jsonl").read_bytes()
    desk("guard", "--unlock", "30m", "--reason", "second")
    assert (desk.state / "unlocks.jsonl").read_bytes().startswith(before)
    assert [unlock.reason for unlock in read(desk.state / "unlocks.jsonl")] == ["first", "second"]


@pytest.mark.parametrize(
    "text", ["[guard]\nsession_usd = 0\n", '[guard]\nday_usd = "much"\n', "[guard]\nweek_usd = 1\n", "[guard"]
)
def test_a_mistake_in_the_configuration_is_said_and_stops_nothing(desk: Desk, text: str):
    desk.set_caps(session_usd="0.01")
    desk("hooks", "install", "--guard")
    desk.work(1)
    (desk.home / ".config/mergecost/config.toml").write_text(text)
    done = desk("guard")
    assert done.returncode == 1
    assert "config.toml" in done.stderr
    (desk.state / "guard.wanted").write_text("1")
    assert desk("push", "--if-due").returncode == 0
    assert desk.tries() == ""


def test_figures_are_kept_only_where_a_hook_asks(desk: Desk):
    desk.set_caps(session_usd=1)
    desk.work(2)
    figures, wanted = desk.state / "guard.json", desk.state / "guard.wanted"
    desk("push", "--if-due")
    assert not figures.exists()
    wanted.write_text("1")
    desk("push", "--if-due")
    assert json.loads(figures.read_text())["sessions"] == {f"claude-code {SESSION}": 2_000_000}
    figures.unlink()
    os.utime(wanted, (0, 0))
    desk("push", "--if-due")
    assert not figures.exists()
    assert list(desk.state.glob("guard.json.*")) == []


@pytest.fixture
def joined(home: Path, repo: Path, server: Server) -> Desk:
    """With a server."""
    return Desk(home, repo, MERGECOST_STATE=str(home / ".local/state/mergecost/state.db"))


def said(spent_micros: int, **caps: int) -> dict[str, Any]:
    branch = {"name": "feat/x", "pull_number": 12, "spent_micros": spent_micros}
    return {"repositories": [{"name": "acme/widgets", "default_branch": "main", "branches": [branch], **caps}]}


def test_a_pull_request_that_others_made_dear_stops_this_machine_too(joined: Desk, server: Server):
    server.caps = said(61_100_000, cap_pull_micros=60_000_000, cap_session_micros=10_000_000)
    joined.set_caps(session_usd=20)
    joined("hooks", "install", "--guard")
    joined.work(1)
    shown = joined("guard").stdout
    assert "pull request #12" in shown
    stopped = joined.tries()
    assert (
        "pull request #12 has cost $61.10 at list price, over the cap of $60.00 (cap_pull_usd in the settings of acme/widgets)"
        in stopped
    )
    git(joined.repo, "checkout", "-q", "-b", "feat/y")
    assert joined.tries() == ""
    joined.work(9.5)
    joined("guard")
    assert "over the cap of $10.00 (cap_session_usd in the settings of acme/widgets)" in joined.tries()
    # Elsewhere only the machine's own cap holds.
    assert joined.tries(cwd=joined.home) == ""


def test_a_server_learns_no_more_than_which_branches_are_worked_on(joined: Desk, server: Server, tmp_path: Path):
    server.caps = said(0)
    joined.set_caps(session_usd=5)
    joined.work(1, "canary-session")
    joined.work(1, gitBranch="canary-branch", cwd="/canary/folder")
    joined("guard")
    assert server.asked == [{"repositories": [{"name": "acme/widgets", "branches": ["feat/x"]}]}]
    assert "canary" not in "".join(server.heads)
    assert b"".join(server.bodies) == b""


def test_the_server_is_away_and_the_caps_hold_for_an_hour(joined: Desk, server: Server):
    server.caps = said(61_100_000, cap_pull_micros=60_000_000)
    joined("hooks", "install", "--guard")
    joined.work(1)
    joined("guard")
    away = {"MERGECOST_URL": "http://127.0.0.1:1"}
    done = joined("guard", **away)
    assert done.returncode == 0
    assert "What the server says may be old: cannot reach http://127.0.0.1:1" in done.stderr
    assert "pull request #12" in joined.tries()
    kept = json.loads((joined.state / "caps.json").read_text())
    (joined.state / "caps.json").write_text(json.dumps(kept | {"asked_at": kept["asked_at"] - 3601}))
    joined("guard", **away)
    assert joined.tries() == ""


def test_a_server_that_knows_no_caps_takes_usage_all_the_same(joined: Desk, server: Server):
    joined.set_caps(session_usd=1)
    joined("hooks", "install", "--guard")
    joined.work(2)
    (joined.state / "guard.wanted").write_text("1")
    assert joined("push").returncode == 0
    assert len(server.asked) == 1
    assert sorted(server.ledger) == ["m0"]
    assert joined("push", "--if-due").returncode == 0
    assert "this session has cost $2.00" in joined.tries()


def test_a_long_session_is_stopped_while_it_runs(joined: Desk, server: Server):
    """All of it for real: the hook has the figures made anew behind its back, and the next one knows."""
    server.caps = said(2_000_000, cap_session_micros=1_000_000)
    joined("hooks", "install", "--guard")
    joined.work(2)
    decoy = joined.repo / "collector"
    decoy.mkdir()
    (decoy / "__init__.py").write_text("raise SystemExit('this is the project, not mergecost')\n")
    assert joined.tries() == ""
    assert server.heard.wait(DEADLOCK_SECONDS)
    with (joined.state / "push.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is done
    assert "this session has cost $2.00 at list price, over the cap of $1.00" in joined.tries()
    assert sorted(server.ledger) == ["m0"]


def test_a_mergecost_that_is_gone_is_no_reason_to_stop(desk: Desk):
    desk("hooks", "install", "--guard")
    for line in (
        desk.hook("claude-code", "PreToolUse"),
        desk.hook("claude-code", "Stop"),
        desk.hook("cursor", "preToolUse"),
    ):
        for gone in (line.replace("python", "no-python", 1), line.replace("hook.py", "no-hook.py", 1)):
            done = subprocess.run(["sh", "-c", gone], input=b"{}", env=desk.env, capture_output=True, check=False)
            assert (done.returncode, done.stdout) == (0, b"")
