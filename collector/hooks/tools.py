"""Our hooks in the settings of AI tools. A push runs at the end of a session, and of a turn where a session may never end. The
guard runs before a step of the model and before a prompt is sent, wherever the tool accepts a refusal there.

https://code.claude.com/docs/en/hooks · https://developers.openai.com/codex/hooks · https://geminicli.com/docs/hooks/reference ·
https://docs.github.com/en/copilot/reference/hooks-reference · https://cursor.com/docs/hooks ·
https://qwenlm.github.io/qwen-code-docs/en/users/features/hooks
"""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from attribution.tools import TOOLS as READERS
from collector.hooks.changes import OWN_FILE, Plan, read
from collector.hooks.launcher import GUARD, PUSH
from collector.hooks.settings_json import Json, plan_edit, plan_restore, with_hooks, without
from collector.logs import Tally
from collector.sources import files, folders


class Tool(msgspec.Struct, frozen=True):
    """Where a tool keeps its hooks: its `folder`, which a `variable` of the environment may name instead, with what stands `below`
    it there; in it the `file`, and the events of a push and of the guard. `entry` makes a hook in the tool's own format from a
    command and its time limit in seconds; `blank` is the content of a new file."""

    folder: str
    variable: str
    file: str
    push: tuple[str, ...]
    guard: tuple[str, ...]
    entry: Callable[[str, int], Json]
    blank: Json = {}
    below: str = ""

    def place(self, home: Path, env: Mapping[str, str]) -> Path:
        """The tool's folder, where its reader finds its logs, too."""
        folder = env.get(self.variable)
        return Path(folder, self.below) if folder else home / self.folder

    def path(self, home: Path, env: Mapping[str, str]) -> Path:
        return self.place(home, env) / self.file


def _group(command: str, seconds: int) -> Json:
    return {"hooks": [{"type": "command", "command": command, "timeout": seconds}]}


def _group_ms(command: str, seconds: int) -> Json:
    return _group(command, seconds * 1000)


TOOLS: dict[str, Tool] = {
    "claude-code": Tool(
        ".claude", "CLAUDE_CONFIG_DIR", "settings.json",
        ("Stop", "SessionEnd"), ("PreToolUse", "UserPromptSubmit"), _group,
    ),
    "codex": Tool(".codex", "CODEX_HOME", "hooks.json", ("Stop",), ("PreToolUse", "UserPromptSubmit"), _group),
    "gemini-cli": Tool(
        ".gemini", "GEMINI_CLI_HOME", "settings.json",
        ("AfterAgent", "SessionEnd"), ("BeforeTool", "BeforeAgent"), _group_ms, below=".gemini",
    ),
    # A limit of versions before 1.0 is in milliseconds, later in seconds; the larger number serves both. It fires no SessionEnd.
    "qwen-code": Tool(".qwen", "", "settings.json", ("Stop",), ("PreToolUse", "UserPromptSubmit"), _group_ms),
    # This tool ignores what a hook answers to a prompt.
    "copilot-cli": Tool(
        ".copilot", "COPILOT_HOME", f"hooks/{OWN_FILE}", ("agentStop", "sessionEnd"), ("preToolUse",),
        lambda command, seconds: {"type": "command", "bash": command, "timeoutSec": seconds}, {"version": 1},
    ),
    "grok-build": Tool(
        ".grok", "GROK_HOME", f"hooks/{OWN_FILE}", ("Stop", "SessionEnd"), ("PreToolUse", "UserPromptSubmit"), _group
    ),
    # It logs no tokens, so there is nothing to push at the end of a turn.
    "cursor": Tool(
        ".cursor", "", "hooks.json", (), ("preToolUse", "beforeSubmitPrompt"),
        lambda command, seconds: {"command": command, "timeout": seconds}, {"version": 1},
    ),
}  # fmt: skip
_NO_HOOKS: dict[str, str] = dict.fromkeys(
    ("amp", "opencode", "pi"), "its hooks are extensions in its own language, and not commands"
)
_SECONDS = 5


def command(script: Path, *arguments: str) -> str:
    """A shell command line. It never fails, since a tool might take the failure of a missing script for a refusal."""
    return f"{shlex.join([str(script), *arguments])} || true"


def install(home: Path, env: Mapping[str, str], state: Path, *, guard: bool) -> Plan:
    """Without `guard` an installed guard stays as it is."""
    plan: Plan = []
    for name, tool in TOOLS.items():
        entries = _entries(name, tool, state, guard=guard)
        if entries and tool.place(home, env).is_dir():
            ours = [PUSH, GUARD] if guard else [PUSH]
            edit = partial(_with_entries, ours=ours, entries=entries)
            plan += plan_edit(tool.path(home, env), edit, tool.blank, f"{name}: {', '.join(entries)}")
    return plan


def uninstall(home: Path, env: Mapping[str, str]) -> Plan:
    plan: Plan = []
    ours = [PUSH, GUARD]
    for name, tool in TOOLS.items():
        path = tool.path(home, env)
        if is_hooked(path, PUSH) or is_hooked(path, GUARD):
            plan += plan_restore(path, ours, f"{name}: as it was") or plan_edit(
                path, partial(without, ours=ours), tool.blank, f"{name}: without our hooks"
            )
    return plan


def tools_with_guard(home: Path, env: Mapping[str, str]) -> list[str]:
    """The tools in which the guard is installed."""
    return [name for name, tool in TOOLS.items() if is_hooked(tool.path(home, env), GUARD)]


def untrusted(name: str, home: Path, env: Mapping[str, str]) -> list[str]:
    """The events of our hooks that the tool skips until a person trusts them. Only Codex asks for that."""
    if name != "codex":
        return []
    from collector.hooks.codex_trust import untrusted_events  # noqa: PLC0415 (only where a person looks)

    return untrusted_events(TOOLS[name].path(home, env), [PUSH, GUARD])


def without_hooks(home: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Why a tool whose logs are on this machine is not hooked, by tool."""
    return {
        name: _NO_HOOKS.get(name, "it runs no command from a settings file when a turn ends")
        for name, tool in READERS.items()
        if name not in TOOLS
        and any(files(source, below, Tally()) for source in tool.LOGS for below in folders(source, home, env))
    }


def is_hooked(path: Path, script: str) -> bool:
    """Whether the file names this script of ours."""
    return script.encode() in _content(path)


def scripts(path: Path) -> list[Path]:
    """The scripts of ours, or of another installation, that the file names."""
    try:
        lines = [text for text in _texts(json.loads(_content(path))) if PUSH in text or GUARD in text]
        return list(dict.fromkeys(Path(shlex.split(line)[0]) for line in lines))
    except ValueError:
        return []


def _content(path: Path) -> bytes:
    try:
        return read(path) or b""
    except OSError:  # it cannot be read, or is no file
        return b""


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _entries(name: str, tool: Tool, state: Path, *, guard: bool) -> dict[str, Json]:
    """What to add, by event."""
    commands = dict.fromkeys(tool.push, command(state / PUSH))
    if guard:
        commands |= dict.fromkeys(tool.guard, command(state / GUARD, name))
    return {event: tool.entry(line, _SECONDS) for event, line in commands.items()}


def _with_entries(settings: Json, ours: Sequence[str], entries: Mapping[str, Json]) -> Json:
    return with_hooks(without(settings, ours), entries)
