"""A developer's machine in a temporary folder: a home, a real repository, and logs of work in it."""

import contextlib
import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from collector.command import main

SESSION = "aab8820c-6dee-4d56-872a-9fb32bea7b9b"

# A time zone in which it is about noon, so that no test runs across midnight.
_NOON_OFFSET_HOURS = datetime.now(UTC).hour - 12
NOON_ZONE = f"NOON{_NOON_OFFSET_HOURS:+}"


def noon_date() -> str:
    """The date in that zone."""
    return f"{datetime.now(UTC) - timedelta(hours=_NOON_OFFSET_HOURS):%Y-%m-%d}"


def git(folder: Path, *arguments: str, at: str = "2026-11-23T17:30:00Z", **env: str) -> str:
    """Run git as Dev One at a fixed time; returns what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    dates = {
        "GIT_AUTHOR_DATE": at,
        "GIT_COMMITTER_DATE": at,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    command = ["git", "-C", str(folder), "-c", "user.name=Dev One", "-c", "user.email=dev@example.com", *arguments]
    return subprocess.run(command, env=clean | dates | env, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, remote: str = "https://github.com/acme/widgets.git") -> Path:
    """A repository of one commit, with an e-mail address of its own."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.email", "Dev@Example.com")
    git(folder, "remote", "add", "origin", remote)
    (folder / "app.py").write_text("pass\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "start", at="2026-11-23T17:00:00Z")
    return folder


def request(number: int, cwd: Path | str, **changes: object) -> dict[str, object]:
    """A line of Claude Code's log: request `number`, that many minutes past six."""
    message = {
        "id": f"msg_{number}", "model": "claude-opus-5-5", "content": changes.pop("content", []),
        "usage": {"input_tokens": number, "output_tokens": 10 * number},
    }  # fmt: skip
    return {
        "type": "assistant", "timestamp": f"2026-11-23T18:{number:02}:00.500Z", "sessionId": SESSION, "requestId": f"req_{number}",
        "cwd": str(cwd), "gitBranch": "main", "message": message,
    } | changes  # fmt: skip


def call(tool_id: str, name: str, **arguments: str) -> dict[str, object]:
    return {"type": "tool_use", "id": tool_id, "name": name, "input": arguments}


def result(tool_id: str, content: str = "ok") -> dict[str, object]:
    block = {"type": "tool_result", "tool_use_id": tool_id, "content": content}
    return {"type": "user", "sessionId": SESSION, "message": {"role": "user", "content": [block]}}


def write_log(home: Path, *lines: Mapping[str, object], name: str = SESSION) -> Path:
    path = home / ".claude/projects/p" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


class CommandResult(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def mergecost(cwd: Path, env: Mapping[str, str], *arguments: str) -> CommandResult:
    """Run the command in this process, in that folder and with exactly that environment."""
    return run_there(cwd, env, lambda: main(list(arguments)))


def run_there(cwd: Path, env: Mapping[str, str], run: Callable[[], int]) -> CommandResult:
    """The same for a part of the command."""
    out, err = io.StringIO(), io.StringIO()
    before, here = dict(os.environ), Path.cwd()
    try:
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        time.tzset()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run()
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)
        time.tzset()
    return CommandResult(status, out.getvalue(), err.getvalue())
