"""A developer at work: AI tools with their hooks, a clone with a branch checked out, and requests that are made now."""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector.hooks.tools import TOOLS
from tests.collector.guard_hook import body
from tests.collector.machine import NOON_ZONE, SESSION, CommandResult, git, mergecost, request, write_log


class Developer:
    """With every AI tool that has hooks, at about noon."""

    def __init__(self, home: Path, repo: Path, **env: str) -> None:
        self.home, self.repo = home, repo
        for tool in TOOLS.values():
            (home / tool.folder).mkdir(parents=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CLAUDE", "CODEX", "XDG_"))}
        self.env = clean | {"HOME": str(home), "TZ": NOON_ZONE} | env
        self.state = home / ".local/state/mergecost"
        self._lines: list[dict[str, Any]] = []
        git(repo, "checkout", "-q", "-b", "feat/x", at=datetime.now(UTC).isoformat())

    def mergecost(self, *arguments: str, **env: str) -> CommandResult:
        return mergecost(self.repo, self.env | env, *arguments)

    def set_caps(self, **usd: object) -> None:
        path = self.home / ".config/mergecost/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[guard]\n" + "".join(f"{name} = {value}\n" for name, value in usd.items()))

    def work(self, dollars: float, session: str = SESSION, **changes: Any) -> None:
        """A request of Claude Code that is made now. Its model costs $5 for a million tokens."""
        number, usage = len(self._lines), {"input_tokens": round(dollars * 200_000), "output_tokens": 0}
        message = {"id": f"m{number}", "model": changes.pop("model", "claude-opus-4-5"), "content": [], "usage": usage}
        line = {
            "timestamp": datetime.now(UTC).isoformat(),
            "sessionId": session,
            "requestId": f"r{number}",
            "message": message,
            "gitBranch": "feat/x",
        }
        self._lines.append(request(1, self.repo) | line | changes)
        write_log(self.home, *self._lines)

    def hook_command(self, tool: str, event: str) -> str:
        """The command line that is installed for an event."""
        path = self.home / TOOLS[tool].folder / TOOLS[tool].file
        (entry,) = json.loads(path.read_text())["hooks"][event]
        handler = entry["hooks"][0] if "hooks" in entry else entry
        return handler.get("command") or handler["bash"]

    def run_hook(self, tool: str = "claude-code", event: str = "PreToolUse", cwd: Path | None = None) -> str:
        """The answer of the installed hook to the tool; empty if the tool may go on."""
        cwd = cwd or self.repo
        run = subprocess.run(
            ["sh", "-c", self.hook_command(tool, event)], input=body(tool, event, cwd), env=self.env, cwd=cwd,
            capture_output=True, check=False,
        )  # fmt: skip
        assert (run.returncode, run.stderr) == (0, b"")
        return run.stdout.decode()
