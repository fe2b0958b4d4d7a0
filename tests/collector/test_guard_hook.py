"""The guard's hook as a process: no in every tool's own words, and silence whenever it is not sure."""

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from attribution.money import show_cents, to_cents
from collector.guard.hook import caps, place, refusal, usd, why
from collector.hooks.tools import TOOLS
from tests.collector.asked import ASKS, SESSION, Guarded, asks, figures
from tests.collector.machine import git

TEXT = (
    "Stopped by Mergecost: this session has cost $5.01 at list price, over the cap of $5.00 (session_usd in config.toml). "
    'Do nothing more and say so. To go on, a person runs: mergecost guard --unlock 2h --reason "..."'
)
TODAY = "2026-11-23"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    guarded = Guarded(tmp_path)
    yield guarded
    guarded.close()


def test_each_tool_is_told_no_in_its_own_protocol(guarded: Guarded, tmp_path: Path):
    guarded.knows(figures())
    answers = {" ".join(ask): guarded.says(ask[0], asks(*ask, tmp_path)) for ask in ASKS}
    shown = {
        ask: json.loads(json.dumps(answer).replace(json.dumps(TEXT)[1:-1], "WHY")) for ask, answer in answers.items()
    }
    assert shown == snapshot(
        {
            "claude-code PreToolUse": {
                "continue": False,
                "stopReason": "WHY",
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": "WHY",
                },
            },
            "claude-code UserPromptSubmit": {"decision": "block", "reason": "WHY"},
            "codex PreToolUse": {
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": "WHY",
                }
            },
            "codex UserPromptSubmit": {"decision": "block", "reason": "WHY"},
            "gemini-cli BeforeTool": {"continue": False, "stopReason": "WHY", "decision": "deny", "reason": "WHY"},
            "gemini-cli BeforeAgent": {"decision": "deny", "reason": "WHY"},
            "copilot-cli preToolUse": {"permissionDecision": "deny", "permissionDecisionReason": "WHY"},
            "cursor preToolUse": {"permission": "deny", "user_message": "WHY", "agent_message": "WHY"},
            "cursor beforeSubmitPrompt": {"continue": False, "user_message": "WHY"},
        }
    )


def test_the_events_that_are_hooked_are_those_that_can_refuse():
    hooked = {(name, event) for name, tool in TOOLS.items() for event in tool.guard}
    assert hooked == set(ASKS)
    for name, event in hooked:
        assert refusal(name, "" if name == "copilot-cli" else event, "why")


@pytest.mark.parametrize("ask", ASKS, ids=" ".join)
def test_under_its_cap_nothing_is_said(guarded: Guarded, tmp_path: Path, ask: tuple[str, str]):
    guarded.knows(figures(caps={"": {"session": [5_010_000, "exactly as much"]}}))
    assert guarded.says(ask[0], asks(*ask, tmp_path)) is None


CLAUDE = ("claude-code", "PreToolUse")


@pytest.mark.parametrize(
    "known",
    [
        b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"{}", b'{"made_at": "now"}', b'{"made_at": 9e999}',
        # Made when the test runs, so that age is not what makes all of them useless.
        lambda: figures(made_at=0), lambda: figures(made_at=time.time() - 601),
        lambda: figures(made_at=time.time() + 3600), lambda: figures(caps={}),
        lambda: figures(caps={"": {"session": "much"}}), lambda: figures(sessions=[]),
        lambda: figures(caps={"": {"moon": [1, "x"]}}), lambda: {"made_at": time.time()},
    ],
)  # fmt: skip
def test_figures_that_are_old_or_broken_stop_nothing(
    guarded: Guarded, tmp_path: Path, known: bytes | Callable[[], object]
):
    guarded.knows(known() if callable(known) else known)
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, tmp_path)) is None


def test_missing_figures_stop_nothing(guarded: Guarded, tmp_path: Path):
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, tmp_path)) is None
    for path in guarded.folder.iterdir():
        path.unlink()
    guarded.folder.rmdir()
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, tmp_path)) is None


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ("claude-code", b""), ("claude-code", b"not json"), ("claude-code", b"[]"), ("claude-code", b"{}"),
        ("claude-code", b'{"session_id": 7, "cwd": 8, "hook_event_name": "PreToolUse"}'),
        ("claude-code", b'{"hook_event_name": "PreToolUse", "cwd": "/"}'),
        ("claude-code", json.dumps({"session_id": SESSION, "cwd": "/", "hook_event_name": "Stop"}).encode()),
        ("a-new-tool", asks(*CLAUDE, Path("/"))), ("", asks(*CLAUDE, Path("/"))),
    ],
)  # fmt: skip
def test_what_is_asked_oddly_is_let_through(guarded: Guarded, tool: str, told: bytes):
    guarded.knows(figures())
    assert guarded.says(tool, told) is None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 2000), told=st.binary(max_size=60) | st.just(asks(*CLAUDE, Path("/"))))
