"""Hooks: every change is named, works, and is undone to the byte."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import msgspec
import pytest
from inline_snapshot import snapshot

from collector.hook import LAST_RUN
from collector.hooks import launcher
from collector.hooks.launcher import GUARD, PUSH
from collector.hooks.tools import TOOLS, command
from collector.scan import scan_with_index
from collector.stamps import read_stamps
from tests.collector.machine import CommandResult, call, git, mergecost, request, result, write_log

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


def hooks(machine: dict[str, str], repo: Path, *arguments: str) -> CommandResult:
    """No server is part of these stories."""
    offline = ["--offline"] if arguments[0] == "install" else []
    return mergecost(repo, machine, "hooks", *arguments, *offline)


def tree(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}


def test_uninstalling_restores_every_byte_also_after_two_installations(machine: dict[str, str], home: Path, repo: Path):
    before = tree(home / ".claude", home / ".codex", repo / ".git/hooks")
    assert hooks(machine, repo, "install", "--dry-run").returncode == 0
    assert tree(home / ".claude", home / ".codex", repo / ".git/hooks") == before
    assert not (home / "state").exists()
    result = hooks(machine, repo, "install")
    assert result.returncode == 0, result.stderr
    after = tree(home / ".claude", home / ".codex", repo / ".git/hooks")
    names = {line.split()[1] for line in result.stdout.splitlines()}
    assert {path for path in after.keys() - before.keys() if "before-mergecost" not in path} < names
    stop = json.loads((home / ".claude/settings.json").read_text())["hooks"]["Stop"]
    assert stop[0]["hooks"][0]["command"] == "say über"
    assert PUSH in stop[1]["hooks"][0]["command"]
    assert hooks(machine, repo, "install").stdout == "Nothing to do.\n"
    assert hooks(machine, repo, "status").stdout.count(" hooked") == 3
    assert hooks(machine, repo, "uninstall").returncode == 0
    assert tree(home / ".claude", home / ".codex", repo / ".git/hooks") == before


# What a tool's file may contain before; None for no file.
BEFORE = {
    "claude-code": [None, "{}", "{}\n", '{"hooks": {}}', '{"hooks": {"PreToolUse": []}}', SETTINGS],
    "codex": [None, '{\n\t"hooks": {\n\t\t"PreToolUse": [\n\t\t\t{\n\t\t\t\t"matcher": "Bash",\n\t\t\t\t"hooks": []\n\t\t\t}\n\t\t]\n\t}\n}\n'],
    "gemini-cli": [None, '{\n    "theme": "gr\\u00fcn"\n}'],
    "copilot-cli": [None],
    "grok-build": [None],
    "qwen-code": [None, '{"model": {"name": "qwen3"}}\n'],
    "cursor": [None, '{"version": 1}', '{"version": 1, "hooks": {"stop": [{"command": "./say.sh"}], "preToolUse": [{"command": "./a.sh"}]}}'],
}  # fmt: skip


@pytest.mark.parametrize(("tool", "before"), [(tool, text) for tool, texts in BEFORE.items() for text in texts])
@pytest.mark.parametrize(
    "ways", [["--guard"], ["", "--guard"], ["--guard", ""], ["--guard", "--guard"]], ids=" then ".join
)
def test_uninstalling_the_guard_restores_every_byte(
    home: Path, repo: Path, machine: dict[str, str], tool: str, before: str | None, ways: list[str]
):
    (home / TOOLS[tool].folder).mkdir(exist_ok=True)
    path = home / TOOLS[tool].folder / TOOLS[tool].file
    if before is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(before)
    original = snapshot_of(home)
    assert hooks(machine, repo, "install", "--guard", "--dry-run").returncode == 0
    assert snapshot_of(home) == original
    for way in ways:
        result = hooks(machine, repo, "install", *filter(None, [way]))
        assert result.returncode == 0, result.stderr
    text = path.read_text()
    assert text.count(GUARD) == len(TOOLS[tool].guard)
    assert text.count(PUSH) == len(TOOLS[tool].push)
    assert ("./a.sh" in text) == ("./a.sh" in (before or ""))
    status = {"cursor": "guarded", "codex": "hooked, guarded, not trusted yet"}.get(tool, "hooked, guarded")
    assert f"{tool:<12} {status:<15} {path}" in hooks(machine, repo, "status").stdout
    assert hooks(machine, repo, "install", "--guard").stdout == "Nothing to do.\n"
    assert hooks(machine, repo, "uninstall").returncode == 0
    assert snapshot_of(home) == original


def snapshot_of(home: Path) -> dict[str, bytes | None]:
    """Every file and folder, without our own state."""
    paths = [path for path in sorted(home.rglob("*")) if "state" not in path.relative_to(home).parts]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


def test_hooks_go_where_the_tool_looks_for_its_settings(
    machine: dict[str, str], home: Path, repo: Path, tmp_path: Path
):
    places = {tool.variable: tmp_path / tool.variable for tool in TOOLS.values() if tool.variable}
    for tool in TOOLS.values():
        if tool.variable:
            (places[tool.variable] / tool.below).mkdir(parents=True, exist_ok=True)
    elsewhere = machine | {variable: str(path) for variable, path in places.items()}
    before = tree(home / ".claude", home / ".codex", *places.values())
    assert hooks(elsewhere, repo, "install", "--guard").returncode == 0
    for tool in TOOLS.values():
        if tool.variable:
            assert GUARD in (places[tool.variable] / tool.below / tool.file).read_text()
    assert tree(home / ".claude", home / ".codex") == {
        path: content for path, content in before.items() if path.startswith(str(home))
    }
    assert hooks(elsewhere, repo, "uninstall").returncode == 0
    assert tree(home / ".claude", home / ".codex", *places.values()) == before


def test_codex_is_not_said_to_be_guarded_before_a_person_trusts_the_hooks(
    machine: dict[str, str], home: Path, repo: Path
):
    untrusted = "codex runs none of these hooks yet, and stops at no cap: start `codex` once and trust the hooks"
    assert untrusted in hooks(machine, repo, "install", "--guard").stderr
    path = home / ".codex/hooks.json"
    row = f"codex        hooked, guarded, not trusted yet {path}"
    assert row in hooks(machine, repo, "status").stdout
    assert mergecost(repo, machine, "guard", "--json").stdout.count('"untrusted":["codex"]') == 1
    assert "Not in force in codex, which skips hooks that are not trusted" in mergecost(repo, machine, "guard").stdout
    written = json.loads(path.read_text())["hooks"]
    trust(path, written, {"pre_tool_use": "PreToolUse", "user_prompt_submit": "UserPromptSubmit"})
    assert "not trusted yet" in hooks(machine, repo, "status").stdout, "the push is not trusted"
    trust(path, written, {"pre_tool_use": "PreToolUse", "user_prompt_submit": "UserPromptSubmit", "stop": "Stop"})
    assert "not trusted yet" not in hooks(machine, repo, "status").stdout
    assert "Not in force" not in mergecost(repo, machine, "guard").stdout
    path.write_text(path.read_text().replace('"timeout": 5', '"timeout": 6'))
    assert row in hooks(machine, repo, "status").stdout, "another hook than the one that was trusted"


def trust(path: Path, written: dict, events: dict[str, str]) -> None:
    """As Codex writes it, by the rule in its discovery.rs."""
    lines = []
    for name, event in events.items():
        line = written[event][0]["hooks"][0]["command"]
        handler = f'{{"async":false,"command":{json.dumps(line)},"timeout":5,"type":"command"}}'
        digest = hashlib.sha256(f'{{"event_name":"{name}","hooks":[{handler}]}}'.encode()).hexdigest()
        lines.append(f'[hooks.state."{path}:{name}:0:0"]\ntrusted_hash = "sha256:{digest}"\n')
    (path.parent / "config.toml").write_text("\n".join(lines))


@pytest.mark.parametrize("config", ["", "[hooks", "hooks = 7", "[hooks]\nstate = []", '[hooks.state]\n"x" = 1'])
def test_a_configuration_that_says_nothing_of_trust_gives_none(
    machine: dict[str, str], home: Path, repo: Path, config: str
):
    (home / ".codex/config.toml").write_text(config)
    hooks(machine, repo, "install")
    assert "hooked, not trusted yet" in hooks(machine, repo, "status").stdout


def test_a_tool_that_cannot_be_hooked_is_named_with_the_reason(machine: dict[str, str], home: Path, repo: Path):
    log = home / ".pi/agent/sessions/--repo--/2026-11-23_abc.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text("{}\n")
    assert "pi is not hooked: its hooks are extensions in its own language" in hooks(machine, repo, "install").stderr
    assert "pi           no hooks        its hooks are extensions" in hooks(machine, repo, "status").stdout


def test_the_guard_is_installed_only_with_its_option(machine: dict[str, str], home: Path, repo: Path):
    for tool in TOOLS.values():
        (home / tool.folder).mkdir(exist_ok=True)
    hooks(machine, repo, "install")
    assert GUARD.encode() not in b"".join(tree(home).values())
    hooked = {path.name for path in home.iterdir() if any(path.iterdir())} - {"state"}
    assert hooked == {".claude", ".codex", ".copilot", ".gemini", ".grok", ".qwen"}


def test_each_hook_has_the_format_of_its_tool(machine: dict[str, str], home: Path, repo: Path):
    for tool in TOOLS.values():
        (home / tool.folder).mkdir(exist_ok=True)
    (home / ".claude/settings.json").unlink()
    hooks(machine, repo, "install", "--guard")
    files = {name: json.loads((home / tool.folder / tool.file).read_text()) for name, tool in TOOLS.items()}
    text = json.dumps(files).replace(f"{home / 'state' / GUARD} ", "GUARD ").replace(str(home / "state" / PUSH), "PUSH")
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
            "qwen-code": {
                "hooks": {
                    "Stop": [{"hooks": [{"type": "command", "command": "PUSH || true", "timeout": 5000}]}],
                    "PreToolUse": [
                        {"hooks": [{"type": "command", "command": "GUARD qwen-code || true", "timeout": 5000}]}
                    ],
                    "UserPromptSubmit": [
                        {"hooks": [{"type": "command", "command": "GUARD qwen-code || true", "timeout": 5000}]}
                    ],
                }
            },
            "copilot-cli": {
                "version": 1,
                "hooks": {
                    "agentStop": [{"type": "command", "bash": "PUSH || true", "timeoutSec": 5}],
                    "sessionEnd": [{"type": "command", "bash": "PUSH || true", "timeoutSec": 5}],
                    "preToolUse": [{"type": "command", "bash": "GUARD copilot-cli || true", "timeoutSec": 5}],
                },
            },
            "grok-build": {
                "hooks": {
                    "Stop": [{"hooks": [{"type": "command", "command": "PUSH || true", "timeout": 5}]}],
                    "SessionEnd": [{"hooks": [{"type": "command", "command": "PUSH || true", "timeout": 5}]}],
                    "PreToolUse": [
                        {"hooks": [{"type": "command", "command": "GUARD grok-build || true", "timeout": 5}]}
                    ],
                    "UserPromptSubmit": [
                        {"hooks": [{"type": "command", "command": "GUARD grok-build || true", "timeout": 5}]}
                    ],
                }
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
def test_a_file_of_hooks_that_cannot_be_edited_is_named(machine: dict[str, str], home: Path, repo: Path, text: str):
    (home / ".cursor").mkdir()
    (home / ".cursor/hooks.json").write_text(text)
    result = hooks(machine, repo, "install", "--guard")
    assert result.returncode == 1
    assert "hooks.json" in result.stderr
    assert (home / ".cursor/hooks.json").read_text() == text


def test_settings_that_are_a_symbolic_link_stay_one(machine: dict[str, str], home: Path, repo: Path):
    path, target = home / ".claude/settings.json", home / "dotfiles/claude.json"
    target.parent.mkdir()
    path.rename(target)
    path.symlink_to(target)
    hooks(machine, repo, "install")
    assert path.is_symlink()
    assert PUSH in target.read_text()
    hooks(machine, repo, "uninstall")
    assert path.is_symlink()
    assert tree(home / ".claude", home / "dotfiles") == {str(path): SETTINGS.encode(), str(target): SETTINGS.encode()}


def test_a_change_of_the_user_after_the_installation_stays(machine: dict[str, str], home: Path, repo: Path):
    hooks(machine, repo, "install")
    path = home / ".claude/settings.json"
    path.write_text(path.read_text().replace('"opus"', '"sonnet"'))
    hooks(machine, repo, "uninstall")
    assert path.read_text() == SETTINGS.replace('"opus"', '"sonnet"')


@pytest.mark.parametrize("text", ['{"model": "opus", // mine\n}', '{"a":1,\n      "b": 2}', "[]"])
def test_settings_that_would_lose_their_layout_are_not_changed(
    machine: dict[str, str], home: Path, repo: Path, text: str
):
    (home / ".claude/settings.json").write_text(text)
    result = hooks(machine, repo, "install")
    assert result.returncode == 1
    assert "Not changed" in result.stderr
    assert (home / ".claude/settings.json").read_text() == text


def run_hook(hook: Path, state: Path, env: dict[str, str], cwd: Path, python: str = sys.executable) -> None:
    """Run the hook as a tool does, and wait until the push that it starts has ended."""
    reader, writer = os.pipe()
    path = state / PUSH
    path.write_text(launcher.script(hook, state, "", [], python))
    path.chmod(0o700)
    run = subprocess.run(
        ["sh", "-c", command(path)], env=env, cwd=cwd, input=b"{}", capture_output=True, check=True, pass_fds=[writer]
    )
    os.close(writer)
    assert (run.stdout, run.stderr) == (b"", b"")
    with os.fdopen(reader) as pipe:  # read until every process has closed the other end
        pipe.read()


def test_the_hook_prints_nothing_and_starts_a_push_in_the_background(machine: dict[str, str], tmp_path: Path):
    (tmp_path / "state").mkdir()
    (tmp_path / "collector").mkdir()
    shutil.copy(launcher.HOOKS[PUSH], tmp_path / "collector")
    (tmp_path / "collector/__main__.py").write_text(
        f"import os, sys\nopen({str(tmp_path / 'ran')!r}, 'w').write(' '.join([*sys.argv[1:], os.environ['MERGECOST_STATE']]))\n"
    )
    env = {name: value for name, value in machine.items() if name != "MERGECOST_STATE"}
    run_hook(tmp_path / "collector/hook.py", tmp_path / "state", env, tmp_path)
    assert (tmp_path / "state" / LAST_RUN).read_text().strip().isdecimal()
    assert (tmp_path / "ran").read_text() == f"push --if-due {tmp_path / 'state/state.db'}"


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONEXECUTABLE", "all"])
def test_a_hook_imports_nothing_of_the_folder_or_the_variables_of_a_project(
    machine: dict[str, str], home: Path, repo: Path, name: str
):
    mark = home / "mark"
    evil = f"open({str(mark)!r}, 'a').write(__file__)\n"
    user_site = home / f".local/lib/python3.{sys.version_info.minor}/site-packages"
    for folder in (repo, user_site):
        for package in ("collector", "attribution", "msgspec"):
            (folder / package).mkdir(parents=True)
            (folder / package / "__init__.py").write_text(evil)
            (folder / package / "command.py").write_text(evil)
            (folder / package / "__main__.py").write_text(evil)
        for module in ("sitecustomize", "usercustomize", "json", "sqlite3", "argparse"):
            (folder / f"{module}.py").write_text(evil)
        (folder / "evil.pth").write_text(f"import os; {evil}")
    program = repo / "bin/python"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho $0 >> '{mark}'\n")
    program.chmod(0o755)
    everywhere = dict.fromkeys(("PYTHONHOME", "PYTHONPLATLIBDIR", "VIRTUAL_ENV"), str(repo))
    everywhere |= dict.fromkeys(("PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"), str(program))
    everywhere |= {"PYTHONSTARTUP": str(repo / "json.py"), "PYTHONINSPECT": "1", "PYTHONWARNINGS": "error::collector.W"}
    everywhere |= {"PYTHONUSERBASE": str(home / ".local"), "PYTHONPATH": "."}
    project = everywhere if name == "all" else {name: everywhere[name]}
    (home / "state").mkdir()
    write_log(home, request(1, repo))
    run_hook(launcher.HOOKS[PUSH], home / "state", machine | project, repo)
    assert not mark.exists()
    assert (home / "state/index.db").exists()


@pytest.mark.parametrize("layout", ["environment", "checkout", "user"])
def test_a_hook_works_however_mergecost_is_installed(
    machine: dict[str, str], home: Path, repo: Path, tmp_path: Path, layout: str
):
    """Beside its packages in an environment (pip, pipx, uv), in a checkout that an environment names, or in the user's own folder,
    which an isolated Python does not search."""
    venv.create(tmp_path / "venv", symlinks=True)
    site = tmp_path / f"venv/lib/python3.{sys.version_info.minor}/site-packages"
    packages = [path for path in Path(msgspec.__file__).parents[1].iterdir() if path.suffix != ".pth"]
    target = site if layout != "user" else tmp_path / "user"
    target.mkdir(exist_ok=True)
    for path in packages:
        if path.name.partition("-")[0] in ("msgspec", "backports", "genai_prices", "mergecost", "httpx2", "pydantic"):
            (target / path.name).symlink_to(path)
    if layout == "checkout":
        (site / "mergecost.pth").write_text(f"{ROOT}\n")
        hook = launcher.HOOKS[PUSH]
    else:
        for name in ("collector", "attribution"):
            (target / name).symlink_to(ROOT / name)
        hook = target / "collector/hook.py"
    (home / "state").mkdir()
    write_log(home, request(1, repo))
    run_hook(hook, home / "state", machine | {"PYTHONPATH": ""}, repo, str(tmp_path / "venv/bin/python"))
    assert (home / "state/index.db").exists()


def test_the_hook_ignores_a_missing_folder(machine: dict[str, str], tmp_path: Path):
    command = [sys.executable, "-I", "-S", str(launcher.HOOKS[PUSH]), str(tmp_path / "missing")]
    run = subprocess.run(command, env=machine, capture_output=True, check=True)
    assert (run.stdout, run.stderr) == (b"", b"")


def commit(repo: Path, message: str, *more: str, at: str = "2026-11-23T18:02:00Z", **env: str) -> str:
    (repo / "work.py").write_text(message)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", message, *more, at=at, **env)
    return git(repo, "rev-parse", "HEAD")


def test_the_session_of_a_commit_and_a_rewritten_commit_are_recorded(machine: dict[str, str], home: Path, repo: Path):
    assert hooks(machine, repo, "install").returncode == 0
    sha = commit(repo, "by a session", CLAUDE_CODE_SESSION_ID="s-1")
    assert git(repo, "log", "-1", "--format=%B") == "by a session"
    commit(repo, "by hand")
    git(repo, "commit", "-q", "--amend", "-m", "by hand, again", at="2026-11-23T18:05:00Z")
    new_sha = git(repo, "rev-parse", "HEAD")
    stamps = read_stamps(home / "state/stamps")
    assert [stamp.sha for stamp in stamps.by_session["claude-code", "s-1"]] == [sha]
    assert list(stamps.rewrites.values()) == [new_sha]


def test_a_scan_ties_the_stamped_commit_to_the_session(machine: dict[str, str], home: Path, repo: Path):
    """`git commit -q` prints nothing, so the log does not name the commit."""
    hooks(machine, repo, "install")
    sha = commit(repo, "quietly", CLAUDE_CODE_SESSION_ID="aab8820c-6dee-4d56-872a-9fb32bea7b9b")
    (home / "state/stamps").write_text(
        f"commit 1795456920 {sha} claude-code aab8820c-6dee-4d56-872a-9fb32bea7b9b\nnonsense\n"
    )
    write_log(
        home,
        request(1, repo, content=[call("t1", "Bash", command="git commit -qm quietly")]),
        result("t1", ""),
        request(40, repo),
    )
    usages = scan_with_index(home, machine).usages
    assert [[(commit.sha, commit.is_stamped, commit.files) for commit in usage.work.commits_made] for usage in usages] == [
        [(sha, True, ("work.py",))], [],
    ]  # fmt: skip


def test_an_existing_hook_still_runs(machine: dict[str, str], home: Path, repo: Path):
    hook = repo / ".git/hooks/post-rewrite"
    hook.write_text("#!/bin/sh\nset -e\ncat > pairs\nexit 3\n")
    hook.chmod(0o755)
    before = hook.read_bytes()
    assert hooks(machine, repo, "install").returncode == 0
    commit(repo, "one")
    git(repo, "commit", "-q", "--amend", "-m", "two")
    assert git(repo, "rev-parse", "HEAD") in (repo / "pairs").read_text()
    assert git(repo, "rev-parse", "HEAD") in read_stamps(home / "state/stamps").rewrites.values()
    hooks(machine, repo, "uninstall")
    assert hook.read_bytes() == before
    assert os.access(hook, os.X_OK)


def test_hooks_that_are_part_of_the_repository_are_not_changed(machine: dict[str, str], repo: Path):
    git(repo, "config", "core.hooksPath", ".husky")
    (repo / ".husky").mkdir()
    result = hooks(machine, repo, "install")
    assert result.returncode == 1
    assert ".husky" in result.stderr
    assert list((repo / ".husky").iterdir()) == []


def test_hooks_are_installed_in_the_folder_of_the_users_setting(machine: dict[str, str], home: Path, repo: Path):
    git(repo, "config", "core.hooksPath", str(home / "my-hooks"))
    assert hooks(machine, repo, "install").returncode == 0
    sha = commit(repo, "by codex", CODEX_THREAD_ID="t-1")
    assert [stamp.sha for stamp in read_stamps(home / "state/stamps").by_session["codex", "t-1"]] == [sha]


def test_a_commit_succeeds_without_output_if_the_state_folder_is_missing(
    machine: dict[str, str], home: Path, repo: Path
):
    hooks(machine, repo, "install")
    for path in (home / "state").iterdir():
        path.unlink()
    (home / "state").rmdir()
    (repo / "work.py").write_text("1\n")
    command = ["git", "-C", str(repo), "-c", "user.name=Dev", "commit", "-q", "-a", "--allow-empty", "-m", "work"]
    run = subprocess.run(command, env=machine | {"CLAUDE_CODE_SESSION_ID": "s-1"}, capture_output=True, check=True)
    assert (run.stdout, run.stderr) == (b"", b"")
