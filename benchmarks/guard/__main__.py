"""What the guard costs a tool before each of its steps: the whole process of the hook, beside the bare interpreter in the same run.

    python -m benchmarks.guard [--rounds 100]

With figures of several sizes; where nothing is over, where it refuses, and as tools run it, through a shell. All take turns in
each round, so compare within one run. Best and median, in milliseconds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from collector.guard.figures import MOST_SESSIONS, Figures
from collector.hooks.launcher import GUARD, HOOKS, install
from collector.hooks.tools import command

SESSION = "aab8820c-6dee-4d56-872a-9fb32bea7b9b"
BARE = "python -c pass"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        repository = _repository(Path(folder, "widgets"))
        event = {"session_id": SESSION, "cwd": str(repository), "hook_event_name": "PreToolUse", "tool_name": "Write"}
        stdin = json.dumps(event | {"tool_input": {"content": "x" * 4000}}).encode()
        commands = {
            BARE: [sys.executable, "-c", "pass"],
            f"sh, {BARE}": ["sh", "-c", f"{sys.executable} -c pass || true"],
        }
        for sessions in (0, 100, MOST_SESSIONS):
            state = _state_folder(Path(folder, f"state-{sessions}"), sessions, cap_micros=10**12)
            commands[f"guard, {sessions:,} sessions"] = [
                sys.executable,
                "-I",
                "-S",
                str(HOOKS[GUARD]),
                str(state),
                "claude-code",
            ]
        install(state, {})
        commands[f"guard, {MOST_SESSIONS:,} sessions, in sh"] = ["sh", "-c", command(state / GUARD, "claude-code")]
        over = _state_folder(Path(folder, "over"), 100, cap_micros=1)
        commands["guard, 100 sessions, refusing"] = [
            sys.executable,
            "-I",
            "-S",
            str(HOOKS[GUARD]),
            str(over),
            "claude-code",
        ]
        _show(_times(commands, stdin, options.rounds, sorted(Path(folder).glob("*/guard.json"))))
    return 0


def _state_folder(folder: Path, sessions: int, cap_micros: int) -> Path:
    folder.mkdir()
    figures = Figures(
        made_at=0,
        day=time.strftime("%Y-%m-%d"),
        caps={"": {kind: (cap_micros, f"{kind}_usd in config.toml") for kind in ("session", "day", "pull")}},
        day_micros=5_000_000,
        sessions={f"claude-code {i:08}{SESSION[8:]}": 5_000_000 for i in range(sessions)} | {f"claude-code {SESSION}": 5_000_000},
        repositories={f"/home/dev/work/{i}/.git": f"acme/repository-{i}" for i in range(sessions // 20)},
        branches={
            f"acme/repository-{i}": {f"feat/branch-{j}": (f"pull request #{j}", 5_000_000) for j in range(5)}
            for i in range(sessions // 20)
        },
    )  # fmt: skip
    (folder / "guard.json").write_bytes(msgspec.json.encode(figures))
    return folder


def _repository(folder: Path) -> Path:
    """As deep in it as people work."""
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/HEAD").write_text("ref: refs/heads/feat/x\n")
    (folder / "src/widgets/core").mkdir(parents=True)
    return folder / "src/widgets/core"


def _times(commands: dict[str, list[str]], stdin: bytes, rounds: int, figures: list[Path]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for path in figures:
            _make_fresh(path)
        for name, line in commands.items():
            start = time.perf_counter()
            process = subprocess.run(line, input=stdin, capture_output=True, check=True, env=os.environ)
            times[name].append((time.perf_counter() - start) * 1000)
            assert bool(process.stdout) == name.endswith("refusing"), name
    return times


def _make_fresh(path: Path) -> None:
    path.write_bytes(msgspec.json.encode(json.loads(path.read_bytes()) | {"made_at": time.time()}))


def _show(times: dict[str, list[float]]) -> None:
    bare = times[BARE]
    print(f"{'':<32}{'best ms':>9}{'median':>9}{'best':>8}{'median':>9}  of {BARE}")
    for name, took in times.items():
        best, middle = min(took), statistics.median(took)
        print(f"{name:<32}{best:>9.1f}{middle:>9.1f}{best / min(bare):>8.2f}{middle / statistics.median(bare):>9.2f}")


if __name__ == "__main__":
    sys.exit(main())
