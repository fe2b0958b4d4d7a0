"""A quarter of work, seeded, through the real app with GitHub faked: every weekly issue is there once and sums to the ledger.

python -m benchmarks.quarter [--database sqlite|postgresql] [--pulls 1500] [--sessions 60000] [--out FOLDER]
"""

import argparse
import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.databases import database
from benchmarks.quarter.checks import problems
from benchmarks.quarter.plan import FIRST_DAY, plans, timeline
from benchmarks.quarter.play import Quarter
from bot.clock import to_ms
from bot.repository_settings import OperatorSettings
from bot.store.ledger_tables import charges
from tests.world import World

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")


def play(kind: str, options: argparse.Namespace) -> int:
    """Play the quarter on one database. Returns how many things were wrong."""
    rng = random.Random(options.seed)
    names = ["acme/widgets", *(f"acme/service-{i}" for i in range(1, options.repositories))]
    zones = {name: ZONES[i % len(ZONES)] for i, name in enumerate(names)}
    operator = OperatorSettings(repository={name: {"time_zone": zone} for name, zone in zones.items()})
    planned = plans(rng, options.repositories, options.pulls, options.sessions)
    for plan in planned:  # most of it happens in few repositories
        plan.repository = rng.choices(range(options.repositories), [1 / (i + 1) for i in range(options.repositories)])[
            0
        ]
    events = timeline(rng, planned, round(options.sessions * 0.08), options.repositories)
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as target:
        start, cpu = time.monotonic(), time.process_time()
        with World(target, Path(folder), operator=operator, now_ms=to_ms(FIRST_DAY - timedelta(hours=2))) as world:
            quarter = Quarter(world, rng, options.repositories)
            quarter.play(
                sorted(events, key=lambda event: event[0]), lambda line: print(line, file=sys.stderr, flush=True)
            )
            seconds, cpu_seconds = time.monotonic() - start, time.process_time() - cpu
            with target.read() as connection:
                requests = connection.execute(select(func.count()).select_from(charges)).scalar_one()
            issues = sum(len(world.weeks(repository)) for repository in quarter.repositories)
            print(f"{kind}: {len(planned):,} pull requests, {quarter.sessions_count:,} sessions, {requests:,} requests")
            print(
                f"  {seconds:.0f} s, {cpu_seconds:.0f} s of CPU; {world.writes():,} writes to GitHub, {issues} weekly issues"
            )
            mistakes = list(problems(quarter, zones))
            if options.out:
                _keep(quarter, options.out)
    print("".join(f"  {problem}\n" for problem in mistakes[:20]) + f"  {len(mistakes)} problems", flush=True)
    return len(mistakes)


def _keep(quarter: Quarter, out: Path) -> None:
    """Every weekly issue and every comment on an issue, to look at."""
    out.mkdir(parents=True, exist_ok=True)
    for repository in quarter.repositories:
        for issue in quarter.world.weeks(repository):
            text = (issue.body or "").partition(" -->\n")[2]
            (out / f"{repository.name}-{issue.number}.md").write_text(f"# {issue.title}\n\n{text}\n")
        for comment in repository.comments.values():
            if "This issue cost" in comment.body:
                text = comment.body.partition(" -->\n")[2]
                (out / f"{repository.name}-issue-{comment.issue.number}.md").write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.quarter", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--repositories", type=int, default=12)
    parser.add_argument("--pulls", type=int, default=1500)
    parser.add_argument("--sessions", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=47)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    return min(1, sum(play(kind, options) for kind in options.database or ["sqlite", "postgresql"]))


if __name__ == "__main__":
    sys.exit(main())
