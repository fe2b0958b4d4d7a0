"""The ledger with ten million charges beside one with a thousandth: bytes a charge, how long each use takes, whole reads.

python -m benchmarks.ten_million [--charges 10000000] [--database sqlite --database postgresql]

Exit status 1: a statement reads a whole growing table.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.databases import database
from benchmarks.plans import collected, whole_reads
from benchmarks.ten_million.fill import bytes_on_disk, fill
from benchmarks.ten_million.uses import Duration, durations

_FEW = 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.ten_million", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--charges", type=int, default=10_000_000)
    options = parser.parse_args()
    problems = 0
    for kind in options.database or ["sqlite", "postgresql"]:
        few, _ = _measure(kind, max(options.charges // _FEW, 6000))
        many, reads = _measure(kind, options.charges)
        print(f"\n{'ms':<38}{'few: wall':>12}{'CPU':>8}{'many: wall':>12}{'p99':>9}{'CPU':>8}")
        for name, duration in many.items():
            before = few[name]
            print(
                f"{name:<38}{before.wall_ms:>12.1f}{before.cpu_ms:>8.1f}{duration.wall_ms:>12.1f}{duration.wall_p99_ms:>9.1f}"
                f"{duration.cpu_ms:>8.1f}"
            )
        print(f"\n{len(reads)} plans read a growing table whole", *reads, sep="\n  ", flush=True)
        problems += len(reads)
    return 1 if problems else 0


def _measure(kind: str, charges: int) -> tuple[dict[str, Duration], list[str]]:
    """How long each use takes, and what is read whole."""
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as target:
        start = time.perf_counter()
        count, pulls = fill(target, charges)
        print(f"\n{kind}, {count:,} charges, filled in {time.perf_counter() - start:,.0f} s", flush=True)
        sizes = bytes_on_disk(target)
        for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
            print(f"  {name:<24}{size / count:>8.1f} bytes a charge")
        print(f"  {'':<24}{sum(sizes.values()) / count:>8.1f}", flush=True)
        with collected(target) as statements:
            measured = durations(target, pulls)
        return measured, whole_reads(target, statements)


if __name__ == "__main__":
    sys.exit(main())
