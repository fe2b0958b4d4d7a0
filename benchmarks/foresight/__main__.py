"""The runaway rule over recorded sessions, and how far forecasts are off: python -m benchmarks.foresight ROOT

ROOT holds folders owner__name with sessions.jsonl and prs.jsonl. Where recorded history is too short, four simulated quarters
stand in; a simulation proves little.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.foresight import months, pulls, runaways
from benchmarks.foresight.history import histories
from benchmarks.foresight.simulated import quarters


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.foresight", description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--quarters", type=int, default=4, help="simulated, one after another; 0 for none")
    options = parser.parse_args(arguments)
    real = histories(options.root)
    runaways.report(real)
    print(
        "\nForecasts: median absolute errors. `shown` have their past error printed beside them, `said` is its median."
    )
    months.report("months, recorded", real)
    months.report("30 days from each week on, recorded", real, rolling=True)
    pulls.report("pull requests, recorded, by time since they were opened and by part of their life", real)
    if options.quarters:
        simulated = quarters(options.quarters)
        months.report(f"months, simulated ({options.quarters} quarters)", simulated)


if __name__ == "__main__":
    main()
