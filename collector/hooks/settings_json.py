"""Hooks in a tool's JSON settings: added and taken away with the user's own formatting kept, refused where that cannot be."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from collector.hooks.changes import Change, Plan, Refused, backup_of, read

Json = dict[str, Any]


class _Layout(NamedTuple):
    """How a JSON text is laid out."""

    indent: int | str | None = 2
    ensure_ascii: bool = False
    separators: tuple[str, str] | None = None
    ending: str = "\n"

    def dumped(self, settings: Json) -> str:
        indent, ascii_only, separators, ending = self
        return json.dumps(settings, indent=indent, ensure_ascii=ascii_only, separators=separators) + ending


def edited(path: Path, edit: Callable[[Json], Json], blank: Json, what: str) -> Plan:
    """The settings after `edit`; a file that is left as `blank`, which is what one of ours begins with, goes away."""
    before = read(path)
    if before is None:
        return [Change(path, None, _Layout().dumped(edit(blank)).encode(), what)]
    try:
        settings = json.loads(before)
    except ValueError as error:
        return [Refused(path, f"is not JSON that can be read ({error}), so it is left alone")]
    layout = _layout_of(settings, before.decode(errors="replace"))
    if layout is None or not _has_hooks_as_known(settings):
        added = json.dumps(edit({}))
        return [Refused(path, f"has comments or a layout that would be lost: add this by hand: {added}")]
    changed = edit(settings)
    if changed == settings:
        return []
    return [Change(path, before, None if changed == blank else layout.dumped(changed).encode(), what)]


def restored(path: Path, ours: Sequence[str], what: str) -> Plan:
    """What stood there before, byte by byte, if nothing but our hooks has been added since."""
    before, original = read(path), read(backup_of(path))
    if before is None or original is None:
        return []
    try:
        # What is empty does not count.
        same = without(json.loads(before), ours) == without(json.loads(original), ())
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
    """The settings with no hook that names one of `ours`, and nothing empty left."""
    hooks: Json = {}
    for event, groups in settings.get("hooks", {}).items():
        kept = [group for group in groups if not _names(group, ours)] if isinstance(groups, list) else groups
        if kept:
            hooks[event] = kept
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    return {**settings, "hooks": hooks} if hooks else rest


def _names(group: object, ours: Sequence[str]) -> bool:
    return any(one in json.dumps(group, ensure_ascii=False) for one in ours)


def _has_hooks_as_known(settings: Json) -> bool:
    return isinstance(settings.get("hooks", {}), dict)


def _layout_of(settings: object, text: str) -> _Layout | None:
    """None for a layout that would not be kept."""
    line = next((line for line in text.splitlines()[1:] if line.strip()), "")
    space = line[: len(line) - len(line.lstrip())]
    indent = space if space.startswith("\t") else len(space) or None
    for ascii_only, separators in product((False, True), (None, (",", ":"))):
        layout = _Layout(indent, ascii_only, separators, "\n" if text.endswith("\n") else "")
        if isinstance(settings, dict) and layout.dumped(settings) == text:
            return layout
    return None
