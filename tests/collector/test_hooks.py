"""Hooks: what is changed is named, does its work, and is undone to the byte."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from collector.hooks.tools import GUARD, HOOK, TOOLS
from collector.scan import scan_with_index
from collector.stamps import read_stamps
from tests.collector.machine import Done, call, git, mergecost, request, result, write_log

ROOT = Path(__file__).parents[2]
SETTINGS = '{\n  "model": "opus",\n  "hooks": {\n    "Stop": [\n      {\n        "hooks": [\n          {\n            "type": "command",\n            "command": "say über"\n          }\n        ]\n      }\n    ]\n  }\n}\n'


@pytest.fixture
def machine(home: Path, repo: Path) -> dict[str, str]:
    """A home with two tools in it, and the environment to run in."""
    (home / ".claude").mkdir()
    (home / ".codex").mkdir()
    (home / ".claude/settings.json").write_text(SETTINGS)
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CLAUDE", "CODEX", "XDG_"))
    }
    return clean | {"HOME": str(home), "PYTHONPATH": str(ROOT), "MERGECOST_STATE": str(home / "state/state.db")}


def hooks(machine: dict[str, str], repo: Path, *arguments: str) -> Done:
    return mergecost(repo, machine, "hooks", *arguments)


def tree(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}


def test_installed_twice_and_undone_to_the_byte(machine: dict[str, str], home: Path, repo: Path):
    before = tree(home / ".claude", home / ".codex", repo / ".git/hooks")
    assert hooks(machine, repo, "install", "--dry-run").returncode == 0
    assert tree(home / ".claude", home / ".codex", repo / ".git/hooks") == before
    assert not (home / "state").exists()
    said = hooks(machine, repo, "install")
    assert said.returncode == 0, said.stderr
    assert said.stderr.startswith("What the logs say is kept, and nothing is sent yet: which server? Set MERGECOST_URL")
    changed = tree(home / ".claude", home / ".codex", repo / ".git/hooks")
    named = {line.split()[1] for line in said.stdout.splitlines()}
    assert {path for path in changed.keys() - before.keys() if "before-mergecost" not in path} < named
    stop = json.loads((home / ".claude/settings.json").read_text())["hooks"]["Stop"]
    assert stop[0]["hooks"][0]["command"] == "say über"
    assert str(HOOK) in stop[1]["hooks"][0]["command"]
    assert hooks(machine, repo, "install").stdout == "Nothing to do.\n"
    assert hooks(machine, repo, "status").stdout.count(" hooked") == 3
    assert hooks(machine, repo, "uninstall").returncode == 0
    assert tree(home / ".claude", home / ".codex", repo / ".git/hooks") == before


# What may stand in a tool's file before; None for no file.
BEFORE = {
    "claude-code": [None, "{}", "{}\n", '{"hooks": {}}', '{"hooks": {"PreToolUse": []}}', SETTINGS],
    "codex": [None, '{\n\t"hooks": {\n\t\t"PreToolUse": [\n\t\t\t{\n\t\t\t\t"matcher": "Bash",\n\t\t\t\t"hooks": []\n\t\t\t}\n\t\t]\n\t}\n}\n'],
    "gemini-cli": [None, '{\n    "theme": "gr\\u00fcn"\n}'],
    "copilot-cli": [None],
    "cursor": [None, '{"version": 1}', '{"version": 1, "hooks": {"stop": [{"command": "./say.sh"}], "preToolUse": [{"command": "./a.sh"}]}}'],
}  # fmt: skip


@pytest.mark.parametrize(("tool", "before"), [(tool, text) for tool, texts in BEFORE.items() for text in texts])
@pytest.mark.parametrize(
    "ways", [["--guard"], ["", "--guard"], ["--guard", ""], ["--guard", "--guard"]], ids=" then ".join
)
def test_the_guard_comes_and_goes_without_a_trace(
    home: Path, repo: Path, machine: dict[str, str], tool: str, before: str | None, ways: list[str]
):
    (home / TOOLS[tool].folder).mkdir(exist_ok=True)
    path = home / TOOLS[tool].folder / TOOLS[tool].file
    if before is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(before)
    everything = snapshot_of(home)
    assert hooks(machine, repo, "install", "--guard", "--dry-run").returncode == 0
    assert snapshot_of(home) == everything
    for way in ways:
        done = hooks(machine, repo, "install", *filter(None, [way]))
        assert done.returncode == 0, done.stderr
    text = path.read_text()
    assert text.count(str(GUARD)) == len(TOOLS[tool].guard)
    assert text.count(str(HOOK)) == len(TOOLS[tool].push)
    assert ("./a.sh" in text) == ("./a.sh" in (before or ""))
    word = "guarded" if tool in ("copilot-cli", "cursor") else "hooked, guarded"
    assert f"{tool:<12} {word:<15} {path}" in hooks(machine, repo, "status").stdout
    assert hooks(machine, repo, "install", "--guard").stdout == "Nothing to do.\n"
    assert hooks(machine, repo, "uninstall").returncode == 0
    assert snapshot_of(home) == everything


def snapshot_of(home: Path) -> dict[str, bytes | None]:
    """Every file and folder, but for our own state."""
    found = [path for path in sorted(home.rglob("*")) if "state" not in path.relative_to(home).parts]
    return {str(path): path.read_bytes() if path.is_file() else None for path in found}


def test_without_being_asked_for_no_guard_is_installed(machine: dict[str, str], home: Path, repo: Path):
    for tool in TOOLS.values():
        (home / tool.folder).mkdir(exist_ok=True)
    hooks(machine, repo, "install")
    assert str(GUARD).encode() not in b"".join(tree(home).values())
    assert {path.name for path in home.iterdir() if any(path.iterdir())} == {
        ".claude",
        ".codex",
        ".gemini",
        "state",
    } - {"state"}


def test_each_tools_hook_has_the_shape_that_the_tool_reads(machine: dict[str, str], home: Path, repo: Path):
    for tool in TOOLS.values():
        (home / tool.folder).mkdir(exist_ok=True)
    (home / ".claude/settings.json").unlink()
    hooks(machine, repo, "install", "--guard")
    shown = {name: json.loads((home / tool.folder / tool.file).read_text()) for name, tool in TOOLS.items()}
    line = f"{sys.executable} -I -S {GUARD} {home / 'state'} "
    text = json.dumps(shown).replace(line, "GUARD ").replace(f"{sys.executable} -I -S {HOOK} {home / 'state'}", "PUSH")
    assert json.loads(text) == snapshot(
        {
            "claude-code": {
                "hooks": {
                    "Stop": [{"hooks": [{"type": "command", "command": "PUSH || true", "timeout": 5}]}],
                    "SessionEnd": [{"hooks": [{"type": "command", "command": "PUSH || true", "timeout": 5}]}],
                    "PreToolUse": [
                        {"hooks": [{"type": "command", "command": "GUARD claude-code || true", "timeout": 5}]}
                    ],
                    "UserPromptSubmit": [
                        {"hooks": [{"type": "command", "command": "GUARD claude-code || true", "timeout": 5}]}
                    ],
                }
            },
            "codex": {
                "hooks": {
                    "Stop": [{"hooks": [{"type": "command", "command": "PUSH || true", "timeout": 5}]}],
                    "PreToolUse": [{"hooks": [{"type": "command", "command": "GUARD codex || true", "timeout": 5}]}],
                    "UserPromptSubmit": [
                        {"hooks": [{"type": "command", "command": "GUARD codex || true", "timeout": 5}]}
                    ],
                }
            },
            "gemini-cli": {
                "hooks": {
                    "AfterAgent": [{"hooks": [{"type": "command", "command": "PUSH || true", "timeout": 5000}]}],
                    "SessionEnd": [{"hooks": [{"type": "command", "command": "PUSH || true", "timeout": 5000}]}],
                    "BeforeTool": [
                        {"hooks": [{"type": "command", "command": "GUARD gemini-cli || true", "timeout": 5000}]}
                    ],
                    "BeforeAgent": [
                        {"hooks": [{"type": "command", "command": "GUARD gemini-cli || true", "timeout": 5000}]}
                    ],
                }
            },
            "copilot-cli": {
                "version": 1,
                "hooks": {"preToolUse": [{"type": "command", "bash": "GUARD copilot-cli || true", "timeoutSec": 5}]},
            },
            "cursor": {
                "version": 1,
                "hooks": {
                    "preToolUse": [{"command": "GUARD cursor || true", "timeout": 5}],
                    "beforeSubmitPrompt": [{"command": "GUARD cursor || true", "timeout": 5}],
                },
            },
        }
    )


@pytest.mark.parametrize("text", ['{"hooks": []}', '{"hooks": {"Stop": []}} // mine'])
def test_what_the_guard_cannot_be_added_to_is_said_with_what_to_add(
    machine: dict[str, str], home: Path, repo: Path, text: str
):
    (home / ".cursor").mkdir()
    (home / ".cursor/hooks.json").write_text(text)
    done = hooks(machine, repo, "install", "--guard")
    assert done.returncode == 1
    assert "hooks.json" in done.stderr
    assert (home / ".cursor/hooks.json").read_text() == text


def test_settings_that_are_a_link_stay_one(machine: dict[str, str], home: Path, repo: Path):
    path, kept = home / ".claude/settings.json", home / "dotfiles/claude.json"
    kept.parent.mkdir()
    path.rename(kept)
    path.symlink_to(kept)
    hooks(machine, repo, "install")
    assert path.is_symlink()
    assert str(HOOK) in kept.read_text()
    hooks(machine, repo, "uninstall")
    assert path.is_symlink()
    assert tree(home / ".claude", home / "dotfiles") == {str(path): SETTINGS.encode(), str(kept): SETTINGS.encode()}


def test_what_was_added_meanwhile_stays(machine: dict[str, str], home: Path, repo: Path):
    hooks(machine, repo, "install")
    path = home / ".claude/settings.json"
    path.write_text(path.read_text().replace('"opus"', '"sonnet"'))
    hooks(machine, repo, "uninstall")
    assert path.read_text() == SETTINGS.replace('"opus"', '"sonnet"')


@pytest.mark.parametrize("text", ['{"model": "opus", // mine\n}', '{"a":1,\n      "b": 2}', "[]"])
def test_settings_that_could_lose_something_are_left_alone(machine: dict[str, str], home: Path, repo: Path, text: str):
    (home / ".claude/settings.json").write_text(text)
    said = hooks(machine, repo, "install")
    assert said.returncode == 1
    assert "Left alone" in said.stderr
    assert (home / ".claude/settings.json").read_text() == text


def test_the_hook_returns_at_once_and_says_nothing(machine: dict[str, str], home: Path, tmp_path: Path):
    command = [sys.executable, "-I", "-S", str(HOOK), str(tmp_path / "state")]
    (tmp_path / "state").mkdir()
    done = subprocess.run(command, env=machine, input=b'{"session_id": "s"}', capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert (tmp_path / "state/woken").read_text().strip().isdecimal()
    gone = subprocess.run([*command[:-1], str(tmp_path / "missing")], env=machine, capture_output=True, check=True)
    assert (gone.stdout, gone.stderr) == (b"", b"")


def commit(repo: Path, message: str, *more: str, at: str = "2026-11-23T18:02:00Z", **env: str) -> str:
    (repo / "work.py").write_text(message)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", message, *more, at=at, **env)
    return git(repo, "rev-parse", "HEAD")


def test_a_commit_is_stamped_with_its_session_and_followed_through_a_rewrite(
    machine: dict[str, str], home: Path, repo: Path
):
    assert hooks(machine, repo, "install").returncode == 0
    made = commit(repo, "by a session", CLAUDE_CODE_SESSION_ID="s-1")
    assert git(repo, "log", "-1", "--format=%B") == "by a session"
    commit(repo, "by hand")
    git(repo, "commit", "-q", "--amend", "-m", "by hand, again", at="2026-11-23T18:05:00Z")
    amended = git(repo, "rev-parse", "HEAD")
    stamps = read_stamps(home / "state/stamps")
    assert [stamp.sha for stamp in stamps.by_session["claude-code", "s-1"]] == [made]
    assert list(stamps.rewritten.values()) == [amended]


def test_a_scan_ties_the_stamped_commit_to_the_session(machine: dict[str, str], home: Path, repo: Path):
    """`git commit -q` prints nothing, and the hook saw it all the same."""
    hooks(machine, repo, "install")
    made = commit(repo, "quietly", CLAUDE_CODE_SESSION_ID="aab8820c-6dee-4d56-872a-9fb32bea7b9b")
    (home / "state/stamps").write_text(
        f"commit 1795456920 {made} claude-code aab8820c-6dee-4d56-872a-9fb32bea7b9b\nnonsense\n"
    )
    write_log(
        home,
        request(1, repo, content=[call("t1", "Bash", command="git commit -qm quietly")]),
        result("t1", ""),
        request(40, repo),
    )
    found = scan_with_index(home, machine).usages
    assert [[(one.sha, one.stamped, one.files) for one in usage.work.commits_made] for usage in found] == [
        [(made, True, ("work.py",))], [],
    ]  # fmt: skip


def test_a_hook_that_was_there_still_does_what_it_did(machine: dict[str, str], home: Path, repo: Path):
    hook = repo / ".git/hooks/post-rewrite"
    hook.write_text("#!/bin/sh\nset -e\ncat > seen\nexit 3\n")
    hook.chmod(0o755)
    before = hook.read_bytes()
    assert hooks(machine, repo, "install").returncode == 0
    commit(repo, "one")
    git(repo, "commit", "-q", "--amend", "-m", "two")
    assert git(repo, "rev-parse", "HEAD") in (repo / "seen").read_text()
    assert git(repo, "rev-parse", "HEAD") in read_stamps(home / "state/stamps").rewritten.values()
    hooks(machine, repo, "uninstall")
    assert hook.read_bytes() == before
    assert os.access(hook, os.X_OK)


def test_hooks_of_the_whole_team_are_left_alone(machine: dict[str, str], repo: Path):
    git(repo, "config", "core.hooksPath", ".husky")
    (repo / ".husky").mkdir()
    said = hooks(machine, repo, "install")
    assert said.returncode == 1
    assert ".husky" in said.stderr
    assert list((repo / ".husky").iterdir()) == []


def test_a_folder_of_hooks_of_ones_own_is_respected(machine: dict[str, str], home: Path, repo: Path):
    git(repo, "config", "core.hooksPath", str(home / "my-hooks"))
    assert hooks(machine, repo, "install").returncode == 0
    made = commit(repo, "by codex", CODEX_THREAD_ID="t-1")
    assert [stamp.sha for stamp in read_stamps(home / "state/stamps").by_session["codex", "t-1"]] == [made]


def test_a_commit_goes_on_in_silence_where_the_state_is_gone(machine: dict[str, str], home: Path, repo: Path):
    hooks(machine, repo, "install")
    for path in (home / "state").iterdir():
        path.unlink()
    (home / "state").rmdir()
    (repo / "work.py").write_text("1\n")
    command = ["git", "-C", str(repo), "-c", "user.name=Dev", "commit", "-q", "-a", "--allow-empty", "-m", "work"]
    done = subprocess.run(command, env=machine | {"CLAUDE_CODE_SESSION_ID": "s-1"}, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