def test_half_written_figures_and_any_input_stop_nothing(guarded: Guarded, cut: int, told: bytes):
    whole = json.dumps(figures()).encode()
    guarded.knows(whole[: cut % len(whole)])
    assert guarded.says(CLAUDE[0], told) is None


def test_old_figures_are_made_anew_by_one_process_however_many_ask(guarded: Guarded, tmp_path: Path):
    guarded.knows(figures(made_at=time.time() - 61))
    told = asks(*CLAUDE, tmp_path)
    hooks = [guarded.ask(CLAUDE[0]) for _ in range(6)]
    answers = [hook.communicate(told)[0] for hook in hooks]
    # A minute old, they still decide.
    assert [json.loads(answer)["stopReason"] for answer in answers] == [TEXT] * 6
    assert guarded.started() == 1
    assert guarded.says(CLAUDE[0], told)
    assert guarded.started() == 1


def test_a_hook_that_is_about_to_start_one_keeps_the_others_from_it(guarded: Guarded, tmp_path: Path):
    told = asks(*CLAUDE, tmp_path)
    with (guarded.folder / "guard.wanted").open("w") as wanted:
        fcntl.flock(wanted, fcntl.LOCK_EX)
        assert guarded.says(CLAUDE[0], told) is None
        assert guarded.started() == 0
    assert guarded.says(CLAUDE[0], told) is None
    assert guarded.started() == 1


def test_fresh_figures_start_nothing_and_missing_ones_do(guarded: Guarded, tmp_path: Path):
    told = asks(*CLAUDE, tmp_path)
    guarded.knows(figures())
    assert guarded.says(CLAUDE[0], told)
    assert not (guarded.folder / "guard.wanted").exists()
    guarded.knows(b"half")
    assert guarded.says(CLAUDE[0], told) is None
    assert guarded.started() == 1
    # A minute later nothing has come of it: once more.
    os.utime(guarded.folder / "guard.wanted", (time.time() - 61, time.time() - 61))
    assert guarded.says(CLAUDE[0], told) is None
    assert guarded.started() == 2


def test_the_hook_is_gone_while_what_it_started_goes_on(guarded: Guarded, tmp_path: Path):
    """A tool waits until nobody holds the hook's output."""
    fifo = guarded.folder / "hold"
    os.mkfifo(fifo)
    (tmp_path / "collector/hook.py").write_text(
        "import os, sys\nif os.fork(): os._exit(0)\nfor stream in (0, 1, 2): os.close(stream)\n"
        "open(sys.argv[1] + '/hold').read()\n"
    )
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, tmp_path)) is None
    with fifo.open("w"):
        pass  # it was still there to read


