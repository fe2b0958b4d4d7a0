"""Caps in the tools, from installation to removal, without and with a server."""

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from collector.guard.unlocks import read
from tests.collector.developer import Developer
from tests.collector.fake_server import Server
from tests.collector.guard_hook import EVENTS
from tests.collector.machine import SESSION, git


@pytest.fixture
def dev(home: Path, repo: Path) -> Developer:
    return Developer(home, repo)


def test_a_session_over_its_cap_is_stopped_until_somebody_unlocks_it(dev: Developer):
    dev.set_caps(session_usd=5)
    assert dev.mergecost("hooks", "install", "--offline", "--guard").returncode == 0
    dev.work(4.99)
    dev.mergecost("guard")
    assert dev.run_hook() == ""
    dev.work(0.02)
    dev.mergecost("guard")
    for tool, event in EVENTS:
        refusal = dev.run_hook(tool, event)
        assert ("this session has cost $5.01 at list price" in refusal) == (tool == "claude-code"), (tool, event)
    result = dev.mergecost("guard", "--unlock", "2h", "--reason", "the release is tonight")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"Over its cap: session claude-code {SESSION}, $5.01 of $5.00 at list price." in result.stdout
    assert dev.run_hook() == dev.run_hook(event="UserPromptSubmit") == ""
    (unlock,) = read(dev.state / "unlocks.jsonl")
    assert (unlock.until - unlock.at, unlock.reason, unlock.session) == (7200, "the release is tonight", "")
    assert [(line.kind, line.spent_micros, line.cap_micros) for line in unlock.over] == [
        ("session", 5_010_000, 5_000_000)
    ]


def test_work_of_a_sub_agent_counts_and_a_higher_cap_lets_the_session_go_on(dev: Developer):
    dev.set_caps(session_usd="1.50")
    dev.mergecost("hooks", "install", "--offline", "--guard")
    dev.work(1)
    dev.work(1, isSidechain=True, agentId="a1")
    dev.mergecost("guard")
    assert (
        "$2.00 at list price, over the cap of $1.50 (session_usd in ~/.config/mergecost/config.toml)" in dev.run_hook()
    )
    dev.set_caps(session_usd="2.00")
    dev.mergecost("guard")
    assert dev.run_hook() == ""


def test_the_caps_of_the_day_and_of_the_branch_stop_every_session(dev: Developer):
    dev.set_caps(day_usd=3, pull_usd=2)
    dev.mergecost("hooks", "install", "--offline", "--guard")
    dev.work(1.5, "another")
    dev.work(2, "another", cwd="/elsewhere", gitBranch="main")
    dev.mergecost("guard")
    refusal = dev.run_hook("codex")
    assert "the work on this machine today has cost $3.50" in refusal
    assert "feat/x" not in refusal
    dev.work(1, "another")
    dev.mergecost("guard")
    assert "the work on feat/x on this machine has cost $2.50 at list price, over the cap of $2.00" in dev.run_hook(
        "codex"
    )


def test_requests_without_a_known_price_stop_nothing_and_are_no_zero(dev: Developer):
    dev.set_caps(session_usd=5, day_usd=5, pull_usd=5)
    dev.mergecost("hooks", "install", "--offline", "--guard")
    dev.work(900, model="a-model-that-nobody-sells")
    shown = dev.mergecost("guard").stdout
    assert shown.count("not known  $5.00") == 2
    assert "$0.00" not in shown
    assert dev.run_hook() == ""
    dev.work(1)
    assert dev.mergecost("guard").stdout.count("at least $1.00  $5.00") == 3


def test_what_is_over_a_cap_at_the_installation_is_stopped_at_once(dev: Developer):
    dev.set_caps(session_usd=5)
    dev.work(6)
    dev.mergecost("hooks", "install", "--offline", "--guard")
    assert "this session has cost $6.00" in dev.run_hook()


def test_guard_shows_every_cap_with_what_is_spent_against_it(dev: Developer):
    dev.set_caps(session_usd=5, day_usd=50, pull_usd=6)
    dev.mergecost("hooks", "install", "--offline", "--guard")
    dev.work(5.25)
    dev.work(1.25, "other-one")
    assert dev.mergecost("guard").stdout == snapshot("""\
At list price                                             Spent     Cap        Set in
the work on this machine today                            $6.50  $50.00        day_usd in ~/.config/mergecost/config.toml
the work on feat/x on this machine                        $6.50   $6.00  over  pull_usd in ~/.config/mergecost/config.toml
session claude-code other-one                             $1.25   $5.00        session_usd in ~/.config/mergecost/config.toml
session claude-code aab8820c-6dee-4d56-872a-9fb32bea7b9b  $5.25   $5.00  over  session_usd in ~/.config/mergecost/config.toml

Here: acme/widgets, branch feat/x. Installed in claude-code, codex, gemini-cli, qwen-code, copilot-cli, grok-build, cursor.
Not in force in codex, which skips hooks that are not trusted: start `codex` once and trust the hooks that it asks about, or type /hooks there; `codex exec` runs none before.
Requests at a price that is not known are in no amount.
""")
    state = json.loads(dev.mergecost("guard", "--json").stdout)
    assert [line["spent_micros"] for line in state["caps"]] == [6_500_000, 6_500_000, 1_250_000, 5_250_000]
    assert (state["repository"], state["branch"], state["unlocked_until"]) == ("acme/widgets", "feat/x", None)
    dev.mergecost("guard", "--unlock", "30m", "--reason", "one\n more", CLAUDE_CODE_SESSION_ID="s-9")
    output = dev.mergecost("guard").stdout
    assert "nothing is refused" in output
    assert ", by claude-code s-9 itself: one more" in output


