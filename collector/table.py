"""A table for a terminal, and a bar while it is made."""

import sys
import time
from collections.abc import Callable, Collection, Sequence
from unicodedata import east_asian_width

from collector.terminal import line as plain

# Called with how many logs are read, of how many.
Progress = Callable[[int, int], None]

_BAR = 30


def aligned(lines: Sequence[Sequence[str]], left: Collection[int], most_columns: int = 1000) -> list[str]:
    """Each line as text; the columns named in `left` are aligned left, the others right, for figures. The first is shortened
    where lines would be longer than `most_columns`."""
    lines = [[plain(cell) for cell in cells] for cells in lines]
    rest = [max(map(_width, column)) for column in list(zip(*lines, strict=True))[1:]]
    most = max(most_columns - sum(rest) - 2 * len(rest), 20)
    cells = [[_shortened(line[0], most), *line[1:]] for line in lines]
    widths = [max(_width(line[0]) for line in cells), *rest]
    return [
        "  ".join(
            _padded(cell, width, i in left) for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]


def bar(patience_seconds: float = 0.3) -> Progress | None:
    """Shows on standard error how far it is, if that is a terminal and it takes longer than a moment."""
    if not sys.stderr.isatty():
        return None
    start, last_line = time.monotonic(), ""

    def progress(done_count: int, count: int) -> None:
        nonlocal last_line
        full = _BAR * done_count // max(count, 1)
        line = f"\rReading logs [{'#' * full}{'.' * (_BAR - full)}] {100 * done_count // max(count, 1):>3} %"
        if done_count == count:
            line = "\r\033[K" if last_line else ""
        if line != last_line and time.monotonic() - start >= patience_seconds:
            print(line, end="", file=sys.stderr, flush=True)
            last_line = line

    return progress


def _padded(cell: str, width: int, to_left: bool) -> str:
    space = " " * (width - _width(cell))
    return cell + space if to_left else space + cell


def _width(text: str) -> int:
    """How many columns it takes: Chinese characters take two."""
    return len(text) if text.isascii() else sum(1 + (east_asian_width(c) in "WF") for c in text)


def _shortened(text: str, most: int) -> str:
    """With its begin and its end, where names differ."""
    if _width(text) <= most:
        return text
    end = most // 3
    begin = text
    while _width(begin) > most - end - 1:
        begin = begin[:-1]
    tail = text
    while _width(tail) > end:
        tail = tail[1:]
    return f"{begin}…{tail}"
