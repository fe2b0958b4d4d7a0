"""What each piece of work takes in a repository that grows: CPU time, statements and rows read.

    python -m benchmarks.growth [--database sqlite|postgresql] [--pulls 1000 --pulls 10000 --pulls 50000] [--times 10]

The pieces are those of pull requests from their first commit to their merge, through the real worker, on the fake GitHub, whose
own CPU time is counted with them; so is that of PostgreSQL. Medians of so many pull requests.

Exit status 1: a piece takes 50 CPU ms or more (one that reads weeks, a day's changes or many sessions: 500), or in the largest
repository over 1.5 times of what it takes in the smallest.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.cpu import cpu_seconds_of
from benchmarks.databases import database
from benchmarks.growth.story import Effort, Story, with_past
from benchmarks.reads import counted
from bot.work.queue import Kind
from tests.world import World

_MOST_CPU_MS, _MOST_GROWTH = 50, 1.5
# A line of weeks, what changed in a day, the last sessions to compare with: bounded, and not yet complete in a small repository.
_OF_MANY, _MOST_CPU_MS_OF_MANY = (Kind.WEEK, Kind.LEDGER, Kind.ALERTS), 500
# Too little to be compared.
_NOISE_MS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--pulls", type=int, action="append")
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    problems = 0
    for kind in options.database or ["sqlite", "postgresql"]:
        sizes = options.pulls or [1_000, 10_000, 50_000]
        problems += _print(kind, {size: _efforts(kind, size, options.times) for size in sizes})
    return 1 if problems else 0


def _efforts(kind: str, pulls: int, times: int) -> dict[str, Effort]:
    """The median of each piece, by name."""
    with (
        tempfile.TemporaryDirectory() as folder,
        database(kind, Path(folder)) as target,
        World(target, Path(folder)) as world,
    ):
        with_past(world, pulls)
        with counted(target, steps=False) as reads:
            Story(world, reads).tell()  # imports, and what is compiled once
            story = Story(world, reads, cpu_seconds_of(target))
            for _ in range(times):
                story.tell()
            story.end()
    return {name: _median(efforts) for name, efforts in story.efforts.items()}


def _median(efforts: list[Effort]) -> Effort:
    def of(value: Callable[[Effort], float]) -> float:
        return statistics.median(map(value, efforts))

    return Effort(of(lambda e: e.cpu_ms), int(of(lambda e: e.statements)), int(of(lambda e: e.rows)), 0)


def _print(kind: str, by_size: dict[int, dict[str, Effort]]) -> int:
    """A table. Returns how many pieces take too much."""
    sizes = sorted(by_size)
    print(f"\n{kind:<42}" + "".join(f"{f'{size:,} pulls: ms':>20}{'no.':>5}{'rows':>6}" for size in sizes))
    problems = 0
    first, last = by_size[sizes[0]], by_size[sizes[-1]]
    for name in first:
        efforts = [by_size[size].get(name) for size in sizes]
        cells = "".join(f"{e.cpu_ms:>20.1f}{e.statements:>5}{e.rows:>6}" if e else f"{'':31}" for e in efforts)
        small, large = first[name].cpu_ms, last[name].cpu_ms if name in last else 0
        if name.startswith(_OF_MANY):
            is_too_much = large >= _MOST_CPU_MS_OF_MANY
        else:
            is_too_much = large >= _MOST_CPU_MS or large > max(_MOST_GROWTH * small, _NOISE_MS)
        problems += is_too_much
        print(f"{name:<42}{cells}{'  too much' if is_too_much else ''}", flush=True)
    return problems


if __name__ == "__main__":
    sys.exit(main())
