"""A developer's desk: AI tools with their hooks, a clone with a branch checked out, and work that is done now."""

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector.hooks.tools import TOOLS
from tests.collector.asked import asks
from tests.collector.machine import SESSION, Done, git, mergecost, request, write_log


class Desk:
    """A developer's machine, on which it is about noon."""

    def __init__(self, home: Path, repo: Path, **env: str) -> None:
        self.home, self.repo = home, repo
        for tool in TOOLS.values():
            (home / tool.folder).mkdir(parents=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CLAUDE", "CODEX", "XDG_"))}
        self.env = clean | {"HOME": str(home), "TZ": f"NOON{datetime.now(UTC).hour - 12:+}"} | env
        self.state = home / ".local/state/mergecost"
        self._lines: list[dict[str, Any]] = []
        git(repo, "checkout", "-q", "-b", "feat/x", at=datetime.now(UTC).isoformat())

    def __call__(self, *arguments: str, **env: str) -> Done:
        return mergecost(self.repo, self.env | env, *arguments)

    def set_caps(self, **usd: object) -> None:
        path = self.home / ".config/mergecost/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[guard]\n" + "".join(f"{name} = {value}\n" for name, value in usd.items()))

    def work(self, dollars: float, session: str = SESSION, **changes: Any) -> None:
        """A request of Claude Code that is made now. Its model takes $5 for a million tokens."""
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

    def hook(self, tool: str, event: str) -> str:
        """The command line that is installed for an event."""
        path = self.home / TOOLS[tool].folder / TOOLS[tool].file
        (entry,) = json.loads(path.read_text())["hooks"][event]
        handler = entry["hooks"][0] if "hooks" in entry else entry
        return handler.get("command") or handler["bash"]

    def tries(self, tool: str = "claude-code", event: str = "PreToolUse", cwd: Path | None = None) -> str:
        """What the installed hook says when the tool runs it; empty: go on."""
        cwd = cwd or self.repo
        done = subprocess.run(
            ["sh", "-c", self.hook(tool, event)], input=asks(tool, event, cwd), env=self.env, cwd=cwd, capture_output=True,
            timeout=20, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()
