"""The logs of a tool on this machine, and their records: lines, documents or rows of a database."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

import msgspec

from attribution.tools.log import Beside, JsonDocument, JsonLines, Source, Sqlite
from collector.files import open_regular, read_bytes
from collector.logs import Position, Tally, UnreadableLog, matching_lines, plain

MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
MAX_BESIDE_BYTES = 1024 * 1024
# Called with a path before what is there is looked at.
Look: TypeAlias = Callable[[str], None]
_WILD = re.compile(r"[*?[]")


def no_look(_path: str) -> None:
    """For those who do not remember where they looked."""


def folders(source: Source, home: Path, env: Mapping[str, str]) -> list[Path]:
    """Where a tool may keep these logs: below the folder in an environment variable, or else below `home`."""
    for variable, below in source.variables:
        if folder := env.get(variable):
            return [Path(folder, below)]
    return [home / folder for folder in source.folders]


def files(source: Source, below: Path, tally: Tally, look: Look = no_look) -> list[Path]:
    """Log files below a folder, in a stable order. A missing folder has none; one that cannot be read is added to `tally`.
    `below` may be the log file itself, if a variable names it. `look` is told of every place before it is looked at."""
    look(str(below))
    if os.path.isfile(below):  # noqa: PTH113 (pathlib raises where a folder may not be entered)
        return [below]
    names = {name for pattern in source.patterns for name in _matching(str(below), pattern.split("/"), tally, look)}
    return [Path(name) for name in sorted(names)]


def _matching(folder: str, pattern: list[str], tally: Tally, look: Look) -> Iterator[str]:
    """Files whose path below `folder` matches the parts of a glob. `**` does not follow links, so there is no endless loop."""
    part, *rest = pattern
    if part == "**":
        yield from _matching(folder, rest, tally, look)
    elif not _WILD.search(part):
        path = os.path.join(folder, part)  # noqa: PTH118 (a path for each of thousands of files takes as long as reading them)
        look(path)
        if rest:
            yield from _matching(path, rest, tally, look)
        elif os.path.isfile(path):  # noqa: PTH113
            yield path
        return
    look(folder)
    for entry in _entries(folder, tally):
        if part == "**" and entry.is_dir(follow_symlinks=False):
            yield from _matching(entry.path, pattern, tally, look)
        elif part != "**" and fnmatchcase(entry.name, part):
            if rest:
                yield from _matching(entry.path, rest, tally, look)
            elif entry.is_file(follow_symlinks=False) or os.path.isfile(entry.path):  # noqa: PTH113
                yield entry.path


def _entries(folder: str, tally: Tally) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        note = f"{plain(folder)}: {error.strerror}"
        tally.unreadable_files += [note] if note not in tally.unreadable_files else []
        return []


def records(source: Source, path: Path, tally: Tally, position: Position | None = None) -> Iterator[bytes]:
    """The records of one log. Of lines only those after `position`, which is advanced. Raises UnreadableLog."""
    try:
        match source:
            case JsonLines() if path.suffix == ".zst":
                from collector.compression import lines  # noqa: PLC0415

                yield from lines(path, source, tally)
            case JsonLines():
                with open_regular(path) as file:
                    file.seek(position.offset if position else 0)
                    yield from matching_lines(file, source, tally, position)
            case JsonDocument():
                yield read_bytes(path, MAX_DOCUMENT_BYTES)
            case Sqlite():
                from collector.sqlite_logs import rows  # noqa: PLC0415 (SQLite only where a tool keeps a database)

                yield from rows(source, path)
            case _:
                raise UnreadableLog("is of no known kind")
    except OSError as error:
        raise UnreadableLog(error.strerror or str(error)) from error


def beside(source: Source, path: Path) -> Iterator[bytes]:
    """The files beside a log that its source names, as records."""
    for template in source.beside:
        if template == "{modified}":
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
            yield msgspec.json.encode(Beside(template, at))
            continue
        with suppress(OSError):
            content = read_bytes(_beside(template, path), MAX_BESIDE_BYTES).decode(errors="replace")
            yield msgspec.json.encode(Beside(template, content))


def _beside(template: str, path: Path) -> Path:
    return path.parent / template.replace("{stem}", path.name.partition(".")[0]).replace("{folder}", path.parent.name)


def look_at(source: Source, path: Path, look: Look) -> None:
    """A log and all that is read with it."""
    look(str(path))
    for template in source.beside:
        look(str(_beside(template, path)))
    if isinstance(source, Sqlite):
        look(f"{path}-wal")