def test_sessions_over_their_cap_are_listed_latest_first(dev: Developer):
    dev.set_caps(session_usd=1)
    for number in range(20):
        dev.work(0.5 if number > 15 else 2, f"s{number:02}")
    names = [line["what"] for line in json.loads(dev.mergecost("guard", "--json").stdout)["caps"]]
    assert names == [f"session claude-code s{n:02}" for n in (19, 18, 17, *range(15, 6, -1))]
    dev.mergecost("guard", "--unlock=30m", "--reason=r")
    (unlock,) = read(dev.state / "unlocks.jsonl")
    assert [line.what for line in unlock.over] == names[3:]


def test_without_a_cap_guard_shows_where_to_write_one(dev: Developer):
    result = dev.mergecost("guard")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"No cap is set here. Write one in {dev.home}/.config/mergecost/config.toml:" in result.stdout
    assert "Not installed: mergecost hooks install --guard" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--unlock=2h", "why? Give a reason"),
        ("--unlock=2h --reason=", "why? Give a reason"),
        (f"--unlock=2h --reason={'x' * 301}", "at most 300 characters"),
        ("--unlock=2 --reason=x", "for how long? Like 30m, 2h or 1d"),
        ("--unlock=25h --reason=x", "1d, which is the most"),
        ("--unlock=0h --reason=x", "for how long?"),
        ("--unlock=-1h --reason=x", "for how long?"),
        ("--unlock= --reason=x", "for how long?"),
    ],
)
def test_an_unlock_needs_a_time_and_a_reason(dev: Developer, arguments: str, message: str):
    result = dev.mergecost("guard", *arguments.split())
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr
    assert not (dev.state / "unlocks.jsonl").exists()


@pytest.mark.parametrize("figures", ["", "{}", '{"made_at": 1', '{"made_at": 1, "day": 5, "caps": {}}'])
def test_an_unlock_works_with_broken_figures(dev: Developer, figures: str):
    dev.state.mkdir(parents=True)
    (dev.state / "guard.json").write_text(figures)
    assert dev.mergecost("guard", "--unlock=30m", "--reason=r").returncode == 0
    assert [unlock.over for unlock in read(dev.state / "unlocks.jsonl")] == [[]]


def test_an_unlock_is_appended_to_the_earlier_ones(dev: Developer):
    dev.mergecost("guard", "--unlock", "1d", "--reason", "first")
    before = (dev.state / "unlocks.jsonl").read_bytes()
    dev.mergecost("guard", "--unlock", "30m", "--reason", "second")
    assert (dev.state / "unlocks.jsonl").read_bytes().startswith(before)
    assert [unlock.reason for unlock in read(dev.state / "unlocks.jsonl")] == ["first", "second"]


@pytest.mark.parametrize(
    "text", ["[guard]\nsession_usd = 0\n", '[guard]\nday_usd = "much"\n', "[guard]\nweek_usd = 1\n", "[guard"]
)
def test_a_mistake_in_the_configuration_is_reported_and_stops_nothing(dev: Developer, text: str):
    dev.set_caps(session_usd="0.01")
    dev.mergecost("hooks", "install", "--offline", "--guard")
    dev.work(1)
    (dev.home / ".config/mergecost/config.toml").write_text(text)
    result = dev.mergecost("guard")
    assert result.returncode == 1
    assert "config.toml" in result.stderr
    (dev.state / "guard.request").write_text("1")
    assert dev.mergecost("push", "--if-due").returncode == 0
    assert dev.run_hook() == ""


def test_figures_are_written_only_where_a_hook_asks_for_them(dev: Developer):
    dev.set_caps(session_usd=1)
    dev.work(2)
    figures, request = dev.state / "guard.json", dev.state / "guard.request"
    dev.mergecost("push", "--if-due")
    assert not figures.exists()
    request.write_text("1")
    dev.mergecost("push", "--if-due")
    assert json.loads(figures.read_text())["sessions"] == {f"claude-code {SESSION}": 2_000_000}
    figures.unlink()
    os.utime(request, (0, 0))
    dev.mergecost("push", "--if-due")
    assert not figures.exists()
    assert list(dev.state.glob("guard.json.*")) == []


@pytest.fixture
def online_dev(home: Path, repo: Path, server: Server) -> Developer:
    """A developer with a server."""
    return Developer(home, repo, MERGECOST_STATE=str(home / ".local/state/mergecost/state.db"))


