"""What a scan of the logs costs: CPU and wall time and peak memory, against ccusage in the same run.

    python -m benchmarks.scan [--megabytes 500] [--rounds 3] [--home FOLDER]

Each program starts as a process of its own: cold with nothing kept from before, and once more on the unchanged home. Rounds
alternate, so compare within one. Also what a hook costs as a whole process, beside the bare interpreter.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.scan.corpus import make
from collector.hooks.tools import HOOK
from tests.node import node, npm_ci

FOLDER = Path(__file__).parent


@dataclass
class Program:
    name: str
    command: list[str]
    keeps: bool = True
    runs: dict[str, list[tuple[float, float, int]]] = field(default_factory=lambda: {"cold": [], "unchanged": []})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="measure on this home instead of one that is made")
    options = parser.parse_args()
    npm_ci(FOLDER)
    with tempfile.TemporaryDirectory() as made:
        home = options.home or Path(made, "home")
        if options.home is None:
            make(home, options.megabytes)
        size = sum(path.stat().st_size for path in home.rglob("*.jsonl"))
        print(f"{size / 1e6:,.0f} MB in {sum(1 for _ in home.rglob('*.jsonl')):,} logs")
        programs = _programs()
        for _ in range(options.rounds):
            for program in programs:
                _round(program, home, Path(made, "kept"))
    _show(programs)
    _hook(options.rounds)
    return 0


def _programs() -> list[Program]:
    own = [sys.executable, "-m", "collector.command", "scan"]
    bin_folder = FOLDER / "node_modules/.bin"
    return [
        Program("mergecost scan", own),
        Program("ccusage daily", [node(), str(bin_folder / "ccusage"), "daily", "--offline", "--json"]),
    ]


def _round(program: Program, home: Path, kept: Path) -> None:
    shutil.rmtree(kept, ignore_errors=True)
    for when in ("cold", "unchanged"):
        program.runs[when].append(_run(program.command, home, kept))


def _run(command: list[str], home: Path, kept: Path) -> tuple[float, float, int]:
    """CPU seconds, wall seconds and peak KiB of one process with its children. Its caches lie in `kept`."""
    env = {
        "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(FOLDER.parents[1]), "XDG_CACHE_HOME": str(kept / "cache"),
        "XDG_STATE_HOME": str(kept / "state"), "XDG_CONFIG_HOME": str(kept / "config"), "XDG_DATA_HOME": str(kept / "data"),
    }  # fmt: skip
    started = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print(f"{command[:3]} ended with {process.returncode}", file=sys.stderr)
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss


def _show(programs: list[Program]) -> None:
    print(f"{'':<18}{'':<11}{'CPU s':>8}{'wall s':>8}{'MiB':>6}  CPU of ours to it, round by round")
    ours = programs[0]
    for when in ("cold", "unchanged"):
        for program in programs:
            cpu, wall, peak = (statistics.median(run[i] for run in program.runs[when]) for i in range(3))
            ratios = [a[0] / b[0] for a, b in zip(ours.runs[when], program.runs[when], strict=True)]
            shown = " ".join(f"{ratio:.2f}" for ratio in ratios) if program is not ours else ""
            print(f"{program.name:<18}{when:<11}{cpu:>8.3f}{wall:>8.2f}{peak / 1024:>6.0f}  {shown}")


def _hook(rounds: int) -> None:
    """The hook's process itself; the push that it starts goes on without it."""
    with tempfile.TemporaryDirectory() as folder:
        env = {"PATH": os.environ["PATH"], "HOME": folder, "MERGECOST_STATE": f"{folder}/state/state.db"}
        Path(folder, "state").mkdir()
        times: dict[str, list[float]] = {"python -c pass": [], "hook": []}
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "hook": [sys.executable, "-I", "-S", str(HOOK), f"{folder}/state"],
        }
        # Held, so that the push that each hook starts is gone at once.
        with Path(folder, "state/push.lock").open("w") as lock:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            for _ in range(20 * rounds):
                for name, command in commands.items():
                    started = time.perf_counter()
                    subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL)
                    times[name].append(time.perf_counter() - started)
        bare, hook = (statistics.median(found) * 1000 for found in times.values())
        print(f"\nhook {hook:.1f} ms, python -c pass {bare:.1f} ms: {hook / bare:.2f}")


if __name__ == "__main__":
    sys.exit(main())
