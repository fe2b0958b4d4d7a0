"""The guard's hook as a process: a refusal in every tool's own format, and silence whenever it is not sure."""

import fcntl
import json
import os
import shutil
import socket
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from attribution.money import show_cents, to_cents
from collector.guard.hook import caps, place, refusal, usd, why
from collector.hooks.tools import TOOLS
from tests.collector.guard_hook import EVENTS, GuardHook, body, figures
from tests.collector.machine import SESSION, git
from tests.examples import examples

TEXT = (
    "Stopped by Mergecost: this session has cost $5.01 at list price, over the cap of $5.00 (session_usd in config.toml). "
    'Do nothing more and say so. To go on, a person runs: mergecost guard --unlock 2h --reason "..."'
)
TODAY = "2026-11-23"


@pytest.fixture
def hook(tmp_path: Path) -> GuardHook:
    return GuardHook(tmp_path)


def test_each_tool_gets_the_refusal_in_its_own_format(hook: GuardHook, tmp_path: Path):
    hook.write_figures(figures())
    answers = {f"{tool} {event}": hook.run(tool, body(tool, event, tmp_path)) for tool, event in EVENTS}
    text = json.dumps(answers).replace(json.dumps(TEXT)[1:-1], "WHY")
    assert json.loads(text) == snapshot(
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
            "qwen-code PreToolUse": {
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": "WHY",
                }
            },
            "qwen-code UserPromptSubmit": {"decision": "block", "reason": "WHY"},
            "grok-build PreToolUse": {
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": "WHY",
                }
            },
            "grok-build UserPromptSubmit": {"decision": "block", "reason": "WHY"},
            "gemini-cli BeforeTool": {"continue": False, "stopReason": "WHY", "decision": "deny", "reason": "WHY"},
            "gemini-cli BeforeAgent": {"decision": "deny", "reason": "WHY"},
            "copilot-cli preToolUse": {"permissionDecision": "deny", "permissionDecisionReason": "WHY"},
            "cursor preToolUse": {"permission": "deny", "user_message": "WHY", "agent_message": "WHY"},
            "cursor beforeSubmitPrompt": {"continue": False, "user_message": "WHY"},
        }
    )


def test_the_guard_is_installed_for_events_that_can_be_refused():
    events = {(name, event) for name, tool in TOOLS.items() for event in tool.guard}
    assert events == set(EVENTS)
    for name, event in events:
        assert refusal(name, "" if name == "copilot-cli" else event, "why")


@pytest.mark.parametrize(("tool", "event"), EVENTS)
def test_a_session_at_its_cap_is_not_stopped(hook: GuardHook, tmp_path: Path, tool: str, event: str):
    hook.write_figures(figures(caps={"": {"session": [5_010_000, "exactly as much"]}}))
    assert hook.run(tool, body(tool, event, tmp_path)) is None


def claude(cwd: Path) -> bytes:
    return body("claude-code", "PreToolUse", cwd)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"{}", b'{"made_at": "now"}', b'{"made_at": 9e999}'],
)
def test_a_broken_file_of_figures_stops_nothing(hook: GuardHook, tmp_path: Path, content: bytes):
    hook.write_figures(content)
    assert hook.run("claude-code", claude(tmp_path)) is None


@pytest.mark.parametrize("age_seconds", [24 * 3600 + 1, -3600, 10**9])
def test_figures_that_are_old_or_of_the_future_stop_nothing(hook: GuardHook, tmp_path: Path, age_seconds: int):
    hook.write_figures(figures(made_at=time.time() - age_seconds))
    assert hook.run("claude-code", claude(tmp_path)) is None


def test_a_session_that_was_over_its_cap_hours_ago_gets_no_free_request(hook: GuardHook, tmp_path: Path):
    hook.write_figures(figures(made_at=time.time() - 5 * 3600))
    assert hook.run("claude-code", claude(tmp_path))
    assert hook.starts == 1


def test_a_session_of_a_tool_that_runs_the_hooks_of_another_is_known_by_its_id(hook: GuardHook, tmp_path: Path):
    hook.write_figures(figures(sessions={f"grok-build {SESSION}": 5_010_000}))
    assert hook.run("claude-code", claude(tmp_path))
    hook.write_figures(figures(sessions={"grok-build another": 5_010_000}))
    assert hook.run("claude-code", claude(tmp_path)) is None


def test_an_amount_without_all_prices_is_said_to_be_the_least(hook: GuardHook, tmp_path: Path):
    hook.write_figures(figures(unpriced=[f"claude-code {SESSION}"]))
    answer = hook.run("claude-code", claude(tmp_path))
    assert answer
    assert "this session has cost at least $5.01 at list price" in answer["stopReason"]


