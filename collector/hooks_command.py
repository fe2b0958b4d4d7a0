"""`mergecost hooks`: push automatically when a session ends, tie commits to sessions, and stop AI tools at caps."""

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from collector.files import private_folder
from collector.guard.renew import start
from collector.hooks import git, tools
from collector.hooks.changes import Change, Plan, backup_of, make
from collector.hooks.codex_trust import HOW
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
        plan = [*tools.install(home, os.environ, state.parent, guard=guard), *git.install(cwd, stamps_file(state))]
        if not dry_run:
            private_folder(state.parent)
            _warn_without_server()
    else:
        plan = [*tools.uninstall(home, os.environ), *git.uninstall(cwd)]
    status = _carry_out(plan, dry_run=dry_run, undo=action == "uninstall")
    if action == "install" and not dry_run:
        _after_install(home)
    return status


def _after_install(home: Path) -> None:
    """The guard's first figures, so that it stops what is over a cap now; and what still stands between hooks and their work."""
    if tools.tools_with_guard(home, os.environ):
        start(os.environ)
    if tools.untrusted("codex", home, os.environ):
        err(f"codex runs none of these hooks yet, and stops at no cap: {HOW}.")
    for name, why in tools.without_hooks(home, os.environ).items():
        err(f"{name} is not hooked: {why}. A timer pushes what it logs.")


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
    skipped = [name for name in tools.TOOLS if tools.untrusted(name, home, os.environ)]
    for name, tool in tools.TOOLS.items():
        path = tool.path(home, os.environ)
        hooks = {"hooked": tools.HOOK, "guarded": tools.GUARD}
        words = [word for word, hook in hooks.items() if tools.is_hooked(path, hook)]
        words += ["not trusted yet"] if name in skipped else []
        is_here = tool.place(home, os.environ).is_dir()
        out(_row(name, ", ".join(words) or ("not hooked" if is_here else "not found"), path))
    for name, why in tools.without_hooks(home, os.environ).items():
        out(_row(name, "no hooks", why))
    out(_row("git", "hooked" if git.is_installed(cwd) else "not hooked", cwd))
    if "codex" in skipped:
        err(f"codex skips hooks that are not trusted: {HOW}.")
    return 0


def _row(name: str, status: str, where: Path | str) -> str:
    return f"{name:<12} {status:<15} {where}"
