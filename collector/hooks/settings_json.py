"""Hooks in a tool's JSON settings. The user's formatting is preserved; where that is not possible, the change is refused."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from collector.hooks.changes import Change, Plan, Refusal, backup_of, read

Json = dict[str, Any]


class _Layout(NamedTuple):
    """How a JSON text is laid out."""

    indent: int | str | None = 2
    ensure_ascii: bool = False
    separators: tuple[str, str] | None = None
    ending: str = "\n"

    def dump(self, settings: Json) -> str:
        indent, ascii_only, separators, ending = self
        return json.dumps(settings, indent=indent, ensure_ascii=ascii_only, separators=separators) + ending


def plan_edit(path: Path, edit: Callable[[Json], Json], blank: Json, what: str) -> Plan:
    """The plan to apply `edit` to the settings. A file that becomes `blank`, the content of a new one, is deleted."""
    before = read(path)
    if before is None:
        return [Change(path, None, _Layout().dump(edit(blank)).encode(), what)]
    try:
        settings = json.loads(before)
    except ValueError as error:
        return [Refusal(path, f"is not JSON that can be read ({error}), so it is left alone")]
    layout = _layout_of(settings, before.decode(errors="replace"))
    if layout is None or not isinstance(settings.get("hooks", {}), dict):
        addition = json.dumps(edit({}))
        return [Refusal(path, f"has comments or a layout that would be lost: add this by hand: {addition}")]
    after = edit(settings)
    if after == settings:
        return []
    return [Change(path, before, None if after == blank else layout.dump(after).encode(), what)]


def plan_restore(path: Path, ours: Sequence[str], what: str) -> Plan:
    """The plan to write back the backup byte by byte; empty if anything but our hooks has changed since."""
    before, original = read(path), read(backup_of(path))
    if before is None or original is None:
        return []
    try:
        # Empty lists and objects do not count.
        same = without(json.loads(before), ours) == without(json.loads(original), ())
    except ValueError:
        return []
    return [Change(path, before, original, what)] if same else []


def with_hooks(settings: Json, entries: Mapping[str, Json]) -> Json:
    """The settings with these entries, by event, after the existing ones."""
    hooks = {**settings.get("hooks", {})}
    for event, entry in entries.items():
        hooks[event] = [*hooks.get(event, []), entry]
    return {**settings, "hooks": hooks}


def without(settings: Json, ours: Sequence[str]) -> Json:
    """The settings without hooks that name one of the paths `ours`, and without empty lists and objects."""
    hooks: Json = {}
    for event, groups in settings.get("hooks", {}).items():
        others = [group for group in groups if not _names(group, ours)] if isinstance(groups, list) else groups
        if others:
            hooks[event] = others
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    return {**settings, "hooks": hooks} if hooks else rest


def _names(group: object, ours: Sequence[str]) -> bool:
    return any(path in json.dumps(group, ensure_ascii=False) for path in ours)


def _layout_of(settings: object, text: str) -> _Layout | None:
    """None for a layout that would be lost."""
    line = next((line for line in text.splitlines()[1:] if line.strip()), "")
    space = line[: len(line) - len(line.lstrip())]
    indent = space if space.startswith("\t") else len(space) or None
    for ascii_only, separators in product((False, True), (None, (",", ":"))):
        layout = _Layout(indent, ascii_only, separators, "\n" if text.endswith("\n") else "")
        if isinstance(settings, dict) and layout.dump(settings) == text:
            return layout
    return None