@pytest.mark.parametrize(
    "changes",
    [{"caps": {}}, {"caps": {"": {"session": "much"}}}, {"caps": {"": {"moon": [1, "x"]}}}, {"sessions": []}],
)
def test_figures_of_another_shape_stop_nothing(hook: GuardHook, tmp_path: Path, changes: dict[str, object]):
    hook.write_figures(figures(**changes))
    assert hook.run("claude-code", claude(tmp_path)) is None
    hook.write_figures({"made_at": time.time()})
    assert hook.run("claude-code", claude(tmp_path)) is None


def test_missing_figures_stop_nothing(hook: GuardHook, tmp_path: Path):
    assert hook.run("claude-code", claude(tmp_path)) is None
    for path in hook.folder.iterdir():
        path.unlink()
    hook.folder.rmdir()
    assert hook.run("claude-code", claude(tmp_path)) is None


@pytest.mark.parametrize(
    ("tool", "stdin"),
    [
        ("claude-code", b""), ("claude-code", b"not json"), ("claude-code", b"[]"), ("claude-code", b"{}"),
        ("claude-code", b'{"session_id": 7, "cwd": 8, "hook_event_name": "PreToolUse"}'),
        ("claude-code", b'{"hook_event_name": "PreToolUse", "cwd": "/"}'),
        ("claude-code", json.dumps({"session_id": SESSION, "cwd": "/", "hook_event_name": "Stop"}).encode()),
        ("a-new-tool", claude(Path("/"))), ("", claude(Path("/"))),
    ],
)  # fmt: skip
def test_unexpected_input_stops_nothing(hook: GuardHook, tool: str, stdin: bytes):
    hook.write_figures(figures())
    assert hook.run(tool, stdin) is None


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 2000), stdin=st.binary(max_size=60) | st.just(claude(Path("/"))))
def test_half_written_figures_and_any_input_stop_nothing(hook: GuardHook, cut: int, stdin: bytes):
    content = json.dumps(figures()).encode()
    hook.write_figures(content[: cut % len(content)])
    assert hook.run("claude-code", stdin) is None


def test_of_many_hooks_with_old_figures_one_starts_a_process_that_renews_them(hook: GuardHook, tmp_path: Path):
    hook.write_figures(figures(made_at=time.time() - 61))
    processes = [hook.start("claude-code") for _ in range(6)]
    answers = [process.communicate(claude(tmp_path))[0] for process in processes]
    # Figures that are a minute old still decide.
    assert [json.loads(answer)["stopReason"] for answer in answers] == [TEXT] * 6
    assert hook.starts == 1
    assert hook.run("claude-code", claude(tmp_path))
    assert hook.starts == 1


def test_a_hook_starts_no_process_while_another_hook_has_the_lock(hook: GuardHook, tmp_path: Path):
    with (hook.folder / "guard.request").open("w") as request:
        fcntl.flock(request, fcntl.LOCK_EX)
        assert hook.run("claude-code", claude(tmp_path)) is None
        assert hook.starts == 0
    assert hook.run("claude-code", claude(tmp_path)) is None
    assert hook.starts == 1


def test_fresh_figures_start_no_process_and_broken_ones_do(hook: GuardHook, tmp_path: Path):
    hook.write_figures(figures())
    assert hook.run("claude-code", claude(tmp_path))
    assert not (hook.folder / "guard.request").exists()
    hook.write_figures(b"half")
    assert hook.run("claude-code", claude(tmp_path)) is None
    assert hook.starts == 1
    # A minute later the figures are still broken, so the next hook starts another one.
    os.utime(hook.folder / "guard.request", (time.time() - 61, time.time() - 61))
    assert hook.run("claude-code", claude(tmp_path)) is None
    assert hook.starts == 2


def test_the_hook_ends_before_the_process_that_it_starts(hook: GuardHook, tmp_path: Path):
    """A tool waits until no process has the hook's output open."""
    fifo = hook.folder / "fifo"
    os.mkfifo(fifo)
    hook.start_script.write_text(
        "import os, sys\nif os.fork(): os._exit(0)\nfor stream in (0, 1, 2): os.close(stream)\n"
        "open(sys.argv[1] + '/fifo').read()\n"
    )
    assert hook.run("claude-code", claude(tmp_path)) is None
    with fifo.open("w"):
        pass  # opens only once the process opens it for reading


