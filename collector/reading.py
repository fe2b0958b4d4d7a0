"""One log: whether it has changed, and what it says now."""

from hashlib import blake2b
from itertools import chain
from pathlib import Path

import msgspec

from attribution.tools import JsonLines, Source, Tool
from attribution.usage import Usage, unique
from collector.logs import Position, Tally, UnreadableLog, plain
from collector.sources import beside, records

# Enough of a log's begin and end to see that it was written anew.
_END_BYTES = 64


class Reading(msgspec.Struct):
    """A source of a tool below a folder."""

    tool: Tool
    source: Source
    name: str
    below: Path


class State(msgspec.Struct, array_like=True):
    """`offset` bytes are read, the first and last of them `ends`; `carry` comes before what follows. Without `carry` a changed log
    is read whole."""

    offset: int = 0
    ends: bytes = b""
    carry: tuple[bytes, ...] | None = None


class Log(msgspec.Struct):
    """What is known of a log; by default nothing."""

    requests: list[Usage] = []
    tally: Tally = msgspec.field(default_factory=Tally)
    state: State = msgspec.field(default_factory=State)

    @property
    def says_nothing(self) -> bool:
        """It cannot be read now: it is locked, or a document that is being written."""
        return bool(self.tally.unreadable_files or (self.tally.unreadable_records and not self.requests))


def read_on(reading: Reading, path: Path, known: Log | None = None) -> Log:
    """A log as it is now: all of it, or on from where it is known."""
    known = known or Log()
    name = "." if path == reading.below else plain(path.relative_to(reading.below).as_posix())
    tally, position = Tally(), Position(known.state.offset)
    tally.add(known.tally)
    try:
        lines = records(reading.source, path, tally, position)
        log = reading.tool.read_log(chain(beside(reading.source, path), known.state.carry or (), lines), name)
        ends = _ends(path, position.offset) if isinstance(reading.source, JsonLines) else b""
    except (OSError, UnreadableLog) as error:
        tally.unreadable_files.append(f"{plain(path)}: {error}")
        return Log(known.requests, tally)
    tally.unreadable_records += log.unreadable_records
    tally.skipped_records += log.skipped_records
    carry = log.carry if isinstance(reading.source, JsonLines) and path.suffix != ".zst" else None
    requests = unique([*known.requests, *log.requests]) if known.requests else log.requests
    return Log(requests, tally, State(position.offset, ends, carry))


def stamp(source: Source, path: Path) -> bytes:
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


def has_only_grown(path: Path, state: State) -> bool:
    """Whether the part that was read still stands there, and more."""
    try:
        return path.stat().st_size > state.offset and _ends(path, state.offset) == state.ends
    except OSError:
        return False


def _ends(path: Path, offset: int) -> bytes:
    """The first and the last bytes of what was read."""
    if path.suffix == ".zst":
        return b""
    with path.open("rb", buffering=0) as file:
        first = file.read(min(offset, _END_BYTES))
        file.seek(max(offset - _END_BYTES, 0))
        return first + file.read(min(offset, _END_BYTES))
