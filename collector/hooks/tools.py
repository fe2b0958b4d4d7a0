"""Our hooks in the settings of AI tools. A push runs at the end of a session, and of a turn where a session may never end. The
guard runs before a step of the model and before a prompt is sent, wherever the tool accepts a refusal there.

https://code.claude.com/docs/en/hooks · https://developers.openai.com/codex/hooks · https://geminicli.com/docs/hooks/reference ·
https://docs.github.com/en/copilot/reference/hooks-reference · https://cursor.com/docs/hooks
"""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from collector.hooks.changes import OWN_FILE, Plan, read
from collector.hooks.settings_json import Json, plan_edit, plan_restore, with_hooks, without

HOOK = Path(__file__).parents[1] / "hook.py"
GUARD = Path(__file__).parents[1] / "guard/hook.py"


class Tool(msgspec.Struct, frozen=True):
    """Where a tool keeps its hooks: its `folder`, below it the `file`, and the events of a push and of the guard. `entry` makes a
    hook in the tool's own format from a command and its time limit in seconds; `blank` is the content of a new file."""

    folder: str
    file: str
    push: tuple[str, ...]
    guard: tuple[str, ...]
    entry: Callable[[str, int], Json]
    blank: Json = {}


def _group(command: str, seconds: int) -> Json:
    return {"hooks": [{"type": "command", "command": command, "timeout": seconds}]}


def _group_ms(command: str, seconds: int) -> Json:
    return _group(command, seconds * 1000)


TOOLS: dict[str, Tool] = {
    "claude-code": Tool(
        ".claude", "settings.json", ("Stop", "SessionEnd"), ("PreToolUse", "UserPromptSubmit"), _group
    ),
    "codex": Tool(".codex", "hooks.json", ("Stop",), ("PreToolUse", "UserPromptSubmit"), _group),
    "gemini-cli": Tool(
        ".gemini", "settings.json", ("AfterAgent", "SessionEnd"), ("BeforeTool", "BeforeAgent"), _group_ms
    ),
    # This tool ignores what a hook answers to a prompt.
    "copilot-cli": Tool(
        ".copilot", f"hooks/{OWN_FILE}", (), ("preToolUse",),
        lambda command, seconds: {"type": "command", "bash": command, "timeoutSec": seconds}, {"version": 1},
    ),
    "cursor": Tool(
        ".cursor", "hooks.json", (), ("preToolUse", "beforeSubmitPrompt"),
        lambda command, seconds: {"command": command, "timeout": seconds}, {"version": 1},
    ),
}  # fmt: skip
_SECONDS = 5
# With these a project could name another Python, whose `site-packages` count; `-I` does not cover them:
# https://github.com/python/cpython/blob/3.11/Modules/getpath.py and `Lib/site.py`
_OWN_PYTHON = "PYTHONEXECUTABLE= __PYVENV_LAUNCHER__="


def command(hook: Path, *arguments: str) -> str:
    """A shell command line. It names the interpreter itself: a version manager's shim takes many times as long as the hook. It
    never fails, since a tool might take the failure of a missing interpreter for a refusal."""
    return f"{_OWN_PYTHON} {shlex.join([sys.executable, '-I', '-S', str(hook), *arguments])} || true"


def install(home: Path, state: Path, *, guard: bool) -> Plan:
    """Without `guard` an installed guard stays as it is."""
    plan: Plan = []
    for name, tool in TOOLS.items():
        entries = _entries(name, tool, state, guard=guard)
        if entries and (home / tool.folder).is_dir():
            ours = [str(HOOK), str(GUARD)] if guard else [str(HOOK)]
            edit = partial(_with_entries, ours=ours, entries=entries)
            plan += plan_edit(home / tool.folder / tool.file, edit, tool.blank, f"{name}: {', '.join(entries)}")
    return plan


def uninstall(home: Path) -> Plan:
    plan: Plan = []
    ours = [str(HOOK), str(GUARD)]
    for name, tool in TOOLS.items():
        path = home / tool.folder / tool.file
        if is_hooked(path, HOOK) or is_hooked(path, GUARD):
            plan += plan_restore(path, ours, f"{name}: as it was") or plan_edit(
                path, partial(without, ours=ours), tool.blank, f"{name}: without our hooks"
            )
    return plan


def tools_with_guard(home: Path) -> list[str]:
    """The tools in which the guard is installed."""
    return [name for name, tool in TOOLS.items() if is_hooked(home / tool.folder / tool.file, GUARD)]


def is_hooked(path: Path, hook: Path) -> bool:
    try:
        return str(hook).encode() in (read(path) or b"")
    except OSError:  # it cannot be read, or is no file
        return False


def _entries(name: str, tool: Tool, state: Path, *, guard: bool) -> dict[str, Json]:
    """What to add, by event."""
    commands = dict.fromkeys(tool.push, command(HOOK, str(state)))
    if guard:
        commands |= dict.fromkeys(tool.guard, command(GUARD, str(state), name))
    return {event: tool.entry(line, _SECONDS) for event, line in commands.items()}


def _with_entries(settings: Json, ours: Sequence[str], entries: Mapping[str, Json]) -> Json:
    return with_hooks(without(settings, ours), entries)
