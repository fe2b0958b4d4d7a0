"""`mergecost hooks`: push when a session ends and tie commits to sessions, without anybody thinking of it."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from collector.hooks import git, tools
from collector.hooks.changes import Change, Plan, backup_of, make
from collector.settings import state_file
from collector.stamps import stamps_file


def main(argv: Sequence[str]) -> int:
    """Returns 1 if something was refused."""
    parser = ArgumentParser(
        prog="mergecost hooks",
        description="Hook the AI tools of this machine, and git in this repository. Uninstalling undoes it exactly.",
    )
    parser.add_argument("action", choices=("install", "uninstall", "status"))
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    options = parser.parse_args(argv)
    home, cwd, state = Path.home(), Path.cwd(), state_file(os.environ)
    if options.action == "status":
        return _status(home, cwd)
    if options.action == "install":
        plan = [*tools.install(home, state.parent), *git.install(cwd, stamps_file(state))]
        state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    else:
        plan = [*tools.uninstall(home), *git.uninstall(cwd)]
    return _carry_out(plan, dry_run=options.dry_run, undo=options.action == "uninstall")


def _carry_out(plan: Plan, *, dry_run: bool, undo: bool) -> int:
    refused = 0
    for one in plan:
        if not isinstance(one, Change):
            refused += 1
            print(f"Left alone: {one.path} {one.why}", file=sys.stderr)
            continue
        verb = "Remove" if one.after is None else "Change" if one.before is not None else "Make"
        print(f"{verb} {one.path} ({one.what})")
        if dry_run:
            print((one.after or b"").decode(errors="replace"))
            continue
        make(one)
        if undo:
            backup_of(one.path).unlink(missing_ok=True)
    if not plan:
        print("Nothing to do.")
    return 1 if refused else 0


def _status(home: Path, cwd: Path) -> int:
    for tool, (folder, name, _) in tools.TOOLS.items():
        path = home / folder / name
        found = "hooked" if tools.is_installed(path) else "not hooked" if (home / folder).is_dir() else "not found"
        print(f"{tool:<12} {found:<11} {path}")
    print(f"{'git':<12} {'hooked' if git.is_installed(cwd) else 'not hooked':<11} {cwd}")
    return 0