def caps_answer(spent_micros: int, **caps: int) -> dict[str, Any]:
    branch = {"name": "feat/x", "pull_number": 12, "spent_micros": spent_micros}
    return {"repositories": [{"name": "acme/widgets", "default_branch": "main", "branches": [branch], **caps}]}


def test_a_pull_request_over_its_cap_because_of_others_stops_this_machine_too(online_dev: Developer, server: Server):
    server.caps = caps_answer(61_100_000, cap_pull_micros=60_000_000, cap_session_micros=10_000_000)
    online_dev.set_caps(session_usd=20)
    online_dev.mergecost("hooks", "install", "--offline", "--guard")
    online_dev.work(1)
    assert "pull request #12" in online_dev.mergecost("guard").stdout
    refusal = online_dev.run_hook()
    assert (
        "pull request #12 has cost $61.10 at list price, over the cap of $60.00 (cap_pull_usd in the settings of acme/widgets)"
        in refusal
    )
    git(online_dev.repo, "checkout", "-q", "-b", "feat/y")
    assert online_dev.run_hook() == ""
    online_dev.work(9.5)
    online_dev.mergecost("guard")
    assert "over the cap of $10.00 (cap_session_usd in the settings of acme/widgets)" in online_dev.run_hook()
    # In another folder only the machine's own cap is in force.
    assert online_dev.run_hook(cwd=online_dev.home) == ""


def test_a_server_is_sent_only_the_names_of_its_branches_with_work(
    online_dev: Developer, server: Server, tmp_path: Path
):
    server.caps = caps_answer(0)
    online_dev.set_caps(session_usd=5)
    online_dev.work(1, "canary-session")
    online_dev.work(1, gitBranch="canary-branch", cwd="/canary/folder")
    online_dev.mergecost("guard")
    assert server.caps_requests == [{"repositories": [{"name": "acme/widgets", "branches": ["feat/x"]}]}]
    assert "canary" not in "".join(server.heads)
    assert b"".join(server.bodies) == b""


def test_the_caps_of_a_server_are_in_force_for_an_hour_without_it(online_dev: Developer, server: Server):
    server.caps = caps_answer(61_100_000, cap_pull_micros=60_000_000)
    online_dev.mergecost("hooks", "install", "--offline", "--guard")
    online_dev.work(1)
    online_dev.mergecost("guard")
    no_server = {"MERGECOST_URL": "http://127.0.0.1:1"}
    result = online_dev.mergecost("guard", **no_server)
    assert result.returncode == 0
    assert "The caps of the server may be out of date: cannot reach http://127.0.0.1:1" in result.stderr
    assert "pull request #12" in online_dev.run_hook()
    cache = json.loads((online_dev.state / "caps.json").read_text())
    (online_dev.state / "caps.json").write_text(json.dumps(cache | {"answered_at": cache["answered_at"] - 3601}))
    online_dev.mergecost("guard", **no_server)
    assert online_dev.run_hook() == ""


def test_a_server_without_caps_still_accepts_usage(online_dev: Developer, server: Server):
    online_dev.set_caps(session_usd=1)
    online_dev.mergecost("hooks", "install", "--offline", "--guard")
    online_dev.work(2)
    (online_dev.state / "guard.request").write_text("1")
    assert online_dev.mergecost("push").returncode == 0
    assert len(server.caps_requests) == 1
    assert sorted(server.ledger) == ["m0"]
    assert online_dev.mergecost("push", "--if-due").returncode == 0
    assert "this session has cost $2.00" in online_dev.run_hook()


def test_a_long_session_is_stopped_while_it_runs(online_dev: Developer, server: Server):
    """With a real push: the first hook starts it, and it renews the figures that the next hook reads."""
    server.caps = caps_answer(2_000_000, cap_session_micros=1_000_000)
    online_dev.mergecost("hooks", "install", "--offline", "--guard")
    online_dev.work(2)
    figures = online_dev.state / "guard.json"
    figures.write_text(json.dumps(json.loads(figures.read_text()) | {"made_at": 0}))
    os.utime(online_dev.state / "guard.request", (0, 0))
    server.has_caps_request.clear()
    decoy = online_dev.repo / "collector"
    decoy.mkdir()
    (decoy / "__init__.py").write_text("raise SystemExit('this is the project, not mergecost')\n")
    assert online_dev.run_hook() == ""
    assert server.has_caps_request.wait(600)  # the push has started, and has its lock
    with (online_dev.state / "push.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits for its end
    assert "this session has cost $2.00 at list price, over the cap of $1.00" in online_dev.run_hook()
    assert sorted(server.ledger) == ["m0"]


def test_a_missing_interpreter_or_hook_stops_nothing(dev: Developer):
    dev.mergecost("hooks", "install", "--offline", "--guard")
    for line in (
        dev.hook_command("claude-code", "PreToolUse"),
        dev.hook_command("claude-code", "Stop"),
        dev.hook_command("cursor", "preToolUse"),
    ):
        for broken in (line.replace("python", "no-python", 1), line.replace("hook.py", "no-hook.py", 1)):
            run = subprocess.run(["sh", "-c", broken], input=b"{}", env=dev.env, capture_output=True, check=False)
            assert (run.returncode, run.stdout) == (0, b"")
