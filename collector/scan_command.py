"""`mergecost scan`: what the AI tools on this machine have used. Nothing is sent."""

import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from attribution.tools import TOOLS
from collector.logs import Tally, plain
from collector.scan import Scan, only, read_all, readings, scan_with_index, with_index
from collector.settings import index_file
from collector.table import aligned, bar
from collector.terminal import err, out, out_json
from collector.unchanged import Places, last_scan_file

if TYPE_CHECKING:
    from collector.index import Index

_HEAD = ("Tool", "Model", "Requests", "Uncached input", "Cached input", "Cache writes", "Output")


class Sums(msgspec.Struct):
    """The scan as a table: by tool and model, requests and tokens (uncached input, cached input, cache writes, output)."""

    home: str
    files: int
    sessions: int
    rows: dict[tuple[str, str], tuple[int, int, int, int, int]]
    tally: Tally


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
    if options.json:
        encode, scan = msgspec.json.Encoder().encode, scan_with_index(options.home, os.environ)
        for usage in scan.usages:
            out_json(encode(usage))
        for trouble in scan.tally.troubles:
            err(trouble)
    else:
        _show(options.home)
    return 0


def _show(home: Path | None) -> None:
    places = Places(os.environ)
    sums = with_index(os.environ, lambda index: _sums(home, os.environ, index, places))
    text = _text(sums)
    out(text)
    if not (home or sums.tally.unreadable_files):  # they may be readable next time
        places.look(f"@{index_file(os.environ)}")
        places.save(last_scan_file(os.environ), text)


def _sums(home: Path | None, env: Mapping[str, str], index: "Index | None", places: Places) -> Sums:
    places.look("~")
    tally, below_home = Tally(), home or Path.home()
    logs = list(readings(below_home, only(home, env), tally, places.look))
    return _sums_of(read_all(logs, below_home, index, tally, bar()))


def _sums_of(scan: Scan) -> Sums:
    sums: dict[tuple[str, str], tuple[int, int, int, int, int]] = {}
    for usage in scan.usages:
        name = usage.tool, usage.model or "unknown"
        requests, uncached_input, cache_reads, cache_writes, output = sums.get(name, (0, 0, 0, 0, 0))
        sums[name] = (
            requests + 1,
            uncached_input + usage.tokens.uncached_input,
            cache_reads + usage.tokens.cache_read,
            cache_writes + usage.tokens.cache_write,
            output + usage.tokens.output,
        )
    sessions = {(usage.tool, usage.session_id) for usage in scan.usages}
    return Sums(plain(scan.home), scan.files, len(sessions), dict(sorted(sums.items())), scan.tally)


def _text(sums: Sums) -> str:
    """As text for a terminal."""
    if not sums.rows:
        where = f"Looked below {sums.home}, or where their variables point, for the logs of {', '.join(TOOLS)}."
        return "\n".join([f"No requests found. Log files read: {sums.files}. {where}", *sums.tally.troubles])
    total = [sum(column) for column in zip(*sums.rows.values(), strict=True)]
    rows = [(*name, *map(_with_commas, row)) for name, row in sums.rows.items()]
    lines = aligned([_HEAD, *rows, ("Total", "", *map(_with_commas, total))], left=(0, 1))
    summary = f"Sessions: {sums.sessions:,}. Log files read: {sums.files:,}."
    if sums.tally.skipped_records:
        summary += f" Placeholders without a request: {sums.tally.skipped_records:,}."
    return "\n".join([*lines, "", summary, *sums.tally.troubles])


def _with_commas(number: int) -> str:
    return f"{number:,}"