def test_it_imports_no_slow_module_and_none_for_the_network(hook: GuardHook, tmp_path: Path):
    hook.write_figures(figures())
    _, stderr = hook.start("claude-code", "-Ximporttime").communicate(claude(tmp_path))
    modules = {line.rpartition("|")[2].strip() for line in stderr.decode().splitlines()}
    assert {"json", "os"} <= modules
    assert modules.isdisjoint(
        {"pathlib", "subprocess", "argparse", "typing", "socket", "ssl", "msgspec", "datetime", "site"}
    )


def unlock(hook: GuardHook, until: float) -> None:
    with (hook.folder / "unlocks.jsonl").open("a") as file:
        file.write(json.dumps({"at": 0, "until": until, "reason": "r", "over": []}) + "\n")


def test_the_last_unlock_decides_until_its_time_is_over(hook: GuardHook, tmp_path: Path):
    hook.write_figures(figures())
    now = time.time()
    unlock(hook, now + 3600)
    assert hook.run("claude-code", claude(tmp_path)) is None
    unlock(hook, now - 1)
    assert hook.run("claude-code", claude(tmp_path))
    unlock(hook, now + 3600)
    assert hook.run("claude-code", claude(tmp_path)) is None
    (hook.folder / "unlocks.jsonl").write_bytes(b'{"until": ')
    assert hook.run("claude-code", claude(tmp_path)) is None


@pytest.fixture
def feat(repo: Path) -> Path:
    """The repository with a branch checked out."""
    git(repo, "checkout", "-q", "-b", "feat/x")
    return repo


def test_the_git_folder_and_the_branch_are_those_that_git_names(feat: Path, tmp_path: Path):
    git_folder = str((feat / ".git").resolve())
    (feat / "src/deep").mkdir(parents=True)
    assert place(str(feat)) == place(str(feat / "src/deep")) == (git_folder, "feat/x")
    (tmp_path / "link").symlink_to(feat / "src")
    assert place(str(tmp_path / "link")) == (git_folder, "feat/x")
    git(feat, "worktree", "add", "-q", "-b", "fix/ü", str(tmp_path / "elsewhere"))
    assert place(str(tmp_path / "elsewhere")) == (git_folder, "fix/ü")
    relative = tmp_path / "elsewhere/.git"
    gitdir = relative.read_text().removeprefix("gitdir: ").strip()
    relative.write_text(f"gitdir: {os.path.relpath(gitdir, tmp_path / 'elsewhere')}\n")
    assert git(tmp_path / "elsewhere", "branch", "--show-current") == "fix/ü"
    assert place(str(tmp_path / "elsewhere")) == (git_folder, "fix/ü")
    git(feat, "checkout", "-q", "--detach")
    assert place(str(feat)) == (git_folder, "")
    git(feat, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(feat), "lib/sub")
    git(feat / "lib/sub", "checkout", "-q", "-b", "inner")
    assert place(str(feat / "lib/sub")) == (str((feat / ".git/modules/lib/sub").resolve()), "inner")
    git(feat, "pack-refs", "--all")
    git(feat, "checkout", "-q", "feat/x")
    assert place(str(feat)) == (git_folder, "feat/x")


def test_a_folder_without_a_repository_has_no_place_of_its_own(tmp_path: Path):
    (tmp_path / "empty/.git").mkdir(parents=True)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/.git").write_text("not a git file\n")
    for folder in ("", "empty", "odd", "gone/deeper"):
        assert place(str(tmp_path / folder)) == place(str(tmp_path.parent)), folder


