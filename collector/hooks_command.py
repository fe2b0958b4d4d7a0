"""`mergecost hooks`: push when a session ends, tie commits to sessions, and stop at caps, without anybody thinking of it."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from collector.hooks import git, tools
from collector.hooks.changes import Change, Plan, backup_of, make
from collector.settings import SettingsError, read_settings, state_file
from collector.stamps import stamps_file


def main(argv: Sequence[str]) -> int:
    """Returns 1 if something was refused."""
    parser = ArgumentParser(
        prog="mergecost hooks",
        description="Hook the AI tools of this machine, and git in this repository. Uninstalling undoes it exactly.",
    )
    parser.add_argument("action", choices=("install", "uninstall", "status"))
    parser.add_argument(
        "--guard", action="store_true", help="install: also let `mergecost guard` stop the tools at their caps"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    options = parser.parse_args(argv)
    home, cwd, state = Path.home(), Path.cwd(), state_file(os.environ)
    if options.action == "status":
        return _status(home, cwd)
    if options.action == "install":
        plan = [*tools.install(home, state.parent, guard=options.guard), *git.install(cwd, stamps_file(state))]
        if not options.dry_run:
            state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _say_if_nothing_is_sent()
    else:
        plan = [*tools.uninstall(home), *git.uninstall(cwd)]
    return _carry_out(plan, dry_run=options.dry_run, undo=options.action == "uninstall")


def _say_if_nothing_is_sent() -> None:
    try:
        read_settings(os.environ, None)
    except SettingsError as error:
        print(f"What the logs say is kept, and nothing is sent yet: {error}", file=sys.stderr)


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
    for name, tool in tools.TOOLS.items():
        path = home / tool.folder / tool.file
        hooks = {"hooked": tools.HOOK, "guarded": tools.GUARD}
        found = ", ".join(word for word, hook in hooks.items() if tools.is_hooked(path, hook))
        print(_row(name, found or ("not hooked" if (home / tool.folder).is_dir() else "not found"), path))
    print(_row("git", "hooked" if git.is_installed(cwd) else "not hooked", cwd))
    return 0


def _row(name: str, found: str, path: Path) -> str:
    return f"{name:<12} {found:<15} {path}"
