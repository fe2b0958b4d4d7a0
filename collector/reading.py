"""Reading one log: whether it has changed, and the requests in it now."""

from datetime import UTC, datetime
from hashlib import blake2b
from itertools import chain
from pathlib import Path

import msgspec

from attribution.tools import JsonLines, Source, Tool
from attribution.usage import Usage
from attribution.usage_merge import unique
from collector.files import open_regular
from collector.logs import Position, Tally, UnreadableLog, plain
from collector.sources import beside, records

# Enough of a log's begin and end to notice that it was rewritten.
_END_BYTES = 64
# What says that it was asked for at another time is damaged.
_FIRST, _LAST = datetime(2015, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Reading(msgspec.Struct):
    """One source of a tool's logs, below one folder."""

    tool: Tool
    source: Source
    name: str
    below: Path


class State(msgspec.Struct, array_like=True):
    """`offset` bytes are read, the first and last of them are `ends`. The records in `carry` are read again before new ones.
    Without `carry` a changed log is read as a whole."""

    offset: int = 0
    ends: bytes = b""
    carry: tuple[bytes, ...] | None = None


class Log(msgspec.Struct):
    """The content of a log as far as it is read; by default nothing."""

    requests: list[Usage] = []
    tally: Tally = msgspec.field(default_factory=Tally)
    state: State = msgspec.field(default_factory=State)

    @property
    def says_nothing(self) -> bool:
        """It cannot be read now: it is locked, or is a document that is being written."""
        return bool(self.tally.unreadable_files or (self.tally.unreadable_records and not self.requests))


def read_on(reading: Reading, path: Path, before: Log | None = None) -> Log:
    """A log as it is now. With `before` only new records are read."""
    before = before or Log()
    name = "." if path == reading.below else plain(path.relative_to(reading.below).as_posix())
    tally, position = Tally(), Position(before.state.offset)
    tally.add(before.tally)
    try:
        lines = records(reading.source, path, tally, position)
        log = reading.tool.read_log(chain(beside(reading.source, path), before.state.carry or (), lines), name)
        ends = _ends(path, position.offset) if isinstance(reading.source, JsonLines) else b""
    except (OSError, UnreadableLog) as error:
        tally.unreadable_files.append(f"{plain(path)}: {error}")
        return Log(before.requests, tally)
    tally.unreadable_records += log.unreadable_records
    tally.skipped_records += log.skipped_records
    plausible = [usage for usage in log.requests if _FIRST < usage.at < _LAST]
    tally.unreadable_records += len(log.requests) - len(plausible)
    log.requests = plausible
    carry = log.carry if isinstance(reading.source, JsonLines) and path.suffix != ".zst" else None
    requests = unique([*before.requests, *log.requests]) if before.requests else log.requests
    return Log(requests, tally, State(position.offset, ends, carry))


def stamp(source: Source, path: Path) -> bytes:
    """Changes when the log or a file beside it does."""
    try:
        status = path.stat()
        parts = [f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}".encode()]
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
    """Whether the log begins with the part that was read, and is longer."""
    try:
        return path.stat().st_size > state.offset and _ends(path, state.offset) == state.ends
    except OSError:
        return False


def _ends(path: Path, offset: int) -> bytes:
    """The first and the last bytes of the part that was read."""
    if path.suffix == ".zst":
        return b""
    with open_regular(path) as file:
        first = file.read(min(offset, _END_BYTES))
        file.seek(max(offset - _END_BYTES, 0))
        return first + file.read(min(offset, _END_BYTES))
