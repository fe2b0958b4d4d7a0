"""Attacks on a real server, and what another account and a health check notice of them.

    python -m benchmarks.attacks [--database sqlite --database postgresql] [--only NAME] [--seconds 12]

Each attack goes on while another account pushes and waits for its comment, and `/healthz` is asked every 20 ms from a process
of its own. Before and after them all the same is measured without an attack. Exit status 1: somebody had to wait, or the server
took more memory than its doors allow.
"""

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.attacks.attacks import ATTACKS, Attack, begin
from benchmarks.attacks.place import Place, percentile, watch
from benchmarks.databases import database

# A comment may come so much later than without an attack, an answer of `/healthz` take so much longer: what this machine's own
# other work makes of the same measurement without one.
COMMENT_SECONDS, HEALTH_SECONDS = 1.5, 0.5
# The budget of bodies twice, as they come and joined; and what an interpreter keeps.
MEMORY_MB = 250
_SPAWN = multiprocessing.get_context("spawn")


class Measurement(NamedTuple):
    comment_seconds: float
    health_seconds: float
    memory_mb: float
    github_requests: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--only", choices=[attack.__name__ for attack in ATTACKS])
    parser.add_argument("--seconds", type=float, default=12)
    options = parser.parse_args()
    attacks = [attack for attack in ATTACKS if options.only in (None, attack.__name__)]
    failures = [_all(kind, attacks, options.seconds) for kind in options.database or ["sqlite", "postgresql"]]
    return 1 if any(failures) else 0


def _all(kind: str, attacks: list[Attack], seconds: float) -> int:
    """How many attacks were noticed."""
    with tempfile.TemporaryDirectory(prefix="mergecost-attacks-") as folder, database(kind, Path(folder)) as filled:
        place = Place(filled, Path(folder))
        url = filled.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
        with place.open(url):
            place.deliver()
            _measured(place, seconds, 0)
            print(
                f"\n{kind}\n{'attack':<14} {'comment':>9} {'healthz p99':>12} {'memory':>8} {'GitHub':>7}", flush=True
            )
            quiet = _measured(place, seconds, 1000)
            _print("(none)", quiet, "")
            failures = 0
            for i, attack in enumerate(attacks, 2):
                thread, stop = begin(attack, place)
                try:
                    seen = _measured(place, seconds, i * 1000)
                finally:
                    stop.set()
                    thread.join()
                problems = _problems(seen, quiet)
                failures += bool(problems)
                _print(attack.__name__, seen, ", ".join(problems) or "ok")
            _print("(none)", _measured(place, seconds, 100_000), "")
    return failures


def _measured(place: Place, seconds: float, first: int) -> Measurement:
    before, stop, answers = len(place.github.requests), _SPAWN.Event(), _SPAWN.Queue()
    watcher = _SPAWN.Process(target=watch, args=(place.server.url, stop, answers), daemon=True)
    watcher.start()
    answers.get()  # it has begun
    start, times, memory = time.monotonic(), list[float](), list[float]()
    while time.monotonic() - start < seconds or len(times) < 3:
        times.append(place.seconds_to_comment(first + len(times)))
        memory.append(place.memory_mb())
    stop.set()
    health = answers.get()
    watcher.join()
    return Measurement(
        statistics.median(times), percentile(health, 0.99), max(memory), len(place.github.requests) - before
    )


def _problems(seen: Measurement, quiet: Measurement) -> list[str]:
    return [
        *(["the comment is late"] if seen.comment_seconds > quiet.comment_seconds + COMMENT_SECONDS else []),
        *(["healthz is late"] if seen.health_seconds > quiet.health_seconds + HEALTH_SECONDS else []),
        *(["memory"] if seen.memory_mb > quiet.memory_mb + MEMORY_MB else []),
    ]


def _print(name: str, of: Measurement, verdict: str) -> None:
    print(
        f"{name:<14} {of.comment_seconds:>7.2f} s {of.health_seconds * 1000:>9.0f} ms {of.memory_mb:>5.0f} MB "
        f"{of.github_requests:>7,}  {verdict}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
