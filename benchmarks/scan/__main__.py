"""What a scan of the logs costs: CPU and wall time and peak memory, against ccusage and tokscale in the same run.

    python -m benchmarks.scan [--megabytes 500] [--rounds 3] [--long | --home FOLDER]

Each program starts as a process of its own: cold with nothing kept from before, once more on the unchanged home, and after a few
sessions went on. Rounds alternate, so compare within one. What each program adds up is compared with what was written. Also what
a hook costs as a whole process, beside the bare interpreter.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.scan.corpus import Corpus, grow, make
from collector.hooks.launcher import HOOKS, PUSH
from tests.node import npm_ci

FOLDER = Path(__file__).parent
WHENS = ("cold", "unchanged", "grown")


@dataclass
class Run:
    """CPU and wall seconds and peak KiB of a process with its children, and the share of the corpus's tokens that it found."""

    cpu: float
    wall: float
    peak: int
    share: float


@dataclass
class Program:
    name: str
    command: list[str]
    tokens: Callable[[str], int]
    runs: dict[str, list[Run]] = field(default_factory=lambda: {when: [] for when in WHENS})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="measure on this home instead of one that is made")
    parser.add_argument("--long", action="store_true", help="long sessions: most bytes are results of tools")
    options = parser.parse_args()
    npm_ci(FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder, "home")
        corpus = make(home, options.megabytes, options.long) if options.home is None else None
        size = sum(path.stat().st_size for path in home.rglob("*.jsonl"))
        print(f"{size / 1e6:,.0f} MB in {sum(1 for _ in home.rglob('*.jsonl')):,} logs")
        programs = list(_programs())
        for number in range(options.rounds):
            _round(programs, home, Path(folder, f"caches-{number}"), corpus)
    _show(programs)
    _hook(options.rounds)
    return 0


def _programs() -> Iterator[Program]:
    yield Program("mergecost scan", [sys.executable, "-m", "collector.command", "scan"], _of_table)
    # The binaries themselves: the start of Node is not theirs.
    for pattern, name, arguments, tokens in (
        ("@ccusage/*/bin/ccusage", "ccusage daily", ["daily", "--offline", "--json"], _of_ccusage),
        ("@tokscale/*/bin/tokscale", "tokscale models", ["models", "--json", "--no-spinner"], _of_tokscale),
    ):
        for binary in (FOLDER / "node_modules").glob(pattern):
            binary.chmod(0o755)
            yield Program(name, [str(binary), *arguments], tokens)


def _of_table(output: str) -> int:
    total = next(line for line in output.splitlines() if line.startswith("Total"))
    return sum(int(figure.replace(",", "")) for figure in re.findall(r"[\d,]+", total)[1:])


def _of_ccusage(output: str) -> int:
    return json.loads(output)["totals"]["totalTokens"]


def _of_tokscale(output: str) -> int:
    kinds = ("input", "cacheRead", "cacheWrite", "output", "reasoning")
    return sum(entry[kind] for entry in json.loads(output)["entries"] for kind in kinds)


def _round(programs: list[Program], home: Path, caches: Path, corpus: Corpus | None) -> None:
    for program in programs:
        for when in ("cold", "unchanged"):
            program.runs[when].append(_run(program, home, caches / program.name, corpus))
    if corpus:
        grow(corpus)
        for program in programs:
            program.runs["grown"].append(_run(program, home, caches / program.name, corpus))


def _run(program: Program, home: Path, caches: Path, corpus: Corpus | None) -> Run:
    """Run it once; its caches are in the folder `caches`."""
    env = {
        "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(FOLDER.parents[1]),
        "XDG_CACHE_HOME": str(caches / "cache"), "XDG_STATE_HOME": str(caches / "state"),
        "XDG_CONFIG_HOME": str(caches / "config"), "XDG_DATA_HOME": str(caches / "data"),
    }  # fmt: skip
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen(program.command, env=env, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            print(f"{program.name} ended with {process.returncode}", file=sys.stderr)
        out.seek(0)
        share = program.tokens(out.read()) / sum(corpus.tokens) if corpus else 1
        return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss, share)


def _show(programs: list[Program]) -> None:
    print(f"{'':<16}{'':<11}{'CPU s':>8}{'wall s':>8}{'MiB':>6}{'tokens':>9}  CPU of ours to it, round by round")
    ours = programs[0]
    for when in WHENS:
        for program in programs if ours.runs[when] else ():
            runs = program.runs[when]
            figures = zip(*((run.cpu, run.wall, run.peak, run.share) for run in runs), strict=True)
            cpu, wall, peak, share = map(statistics.median, figures)
            ratios = (
                [f"{a.cpu / b.cpu:.2f}" for a, b in zip(ours.runs[when], runs, strict=True)]
                if program is not ours
                else []
            )
            row = f"{program.name:<16}{when:<11}{cpu:>8.3f}{wall:>8.2f}{peak / 1024:>6.0f}{share:>9.2%}  {' '.join(ratios)}"
            print(row.rstrip())


def _hook(rounds: int) -> None:
    """The hook's process itself; the push that it starts goes on without it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # a push may still end there
        env = {"PATH": os.environ["PATH"], "HOME": folder, "MERGECOST_STATE": f"{folder}/state/state.db"}
        Path(folder, "state").mkdir()
        times: dict[str, list[float]] = {"python -c pass": [], "hook": []}
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "hook": [sys.executable, "-I", "-S", str(HOOKS[PUSH]), f"{folder}/state"],
        }
        # Held, so that the push that each hook starts is gone at once.
        with Path(folder, "state/push.lock").open("w") as lock:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            for _ in range(20 * rounds):
                for name, command in commands.items():
                    start = time.perf_counter()
                    subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL)
                    times[name].append(time.perf_counter() - start)
        bare, hook = (statistics.median(seconds) * 1000 for seconds in times.values())
        print(f"\nhook {hook:.1f} ms, python -c pass {bare:.1f} ms: {hook / bare:.2f}")


if __name__ == "__main__":
    sys.exit(main())
