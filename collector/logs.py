"""Selects the lines of a log that are worth decoding.

Transcripts are mostly text, hundreds of megabytes of it. Checking how a line begins, and searching for a tool's few needles, is
several times faster than decoding every line.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from attribution.tools.log import JsonLines

BLOCK_BYTES = 128 * 1024
# Pasted images make lines of megabytes, but no line with usage is that long.
MAX_LINE_BYTES = 16 * 1024 * 1024
# A whole log, unpacked: ten times the largest ever seen. A few bytes unpack to terabytes of nothing.
MAX_LOG_BYTES = 8 * 1024 * 1024 * 1024


class UnreadableLog(Exception):
    """A log that cannot be opened or read; the message says why."""


def plain(path: Path | str) -> str:
    """A path as text that can be printed and stored, also if it is not UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


class Tally(msgspec.Struct):
    """What was skipped."""

    unreadable_records: int = 0
    skipped_records: int = 0
    over_long_lines: int = 0
    unreadable_files: list[str] = []

    def add(self, other: "Tally") -> None:
        self.unreadable_records += other.unreadable_records
        self.skipped_records += other.skipped_records
        self.over_long_lines += other.over_long_lines
        self.unreadable_files += other.unreadable_files

    @property
    def troubles(self) -> list[str]:
        """Messages about everything that may contain requests that were not read."""
        counts = {
            "Lines that could not be read": self.unreadable_records,
            "Lines too long to read": self.over_long_lines,
        }
        lines = [f"{what}: {count:,}." for what, count in counts.items() if count]
        return lines + [f"Could not open {file}" for file in self.unreadable_files]


class Position(msgspec.Struct):
    """How far a file is read, in bytes: up to the end of its last whole line."""

    offset: int = 0


def matching_lines(
    file: BinaryIO, source: JsonLines, tally: Tally, position: Position | None = None
) -> Iterator[bytes]:
    """Whole lines with a needle of `source`, from the current position of `file` on. A last line without its line break is whole
    if it is an object that is closed; otherwise it is being written, and the next scan reads it, from `position` on. Raises
    UnreadableLog."""
    position = position or Position()
    beginning, length = list[bytes](), 0  # of a line that does not end in its block
    too_long, read = False, position.offset
    while block := file.read(BLOCK_BYTES):
        read += len(block)
        if read > MAX_LOG_BYTES:
            raise UnreadableLog(f"is larger than {MAX_LOG_BYTES >> 30} GiB")
        end = block.rfind(b"\n") + 1
        if end:
            start = block.find(b"\n") + 1
            if not too_long:
                yield from _lines(b"".join((*beginning, block[:start])), 0, length + start, source)
            yield from _lines(block, start, end, source)
            beginning, too_long = [block[end:]], False
            length = len(block) - end
            position.offset = read - length
        elif too_long or length > MAX_LINE_BYTES:
            tally.over_long_lines += not too_long
            too_long = True
            beginning.clear()
        else:
            beginning.append(block)
            length += len(block)
    if length and not too_long:
        last = list(_lines(b"".join((*beginning, b"\n")), 0, length + 1, source))
        if last and _is_closed(last[0]):
            yield from last
            position.offset = read


def _is_closed(line: bytes) -> bool:
    """Whether a line is an object up to its last brace: no beginning of one is."""
    try:
        return line.startswith(b"{") and bool(msgspec.json.decode(line, type=msgspec.Raw))
    except (msgspec.DecodeError, RecursionError):
        return False


def _lines(block: bytes, start: int, end: int, source: JsonLines) -> Iterator[bytes]:
    """Lines of `block[start:end]`, which ends in a line break, that have a needle and are not bulk."""
    find, is_bulk, needles = block.find, re.compile(source.bulk or rb"(?!)").match, source.needles
    while start < end:
        line_end = find(b"\n", start)
        if not is_bulk(block, start, line_end):
            for needle in needles:
                if find(needle, start, line_end) >= 0:
                    yield block[start:line_end]
                    break
        start = line_end + 1
