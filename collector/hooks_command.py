"""`mergecost hooks`: push automatically when a session ends, tie commits to sessions, and stop AI tools at caps."""

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from collector.files import private_folder
from collector.hooks import git, tools
from collector.hooks.changes import Change, Plan, backup_of, make
from collector.settings import SettingsError, read_settings, state_file
from collector.stamps import stamps_file
from collector.terminal import err, out


def main(argv: Sequence[str]) -> int:
    """Returns 1 if a change was refused."""
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
    try:
        return _run(options.action, guard=options.guard, dry_run=options.dry_run)
    except OSError as error:
        err(f"mergecost hooks: {error}")
        return 1


def _run(action: str, *, guard: bool, dry_run: bool) -> int:
    home, cwd, state = Path.home(), Path.cwd(), state_file(os.environ)
    if action == "status":
        return _status(home, cwd)
    if action == "install":
        plan = [*tools.install(home, state.parent, guard=guard), *git.install(cwd, stamps_file(state))]
        if not dry_run:
            private_folder(state.parent)
            _warn_without_server()
    else:
        plan = [*tools.uninstall(home), *git.uninstall(cwd)]
    return _carry_out(plan, dry_run=dry_run, undo=action == "uninstall")


def _warn_without_server() -> None:
    try:
        settings = read_settings(os.environ, None)
        if settings.remark:
            err(settings.remark)
    except SettingsError as error:
        err(f"Usage is recorded on this machine, and nothing is sent yet: {error}")


def _carry_out(plan: Plan, *, dry_run: bool, undo: bool) -> int:
    for item in plan:
        if not isinstance(item, Change):
            err(f"Not changed: {item.path} {item.why}")
            continue
        verb = "Remove" if item.after is None else "Change" if item.before is not None else "Create"
        out(f"{verb} {item.path} ({item.what})")
        if dry_run:
            out((item.after or b"").decode(errors="replace"))
            continue
        make(item)
        if undo:
            backup_of(item.path).unlink(missing_ok=True)
    if not plan:
        out("Nothing to do.")
    return 0 if all(isinstance(item, Change) for item in plan) else 1


def _status(home: Path, cwd: Path) -> int:
    for name, tool in tools.TOOLS.items():
        path = home / tool.folder / tool.file
        hooks = {"hooked": tools.HOOK, "guarded": tools.GUARD}
        status = ", ".join(word for word, hook in hooks.items() if tools.is_hooked(path, hook))
        out(_row(name, status or ("not hooked" if (home / tool.folder).is_dir() else "not found"), path))
    out(_row("git", "hooked" if git.is_installed(cwd) else "not hooked", cwd))
    return 0


def _row(name: str, status: str, path: Path) -> str:
    return f"{name:<12} {status:<15} {path}"
