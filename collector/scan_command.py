"""`mergecost scan`: what the AI tools on this machine have used. Nothing leaves it."""

import os
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from attribution.tools import TOOLS
from attribution.usage import Usage
from collector.logs import Tally
from collector.scan import Scan, scan_with_index
from collector.table import aligned

_HEAD = ("Tool", "Model", "Requests", "Uncached input", "Cached input", "Cache writes", "Output")


def main(argv: Sequence[str]) -> int:
    """Print a table, or with --json one `Usage` a line."""
    parser = ArgumentParser(prog="mergecost scan", description="Show what your AI tools have used. Sends nothing.")
    parser.add_argument("--json", action="store_true", help="one request a line, as JSON")
    parser.add_argument("--home", type=Path, metavar="DIR", help="read the logs of this home folder")
    parser.add_argument("--explain", metavar="REQUEST", help="show how the figure of one request came about")
    options = parser.parse_args(argv)
    if options.explain:
        from collector.explain import explain  # noqa: PLC0415 (prices are slow to import)

        return explain(options.explain, options.home, os.environ)
    found = scan_with_index(options.home, os.environ)
    if options.json:
        encode = msgspec.json.Encoder().encode
        for usage in found.usages:
            print(encode(usage).decode())
    else:
        print(summary(found))
    return 0


def summary(found: Scan) -> str:
    """The scan as text for a terminal."""
    if not found.usages:
        looked = f"Looked below {found.home}, or where their variables point, for the logs of {', '.join(TOOLS)}."
        return "\n".join([f"No requests found. Log files read: {found.files}. {looked}", *_passed_over(found.tally)])
    sessions = {(usage.tool, usage.session_id) for usage in found.usages}
    repositories = {usage.repository for usage in found.usages if usage.repository}
    counted = f"Sessions: {len(sessions)}. Repositories: {len(repositories)}. Log files read: {found.files}."
    return "\n".join([_table(found.usages), "", counted, *_passed_over(found.tally)])


def _table(usages: list[Usage]) -> str:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for usage in usages:
        numbers = (
            1,
            usage.uncached_input_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.output_tokens,
        )
        for row in (usage.tool, usage.model or "unknown"), ("Total", ""):
            sums[row] = [a + b for a, b in zip(sums[row], numbers, strict=True)]
    total = sums.pop(("Total", ""))
    rows = [(*names, *map(_grouped, numbers)) for names, numbers in sorted(sums.items())]
    lines = [_HEAD, *rows, ("Total", "", *map(_grouped, total))]
    return "\n".join(aligned(lines, left=(0, 1)))


def _grouped(number: int) -> str:
    return f"{number:,}"


def _passed_over(tally: Tally) -> list[str]:
    """A line for each kind of thing that the scan left out."""
    counts = {
        "lines that could not be read": tally.unreadable_records,
        "lines too long to read": tally.over_long_lines,
        "placeholders without a request": tally.skipped_records,
    }
    lines = [f"Passed over: {count:,} {what}." for what, count in counts.items() if count]
    return lines + [f"Could not open {file}" for file in tally.unreadable_files]