def figures_of(repo: Path, **changes: object) -> dict[str, object]:
    defaults: dict[str, object] = {
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
    return figures(**defaults | changes)


def test_the_cap_of_a_pull_request_stops_every_worktree_of_its_branch(hook: GuardHook, feat: Path, tmp_path: Path):
    hook.write_figures(figures_of(feat))
    answer = hook.run("claude-code", claude(feat))
    assert answer
    assert (
        "pull request #12 has cost $61.10 at list price, over the cap of $60.00 (cap_pull_usd in the settings of"
        in str(answer)
    )
    git(feat, "checkout", "-q", "--detach")
    assert hook.run("claude-code", claude(feat)) is None
    git(feat, "checkout", "-q", "-b", "other")
    assert hook.run("claude-code", claude(feat)) is None
    git(feat, "worktree", "add", "-q", str(tmp_path / "elsewhere"), "feat/x")
    assert hook.run("claude-code", claude(tmp_path / "elsewhere"))
    assert hook.run("claude-code", claude(tmp_path)) is None


def test_the_cap_of_a_day_stops_every_session_on_that_day(hook: GuardHook, feat: Path):
    hook.write_figures(figures_of(feat, day_micros=50_010_000, branches={}))
    assert "the work on this machine today has cost $50.01" in str(hook.run("claude-code", claude(feat)))
    assert "$50.01" in str(hook.run("claude-code", claude(Path("/"))))
    hook.write_figures(figures_of(feat, day_micros=50_010_000, branches={}, day="2026-01-01"))
    assert hook.run("claude-code", claude(feat)) is None


def test_the_refusal_names_every_cap_that_is_exceeded(feat: Path):
    content = figures_of(feat, day=TODAY, day_micros=50_010_000, sessions={"codex s": 100_010_000})
    assert why(caps(content, "codex s", place(str(feat)), TODAY)).count(" has cost ") == 3
    assert why(caps(content, "codex t", place(str(feat)), TODAY)).count(" has cost ") == 2


micros = st.integers(0, 10**12)


@given(micros)
def test_amounts_are_shown_to_the_cent_as_everywhere(amount: int):
    assert usd(amount) == show_cents(to_cents(amount))
    assert usd(amount * 5_000) == show_cents(to_cents(amount * 5_000))


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("session", "day", "pull"), micros)), micros, micros, micros)
def test_the_refusal_names_exactly_the_caps_that_are_exceeded(
    cap_micros: dict[str, int], session: int, day: int, pull: int
):
    content = figures(
        day=TODAY, day_micros=day, sessions={"codex s": session}, repositories={"/r/.git": "acme/widgets"},
        branches={"acme/widgets": {"x": ["pull request #1", pull]}},
        caps={"": {kind: [amount, "here"] for kind, amount in cap_micros.items()}},
    )  # fmt: skip
    amounts = {"session": session, "day": day, "pull": pull}
    reason = why(caps(content, "codex s", ("/r/.git", "x"), TODAY))
    assert bool(reason) == any(amounts[kind] > amount for kind, amount in cap_micros.items())
    for kind, amount in cap_micros.items():
        if amounts[kind] > amount:
            assert f"has cost {usd(amounts[kind])} at list price, over the cap of {usd(amount)} (here)" in reason


def odd_files(folder: Path) -> dict[str, Path]:
    """What can lie where a file is expected."""
    folder.mkdir()
    for name in ("pipe", "huge", "loop", "nul", "deep"):
        path = folder / name
        if name == "pipe":
            os.mkfifo(path)
        elif name == "huge":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        elif name == "loop":
            path.symlink_to(path)
        else:
            path.write_bytes(b"gitdir: a\0b" if name == "nul" else b"gitdir: " + b"a/../" * 1_000_000)
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(folder)  # a socket's path is short
        listener.bind("socket")
        os.chdir(here)
    return {path.name: path for path in folder.iterdir()} | {
        "device": Path("/dev/zero"),
        "terminal": Path("/dev/tty"),
        "folder": folder,
    }


@pytest.mark.parametrize("place_of", [".git", ".git/HEAD", ".git/commondir", "unlocks.jsonl"])
def test_the_cap_of_a_session_holds_whatever_lies_in_the_repository(
    hook: GuardHook, repo: Path, tmp_path: Path, place_of: str
):
    """None of it is waited for, and none of it lets an agent go on that put it there."""
    hook.write_figures(figures())
    for name, path in odd_files(tmp_path / "odd").items():
        folder = tmp_path / name
        shutil.copytree(repo, folder)
        there = folder / place_of if place_of.startswith(".git") else hook.folder / place_of
        if there.is_dir():
            shutil.rmtree(there)
        there.unlink(missing_ok=True)
        if there.suffix == ".jsonl" and name in ("nul", "deep"):
            continue  # a line that is no unlock lets the tool go on
        there.symlink_to(path)
        assert hook.run("claude-code", claude(folder)), name


def test_figures_that_are_no_file_stop_nothing(hook: GuardHook, tmp_path: Path):
    for name, path in odd_files(tmp_path / "odd").items():
        (hook.folder / "guard.json").unlink(missing_ok=True)
        (hook.folder / "guard.json").symlink_to(path)
        assert hook.run("claude-code", claude(tmp_path)) is None, name


def test_a_name_in_a_refusal_commands_no_terminal(feat: Path):
    content = figures_of(feat, branches={"acme/widgets": {"feat/x": ["the work on \x1b]0;x\x07\u202e\n", 61_100_000]}})
    text = why(caps(content, "codex s", place(str(feat)), TODAY))
    assert "the work on ?]0;x??? has cost" in text