def test_it_imports_nothing_that_takes_long_or_reaches_out(guarded: Guarded, tmp_path: Path):
    guarded.knows(figures())
    command = guarded.command(CLAUDE[0])
    command.insert(1, "-Ximporttime")
    done = subprocess.run(command, input=asks(*CLAUDE, tmp_path), capture_output=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert {"json", "os"} <= imported
    assert imported.isdisjoint(
        {"pathlib", "subprocess", "argparse", "typing", "socket", "ssl", "msgspec", "datetime", "site"}
    )


def unlock(guarded: Guarded, *untils: float) -> None:
    with (guarded.folder / "unlocks.jsonl").open("a") as file:
        for until in untils:
            file.write(json.dumps({"at": 0, "until": until, "reason": "r", "over": []}) + "\n")


def test_unlocked_it_lets_through_until_the_time_is_over(guarded: Guarded, tmp_path: Path):
    guarded.knows(figures())
    told, now = asks(*CLAUDE, tmp_path), time.time()
    unlock(guarded, now + 3600)
    assert guarded.says(CLAUDE[0], told) is None
    unlock(guarded, now - 1)
    assert guarded.says(CLAUDE[0], told)
    unlock(guarded, now + 3600)
    assert guarded.says(CLAUDE[0], told) is None
    (guarded.folder / "unlocks.jsonl").write_bytes(b'{"until": ')
    assert guarded.says(CLAUDE[0], told) is None


@pytest.fixture
def feat(repo: Path) -> Path:
    """The repository with a branch checked out."""
    git(repo, "checkout", "-q", "-b", "feat/x")
    return repo


def test_git_is_read_by_hand_as_git_has_it(feat: Path, tmp_path: Path):
    shared = str((feat / ".git").resolve())
    (feat / "src/deep").mkdir(parents=True)
    assert place(str(feat)) == place(str(feat / "src/deep")) == (shared, "feat/x")
    (tmp_path / "link").symlink_to(feat / "src")
    assert place(str(tmp_path / "link")) == (shared, "feat/x")
    git(feat, "worktree", "add", "-q", "-b", "fix/ü", str(tmp_path / "elsewhere"))
    assert place(str(tmp_path / "elsewhere")) == (shared, "fix/ü")
    relative = tmp_path / "elsewhere/.git"
    gitdir = relative.read_text().removeprefix("gitdir: ").strip()
    relative.write_text(f"gitdir: {os.path.relpath(gitdir, tmp_path / 'elsewhere')}\n")
    assert git(tmp_path / "elsewhere", "branch", "--show-current") == "fix/ü"
    assert place(str(tmp_path / "elsewhere")) == (shared, "fix/ü")
    git(feat, "checkout", "-q", "--detach")
    assert place(str(feat)) == (shared, "")
    git(feat, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(feat), "lib/sub")
    git(feat / "lib/sub", "checkout", "-q", "-b", "inner")
    assert place(str(feat / "lib/sub")) == (str((feat / ".git/modules/lib/sub").resolve()), "inner")
    git(feat, "pack-refs", "--all")
    git(feat, "checkout", "-q", "feat/x")
    assert place(str(feat)) == (shared, "feat/x")


def test_no_repository_is_no_place(tmp_path: Path):
    (tmp_path / "empty/.git").mkdir(parents=True)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/.git").write_text("not a git file\n")
    for folder in ("", "empty", "odd", "gone/deeper"):
        found = place(str(tmp_path / folder))
        assert found == place(str(tmp_path.parent)), folder


def known_of(repo: Path, **changes: object) -> dict[str, object]:
    known: dict[str, object] = {
        "repositories": {str((repo / ".git").resolve()): "acme/widgets"},
        "branches": {"acme/widgets": {"feat/x": ["pull request #12", 61_100_000]}},
        "caps": {
            "": {"day": [50_000_000, "day_usd in config.toml"]},
            "acme/widgets": {
                "session": [100_000_000, "s"], "day": [50_000_000, "day_usd in config.toml"],
                "pull": [60_000_000, "cap_pull_usd in the settings of acme/widgets"],
            },
        },
    }  # fmt: skip
    return figures(**known | changes)


def test_over_the_cap_of_the_branchs_pull_request_in_every_worktree_of_it(guarded: Guarded, feat: Path, tmp_path: Path):
    guarded.knows(known_of(feat))
    answer = guarded.says(CLAUDE[0], asks(*CLAUDE, feat))
    assert answer
    assert (
        "pull request #12 has cost $61.10 at list price, over the cap of $60.00 (cap_pull_usd in the settings of"
        in str(answer)
    )
    git(feat, "checkout", "-q", "--detach")
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, feat)) is None
    git(feat, "checkout", "-q", "-b", "other")
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, feat)) is None
    git(feat, "worktree", "add", "-q", str(tmp_path / "elsewhere"), "feat/x")
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, tmp_path / "elsewhere"))
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, tmp_path)) is None


def test_over_the_cap_of_the_day_on_that_day_alone(guarded: Guarded, feat: Path):
    guarded.knows(known_of(feat, day_micros=50_010_000, branches={}))
    assert "the work on this machine today has cost $50.01" in str(guarded.says(CLAUDE[0], asks(*CLAUDE, feat)))
    elsewhere = asks(*CLAUDE, Path("/"))
    assert "$50.01" in str(guarded.says(CLAUDE[0], elsewhere))
    guarded.knows(known_of(feat, day_micros=50_010_000, branches={}, day="2026-01-01"))
    assert guarded.says(CLAUDE[0], asks(*CLAUDE, feat)) is None


def test_all_that_is_over_is_said_at_once(feat: Path):
    known = known_of(feat, day=TODAY, day_micros=50_010_000, sessions={"codex s": 100_010_000})
    assert why(caps(known, "codex s", place(str(feat)), TODAY)).count(" has cost ") == 3
    assert why(caps(known, "codex t", place(str(feat)), TODAY)).count(" has cost ") == 2


micros = st.integers(0, 10**12)


@given(micros)
def test_amounts_are_shown_to_the_cent_as_everywhere(amount: int):
    assert usd(amount) == show_cents(to_cents(amount))
    assert usd(amount * 5_000) == show_cents(to_cents(amount * 5_000))


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("session", "day", "pull"), micros)), micros, micros, micros)
def test_it_says_no_exactly_where_a_cap_is_passed(set_caps: dict[str, int], session: int, day: int, pull: int):
    known = figures(
        day=TODAY, day_micros=day, sessions={"codex s": session}, repositories={"/r/.git": "acme/widgets"},
        branches={"acme/widgets": {"x": ["pull request #1", pull]}},
        caps={"": {kind: [amount, "here"] for kind, amount in set_caps.items()}},
    )  # fmt: skip
    spent = {"session": session, "day": day, "pull": pull}
    said = why(caps(known, "codex s", ("/r/.git", "x"), TODAY))
    assert bool(said) == any(spent[kind] > amount for kind, amount in set_caps.items())
    for kind, amount in set_caps.items():
        if spent[kind] > amount:
            assert f"has cost {usd(spent[kind])} at list price, over the cap of {usd(amount)} (here)" in said
