"""All AI requests that the logs of a home folder tell of, with what git knows about where they were made."""

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from attribution.tools import TOOLS, JsonLines, Source, Tool, unique
from attribution.usage import Usage
from collector.enrich import with_git_facts
from collector.logs import Position, State, Tally, UnreadableLog
from collector.settings import index_file, state_file
from collector.sources import beside, files, folders, records
from collector.stamps import Stamps, read_stamps, stamps_file

if TYPE_CHECKING:
    from collector.index import Entry, Index

# Enough of a log's end to see that it was written anew.
_TAIL_BYTES = 64


# Called with how many logs are read, of how many.
Progress = Callable[[int, int], None]


class Scan(msgspec.Struct):
    """`usages` by time. `home` is where the tools' folders were looked for, `files` how many logs were found there."""

    usages: list[Usage]
    home: Path
    files: int
    tally: Tally


class Reading(msgspec.Struct):
    """A source of a tool below a folder."""

    tool: Tool
    source: Source
    name: str
    below: Path


def readings(home: Path, env: Mapping[str, str]) -> Iterator[tuple[Reading, list[Path]]]:
    """Every place where tools may keep logs, with the logs there."""
    for tool in TOOLS.values():
        for number, source in enumerate(tool.LOGS):
            for below in folders(source, home, env):
                yield Reading(tool, source, f"{tool.NAME} {number}", below), files(source, below)


def scan_with_index(home: Path | None, env: Mapping[str, str], progress: Progress | None = None) -> Scan:
    """`scan`, reading only what is new; where the index cannot be used, all of it, and `tally` says why."""
    from sqlite3 import Error  # noqa: PLC0415 (SQLite only where it is used)

    from collector.index import Index  # noqa: PLC0415

    path, stamps = index_file(env), read_stamps(stamps_file(state_file(env)))
    try:
        with Index(path) as index:
            return scan(home, env, index, stamps, progress)
    except (OSError, Error) as error:
        done = scan(home, env, stamps=stamps, progress=progress)
        done.tally.unreadable_files.append(f"{path}: {error}. Deleting it loses only what deleted logs said.")
        return done


def scan(
    home: Path | None,
    env: Mapping[str, str],
    index: "Index | None" = None,
    stamps: Stamps | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Read the logs of `home`, or of the user's own if None. A given `home` stands for everything: `env` then moves no
    folder. Nothing in a log makes this fail; `tally` says what was passed over. With an `index` only what is new is read."""
    if home is not None:
        env = {"PATH": env.get("PATH", ""), "HOME": str(home)}
    tally, found, below_home = Tally(), list[Usage](), home or Path.home()
    logs = list(readings(below_home, env))
    count, done = sum(len(paths) for _, paths in logs), 0
    for reading, paths in logs:
        found += _indexed(reading, paths, index, tally) if index else _whole(reading, paths, tally)
        done += len(paths)
        if progress:
            progress(done, count)
    return Scan(usages=with_git_facts(unique(found), env, index, stamps), home=below_home, files=count, tally=tally)


def _whole(reading: Reading, paths: list[Path], tally: Tally) -> list[Usage]:
    return [usage for path in paths for usage in read(reading, path, None, tally)[1]]


def _indexed(reading: Reading, paths: list[Path], index: "Index", tally: Tally) -> list[Usage]:
    """Requests of these logs and of those that were here and are gone, reading what the index does not know."""
    from collector.index import gone  # noqa: PLC0415 (and with it SQLite)

    known = index.entries(reading.name, reading.below)
    found: list[Usage] = []
    fresh: list[tuple[str, bytes, State, list[Usage]]] = []
    for path in paths:
        entry, stamp = known.get(str(path)), _stamp(reading.source, path)
        if entry is not None and entry.stamp == stamp:
            found += entry.requests
            tally.add(entry.state.tally)
            continue
        own = Tally()
        state, requests = read(reading, path, entry, own)
        tally.add(own)
        if not own.unreadable_files:
            fresh.append((str(path), stamp, msgspec.structs.replace(state, tally=own), requests))
        found += requests
    found += [usage for _, entry in gone(known, paths) for usage in entry.requests]
    index.save(reading.name, reading.below, fresh)
    return found


def read(reading: Reading, path: Path, entry: "Entry | None", tally: Tally) -> tuple[State, list[Usage]]:
    """One log: all of it, or after what `entry` has of it."""
    name = "." if path == reading.below else path.relative_to(reading.below).as_posix()
    before: list[Usage] = []
    position, carry = Position(), tuple[bytes, ...]()
    if entry is not None and entry.state.carry is not None and _has_only_grown(path, entry.state):
        before, carry, position.offset = entry.requests, entry.state.carry, entry.state.offset
        tally.add(entry.state.tally)
    try:
        given = chain(beside(reading.source, path), carry, records(reading.source, path, tally, position))
        log = reading.tool.read_log(given, name)
        tail = _tail(path, position.offset) if isinstance(reading.source, JsonLines) else b""
    except (OSError, UnreadableLog) as error:
        tally.unreadable_files.append(f"{path}: {error}")
        return State(), before
    tally.unreadable_records += log.unreadable_records
    tally.skipped_records += log.skipped_records
    carried = log.carry if isinstance(reading.source, JsonLines) and path.suffix != ".zst" else None
    return State(position.offset, tail, carried), unique([*before, *log.requests])


def _stamp(source: Source, path: Path) -> bytes:
    """Changes when the log or what stands beside it does."""
    try:
        seen = path.stat()
        parts = [f"{seen.st_dev} {seen.st_ino} {seen.st_size} {seen.st_mtime_ns}".encode()]
        if source.beside:
            parts += beside(source, path)
        for suffix in ("-wal",) if not isinstance(source, JsonLines) else ():
            log = path.with_name(path.name + suffix)
            if log.exists():
                parts.append(f"{log.stat().st_size} {log.stat().st_mtime_ns}".encode())
    except OSError:
        return b""
    return blake2b(b"\0".join(parts), digest_size=16).digest()


def _has_only_grown(path: Path, state: State) -> bool:
    """Whether the part that was read still stands there."""
    try:
        return path.stat().st_size >= state.offset and _tail(path, state.offset) == state.tail
    except OSError:
        return False


def _tail(path: Path, offset: int) -> bytes:
    if path.suffix == ".zst":
        return b""
    with path.open("rb") as file:
        file.seek(max(offset - _TAIL_BYTES, 0))
        return file.read(min(offset, _TAIL_BYTES))
