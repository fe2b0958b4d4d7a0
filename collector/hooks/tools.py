"""The hooks of AI tools, in their own settings: at the end of a session, and of a turn where a session may never end.

https://code.claude.com/docs/en/hooks · https://developers.openai.com/codex/hooks · https://geminicli.com/docs/hooks/reference
"""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from collector.hooks.changes import Change, Plan, Refused, backup_of, read

HOOK = Path(__file__).parents[1] / "hook.py"

# tool -> its folder, the file with its hooks, and the events to hook.
TOOLS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "claude-code": (".claude", "settings.json", ("Stop", "SessionEnd")),
    "codex": (".codex", "hooks.json", ("Stop",)),
    "gemini-cli": (".gemini", "settings.json", ("AfterAgent", "SessionEnd")),
}


def command(state: Path) -> str:
    """The interpreter itself, never a version manager's shim, which would cost many times what the hook does."""
    return shlex.join([sys.executable, "-I", "-S", str(HOOK), str(state)])


def install(home: Path, state: Path) -> Plan:
    plan: Plan = []
    for tool, (folder, name, events) in TOOLS.items():
        path = home / folder / name
        if (home / folder).is_dir():
            plan += _edited(path, tool, _with(events, command(state)))
    return plan


def uninstall(home: Path) -> Plan:
    plan: Plan = []
    for tool, (folder, name, _) in TOOLS.items():
        path = home / folder / name
        if is_installed(path):
            plan += _restored(path, tool) or _edited(path, tool, _without)
    return plan


def is_installed(path: Path) -> bool:
    return str(HOOK).encode() in (read(path) or b"")


def _restored(path: Path, tool: str) -> Plan:
    """What stood there before, byte by byte, if nothing but our hooks has been added since."""
    before, original = read(path), read(backup_of(path))
    if before is None or original is None:
        return []
    try:
        same = _without(json.loads(before)) == json.loads(original)
    except ValueError:
        return []
    return [Change(path, before, original, f"{tool}: as it was")] if same else []


def _edited(path: Path, tool: str, edit: Any) -> Plan:
    """The settings after `edit`, with the user's own formatting kept; refused where that cannot be."""
    before = read(path)
    text = (before or b"{}").decode(errors="replace")
    try:
        settings = json.loads(text)
    except ValueError as error:
        return [Refused(path, f"is not JSON that can be read ({error}), so it is left alone")]
    indent = _indent_of(text)
    if not isinstance(settings, dict) or (before is not None and _dumped(settings, indent, text) != text):
        return [Refused(path, f"has comments or a layout that would be lost: add this hook by hand: {_advice(tool)}")]
    edited = edit(settings)
    after = _dumped(edited, indent, text).encode() if edited else None
    return [] if after == before else [Change(path, before, after, f"{tool}: {', '.join(TOOLS[tool][2])}")]


def _with(events: tuple[str, ...], hook: str) -> Any:
    def edit(settings: dict[str, Any]) -> dict[str, Any]:
        settings = _without(settings)
        hooks = {**settings.get("hooks", {})}
        for event in events:
            hooks[event] = [*hooks.get(event, []), {"hooks": [{"type": "command", "command": hook}]}]
        return {**settings, "hooks": hooks}

    return edit


def _without(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with no hook of ours, and nothing empty left where one was."""
    hooks: dict[str, Any] = {}
    for event, groups in settings.get("hooks", {}).items():
        kept = [group for group in groups if str(HOOK) not in json.dumps(group)] if isinstance(groups, list) else groups
        if kept or not groups:
            hooks[event] = kept
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    return {**settings, "hooks": hooks} if hooks or settings.get("hooks") == {} else rest


def _indent_of(text: str) -> int | str | None:
    line = next((line for line in text.splitlines()[1:] if line.strip()), "")
    space = line[: len(line) - len(line.lstrip())]
    return space if space.startswith("\t") else len(space) or (2 if text == "{}" else None)


def _dumped(settings: dict[str, Any], indent: int | str | None, like: str) -> str:
    ending = "\n" if like.endswith("\n") or like == "{}" else ""
    for ascii_only in (False, True):
        dumped = json.dumps(settings, indent=indent, ensure_ascii=ascii_only) + ending
        if dumped == like:
            break
    else:
        dumped = json.dumps(settings, indent=indent, ensure_ascii=False) + ending
    return dumped


def _advice(tool: str) -> str:
    return f"at {' and '.join(TOOLS[tool][2])}, run {shlex.join([sys.executable, '-I', '-S', str(HOOK)])} FOLDER"
