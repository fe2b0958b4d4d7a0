"""The lines of a log that are worth decoding.

Searching 64 KiB blocks for the few needles of a tool is several times faster than decoding, or even splitting, every line:
transcripts are mostly text, and hundreds of megabytes of it.
"""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

BLOCK_BYTES = 64 * 1024
# Pasted images make lines of megabytes, but no line with a usage is that long.
MAX_LINE_BYTES = 16 * 1024 * 1024


class UnreadableLog(Exception):
    """A log that cannot be opened or read; the message says why."""


class Tally(msgspec.Struct):
    """What was passed over."""

    unreadable_records: int = 0
    skipped_records: int = 0
    over_long_lines: int = 0
    unreadable_files: list[str] = []

    def add(self, other: "Tally") -> None:
        self.unreadable_records += other.unreadable_records
        self.skipped_records += other.skipped_records
        self.over_long_lines += other.over_long_lines
        self.unreadable_files += other.unreadable_files


class Position(msgspec.Struct):
    """How far a file is read: up to the end of its last whole line."""

    offset: int = 0


class State(msgspec.Struct, array_like=True):
    """`offset` bytes are read, the last of them `tail`; `carry` comes before what follows. Without `carry` a changed log is read
    whole."""

    offset: int = 0
    tail: bytes = b""
    carry: tuple[bytes, ...] | None = None
    tally: Tally = msgspec.field(default_factory=Tally)


def matching_lines(
    file: BinaryIO, needles: tuple[bytes, ...], tally: Tally, position: Position | None = None
) -> Iterator[bytes]:
    """Whole lines that hold a needle, from where `file` stands. A last line without its end is still being written: the next scan
    has it, from `position` on."""
    position = position or Position()
    buffer, too_long, read = bytearray(), False, position.offset
    while block := file.read(BLOCK_BYTES):
        searched = len(buffer)
        buffer += block
        read += len(block)
        end = buffer.rfind(b"\n", searched) + 1
        if end:
            start = buffer.find(b"\n") + 1 if too_long else 0
            too_long = False
            yield from _lines(buffer, start, end, needles)
            del buffer[:end]
            position.offset = read - len(buffer)
        elif too_long or len(buffer) > MAX_LINE_BYTES:
            tally.over_long_lines += not too_long
            too_long = True
            buffer.clear()


def _lines(buffer: bytearray, start: int, end: int, needles: tuple[bytes, ...]) -> list[bytes]:
    """Lines of `buffer[start:end]`, which ends in a line break, that hold a needle."""
    spans: set[tuple[int, int]] = set()
    for needle in needles:
        at = buffer.find(needle, start, end)
        while at >= 0:
            line_end = buffer.find(b"\n", at)
            spans.add((buffer.rfind(b"\n", start, at) + 1 or start, line_end))
            at = buffer.find(needle, line_end, end)
    with memoryview(buffer) as view:
        return [bytes(view[a:b]) for a, b in sorted(spans)]
