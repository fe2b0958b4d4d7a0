"""The guard's hook, run as each tool runs it: as a process, with the tool's JSON on standard input."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from collector.hooks.launcher import GUARD, HOOKS
from tests.collector.machine import NOON_ZONE, SESSION, noon_date

# As their documentation has it. The hook must ignore prompts and inputs.
CLAUDE = {"session_id": SESSION, "transcript_path": "/t.jsonl", "permission_mode": "default"}
CODEX = {
    "session_id": SESSION,
    "turn_id": "t1",
    "transcript_path": None,
    "model": "gpt-5.5",
    "permission_mode": "default",
}
GEMINI = {"session_id": SESSION, "transcript_path": "/t.json", "timestamp": "2026-11-23T18:00:00Z"}
COPILOT = {"sessionId": SESSION, "timestamp": 1795456800000}
CURSOR = {
    "conversation_id": SESSION, "generation_id": "g1", "model": "x", "cursor_version": "3.1.0", "user_email": "dev@example.com",
    "transcript_path": None,
}  # fmt: skip
BASH = {"tool_name": "Bash", "tool_input": {"command": "echo {}"}, "tool_use_id": "u1"}

# (tool, event) -> the tool's JSON, without the folder.
EVENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("claude-code", "PreToolUse"): CLAUDE | BASH | {"hook_event_name": "PreToolUse"},
    ("claude-code", "UserPromptSubmit"): CLAUDE | {"hook_event_name": "UserPromptSubmit", "prompt": "go"},
    ("codex", "PreToolUse"): CODEX | BASH | {"hook_event_name": "PreToolUse"},
    ("codex", "UserPromptSubmit"): CODEX | {"hook_event_name": "UserPromptSubmit", "prompt": "go"},
    ("gemini-cli", "BeforeTool"): GEMINI | BASH | {"hook_event_name": "BeforeTool", "mcp_context": {}},
    ("gemini-cli", "BeforeAgent"): GEMINI | {"hook_event_name": "BeforeAgent", "prompt": "go"},
    ("qwen-code", "PreToolUse"): CLAUDE | BASH | {"hook_event_name": "PreToolUse"},
    ("qwen-code", "UserPromptSubmit"): CLAUDE | {"hook_event_name": "UserPromptSubmit", "prompt": "go"},
    ("grok-build", "PreToolUse"): CLAUDE | BASH | {"hook_event_name": "PreToolUse"},
    ("grok-build", "UserPromptSubmit"): CLAUDE | {"hook_event_name": "UserPromptSubmit", "prompt": "go"},
    ("copilot-cli", "preToolUse"): COPILOT | {"toolName": "bash", "toolArgs": '{"command":"echo"}'},
    ("cursor", "preToolUse"): CURSOR | BASH | {"hook_event_name": "preToolUse"},
    ("cursor", "beforeSubmitPrompt"): CURSOR | {"hook_event_name": "beforeSubmitPrompt", "prompt": "go", "attachments": []},
}  # fmt: skip


def body(tool: str, event: str, cwd: Path) -> bytes:
    """The tool's JSON for an event. Cursor names several folders, all others one."""
    where = {"workspace_roots": [str(cwd)]} if tool == "cursor" else {"cwd": str(cwd)}
    return json.dumps(EVENTS[tool, event] | where).encode()


def figures(**changes: Any) -> dict[str, Any]:
    """Figures of this moment: the session is over its cap by a cent."""
    return {
        "made_at": time.time(), "day": noon_date(), "day_micros": 5_010_000, "repositories": {}, "branches": {},
        "sessions": {f"{tool} {SESSION}": 5_010_000 for tool, _ in EVENTS},
        "caps": {"": {"session": [5_000_000, "session_usd in config.toml"]}},
    } | changes  # fmt: skip


class GuardHook:
    """A copy of the hook, with a folder for its state. The process that it starts when the figures are old only counts its starts.

    That process has the standard output of the hook, and `run` reads until nobody has it open: after `run` it has ended.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state"
        self.folder.mkdir()
        self._hook = folder / "collector/guard/hook.py"
        self._hook.parent.mkdir(parents=True)
        shutil.copy(HOOKS[GUARD], self._hook)
        self.start_script = folder / "collector/hook.py"
        self.start_script.write_text(
            'import os, sys\nos.write(os.open(sys.argv[1] + "/starts", os.O_CREAT | os.O_APPEND | os.O_WRONLY), b".")\n'
        )

    def write_figures(self, value: object) -> None:
        (self.folder / "guard.json").write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())

    def start(self, tool: str, *options: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *options, "-I", "-S", str(self._hook), str(self.folder), tool],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TZ": NOON_ZONE},
        )

    def run(self, tool: str, stdin: bytes) -> dict[str, Any] | None:
        """The answer, None for silence. The hook never fails and prints no error."""
        process = self.start(tool)
        stdout, stderr = process.communicate(stdin)
        assert (process.returncode, stderr) == (0, b"")
        return json.loads(stdout) if stdout else None

    @property
    def starts(self) -> int:
        """How many processes were started to compute the figures again."""
        path = self.folder / "starts"
        return len(path.read_bytes()) if path.exists() else 0
