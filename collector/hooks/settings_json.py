"""Hooks in a tool's JSON settings: added and taken away with the user's own formatting kept, refused where that cannot be."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from collector.hooks.changes import Change, Plan, Refused, backup_of, read

Json = dict[str, Any]


def edited(path: Path, edit: Callable[[Json], Json], blank: Json, what: str) -> Plan:
    """The settings after `edit`; a file that is left as `blank`, which is what one of ours begins with, goes away."""
    before = read(path)
    text = (before or b"{}").decode(errors="replace")
    try:
        settings = json.loads(text)
    except ValueError as error:
        return [Refused(path, f"is not JSON that can be read ({error}), so it is left alone")]
    indent = _indent_of(text)
    if not _has_hooks_as_known(settings) or (before is not None and _dumped(settings, indent, text) != text):
        added = json.dumps(edit({}))
        return [Refused(path, f"has comments or a layout that would be lost: add this by hand: {added}")]
    changed = edit(blank if before is None else settings)
    if before is not None and changed == settings:
        return []
    after = None if changed == blank else _dumped(changed, indent, text).encode()
    return [Change(path, before, after, what)]


def restored(path: Path, ours: Sequence[str], what: str) -> Plan:
    """What stood there before, byte by byte, if nothing but our hooks has been added since."""
    before, original = read(path), read(backup_of(path))
    if before is None or original is None:
        return []
    try:
        same = without(json.loads(before), ours) == json.loads(original)
    except ValueError:
        return []
    return [Change(path, before, original, what)] if same else []


def with_hooks(settings: Json, entries: Mapping[str, Json]) -> Json:
    """The settings with these entries after those that are there, by event."""
    hooks = {**settings.get("hooks", {})}
    for event, entry in entries.items():
        hooks[event] = [*hooks.get(event, []), entry]
    return {**settings, "hooks": hooks}


def without(settings: Json, ours: Sequence[str]) -> Json:
    """The settings with no hook that names one of `ours`, and nothing empty left where one was."""
    hooks: Json = {}
    for event, groups in settings.get("hooks", {}).items():
        kept = [group for group in groups if not _names(group, ours)] if isinstance(groups, list) else groups
        if kept or not groups:
            hooks[event] = kept
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    return {**settings, "hooks": hooks} if hooks or settings.get("hooks") == {} else rest


def _names(group: object, ours: Sequence[str]) -> bool:
    return any(one in json.dumps(group, ensure_ascii=False) for one in ours)


def _has_hooks_as_known(settings: object) -> bool:
    return isinstance(settings, dict) and isinstance(settings.get("hooks", {}), dict)


def _indent_of(text: str) -> int | str | None:
    line = next((line for line in text.splitlines()[1:] if line.strip()), "")
    space = line[: len(line) - len(line.lstrip())]
    return space if space.startswith("\t") else len(space) or (2 if text == "{}" else None)


def _dumped(settings: Json, indent: int | str | None, like: str) -> str:
    ending = "\n" if like.endswith("\n") or like == "{}" else ""
    for ascii_only in (False, True):
        dumped = json.dumps(settings, indent=indent, ensure_ascii=ascii_only) + ending
        if dumped == like:
            break
    else:
        dumped = json.dumps(settings, indent=indent, ensure_ascii=False) + ending
    return dumped
