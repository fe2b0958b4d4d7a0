"""The guard's hook, asked as each tool asks it: a process of its own, with what the tool says on standard input."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector.hooks.tools import GUARD
from tests.patience import DEADLOCK_SECONDS

SESSION = "aab8820c-6dee-4d56-872a-9fb32bea7b9b"
# As their documentation has it; a prompt and an input are there to be passed over.
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

# (tool, event) -> what it says there, but for the folder.
ASKS: dict[tuple[str, str], dict[str, Any]] = {
    ("claude-code", "PreToolUse"): CLAUDE | BASH | {"hook_event_name": "PreToolUse"},
    ("claude-code", "UserPromptSubmit"): CLAUDE | {"hook_event_name": "UserPromptSubmit", "prompt": "go"},
    ("codex", "PreToolUse"): CODEX | BASH | {"hook_event_name": "PreToolUse"},
    ("codex", "UserPromptSubmit"): CODEX | {"hook_event_name": "UserPromptSubmit", "prompt": "go"},
    ("gemini-cli", "BeforeTool"): GEMINI | BASH | {"hook_event_name": "BeforeTool", "mcp_context": {}},
    ("gemini-cli", "BeforeAgent"): GEMINI | {"hook_event_name": "BeforeAgent", "prompt": "go"},
    ("copilot-cli", "preToolUse"): COPILOT | {"toolName": "bash", "toolArgs": '{"command":"echo"}'},
    ("cursor", "preToolUse"): CURSOR | BASH | {"hook_event_name": "preToolUse"},
    ("cursor", "beforeSubmitPrompt"): CURSOR | {"hook_event_name": "beforeSubmitPrompt", "prompt": "go", "attachments": []},
}  # fmt: skip


def asks(tool: str, event: str, cwd: Path) -> bytes:
    """Cursor names folders, all others one."""
    where = {"workspace_roots": [str(cwd)]} if tool == "cursor" else {"cwd": str(cwd)}
    return json.dumps(ASKS[tool, event] | where).encode()


def figures(**changes: Any) -> dict[str, Any]:
    """Figures of this moment: the session is over its cap by a cent."""
    return {
        "made_at": time.time(), "day": time.strftime("%Y-%m-%d"), "day_micros": 5_010_000, "repositories": {}, "branches": {},
        "sessions": {f"{tool} {SESSION}": 5_010_000 for tool, _ in ASKS},
        "caps": {"": {"session": [5_000_000, "session_usd in config.toml"]}},
    } | changes  # fmt: skip


class Guarded:
    """A hook on a machine whose figures are `figures`. It is a copy, and what it starts when they are old only notes that."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "state"
        self.folder.mkdir()
        self._ends: list[int] = []
        self._hook = folder / "collector/guard/hook.py"
        self._hook.parent.mkdir(parents=True)
        shutil.copy(GUARD, self._hook)
        noted = 'import os, sys\nos.write(os.open(sys.argv[1] + "/started", os.O_CREAT | os.O_APPEND | os.O_WRONLY), b".")\n'
        (folder / "collector/hook.py").write_text(noted)

    def knows(self, value: object) -> None:
        (self.folder / "guard.json").write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())

    def command(self, tool: str) -> list[str]:
        return [sys.executable, "-I", "-S", str(self._hook), str(self.folder), tool]

    def ask(self, tool: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A hook that waits for what the tool says. What it starts holds the pipe, too, until it has ended."""
        ended, held = os.pipe()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(self.command(tool), **pipes, pass_fds=[held], env={**os.environ, **(env or {})})
        os.close(held)
        self._ends.append(ended)
        return process

    def says(self, tool: str, told: bytes, env: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """The answer, None for silence. It never fails and never complains."""
        with self.ask(tool, env) as process:
            output, errors = process.communicate(told, timeout=DEADLOCK_SECONDS)
        assert (process.returncode, errors) == (0, b"")
        return json.loads(output) if output else None

    def started(self) -> int:
        """How many processes were started to make the figures anew, once all of them have ended."""
        for ended in self._ends:
            ready, _, _ = select.select([ended], [], [], DEADLOCK_SECONDS)
            assert ready
        self.close()
        path = self.folder / "started"
        return len(path.read_bytes()) if path.exists() else 0

    def close(self) -> None:
        while self._ends:
            os.close(self._ends.pop())
