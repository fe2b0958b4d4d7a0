"""`mergecost scan`: what the AI tools on this machine have used. Nothing leaves it."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from attribution.tools import TOOLS
from collector.logs import Tally, plain
from collector.scan import Scan, only, read_all, readings, scan_with_index, stamp_of, with_index
from collector.table import aligned, bar

if TYPE_CHECKING:
    from collector.index import Index

_HEAD = ("Tool", "Model", "Requests", "Uncached input", "Cached input", "Cache writes", "Output")


class Sums(msgspec.Struct):
    """The scan as a table: of each tool and model requests and tokens (uncached input, cached input, cache writes, output)."""

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
        encode, found = msgspec.json.Encoder().encode, scan_with_index(options.home, os.environ)
        for usage in found.usages:
            print(encode(usage).decode())
        print("".join(f"{line}\n" for line in found.tally.troubles), end="", file=sys.stderr)
    else:
        print(_text(with_index(os.environ, lambda index: _sums(options.home, os.environ, index))))
    return 0


def _sums(home: Path | None, env: Mapping[str, str], index: "Index | None") -> Sums:
    """Those of the last time, if nothing has changed since."""
    below_home = home or Path.home()
    tally = Tally()
    logs = list(readings(below_home, only(home, env), tally))
    key, stamp = f"sums {plain(below_home)}", stamp_of(logs)
    if index and (known := index.fact(key)) and known.startswith(stamp):
        return msgspec.msgpack.decode(known[len(stamp) :], type=Sums)
    sums = _sums_of(read_all(logs, below_home, index, tally, bar()))
    if index and not sums.tally.unreadable_files:  # which may be readable next time
        index.save_facts({key: stamp + msgspec.msgpack.encode(sums)})
    return sums


def _sums_of(found: Scan) -> Sums:
    sums: dict[tuple[str, str], tuple[int, int, int, int, int]] = {}
    for one in found.usages:
        name = one.tool, one.model or "unknown"
        requests, uncached, cached, written, output = sums.get(name, (0, 0, 0, 0, 0))
        sums[name] = (
            requests + 1,
            uncached + one.tokens.uncached_input,
            cached + one.tokens.cache_read,
            written + one.tokens.cache_write,
            output + one.tokens.output,
        )
    sessions = {(one.tool, one.session_id) for one in found.usages}
    return Sums(plain(found.home), found.files, len(sessions), dict(sorted(sums.items())), found.tally)


def _text(sums: Sums) -> str:
    """As text for a terminal."""
    if not sums.rows:
        looked = f"Looked below {sums.home}, or where their variables point, for the logs of {', '.join(TOOLS)}."
        return "\n".join([f"No requests found. Log files read: {sums.files}. {looked}", *sums.tally.troubles])
    total = [sum(column) for column in zip(*sums.rows.values(), strict=True)]
    rows = [(*name, *map(_grouped, row)) for name, row in sums.rows.items()]
    lines = aligned([_HEAD, *rows, ("Total", "", *map(_grouped, total))], left=(0, 1))
    counted = f"Sessions: {sums.sessions:,}. Log files read: {sums.files:,}."
    if sums.tally.skipped_records:
        counted += f" Placeholders without a request: {sums.tally.skipped_records:,}."
    return "\n".join([*lines, "", counted, *sums.tally.troubles])


def _grouped(number: int) -> str:
    return f"{number:,}"
