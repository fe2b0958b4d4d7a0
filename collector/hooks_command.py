"""`mergecost hooks`: push automatically when a session ends, tie commits to sessions, and stop AI tools at caps."""

import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from collector.client import Client
from collector.exchange import PushError
from collector.files import private_folder
from collector.guard.renew import start
from collector.hooks import git, launcher, tools
from collector.hooks.changes import Change, Plan, backup_of, make
from collector.hooks.codex_trust import HOW
from collector.settings import SettingsError, read_settings, state_file
from collector.stamps import stamps_file
from collector.terminal import err, out

_OFFLINE = (
    "`mergecost hooks install --offline` installs them all the same, to record and to guard on this machine alone."
)


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
    parser.add_argument(
        "--offline", action="store_true", help="install: also where nothing can be pushed, to record and to guard here"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    options = parser.parse_args(argv)
    try:
        if options.action == "install" and not (options.offline or options.dry_run):
            _check_push(os.environ)
        return _run(options.action, guard=options.guard, dry_run=options.dry_run)
    except (OSError, PushError, SettingsError) as error:
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
            launcher.install(state.parent, os.environ)
    else:
        plan = [*tools.uninstall(home, os.environ), *git.uninstall(cwd)]
    status = _carry_out(plan, dry_run=dry_run, undo=action == "uninstall")
    if action == "uninstall" and not dry_run:
        launcher.uninstall(state.parent)
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


def _check_push(env: Mapping[str, str]) -> None:
    """Raises SettingsError or PushError where the hooks could not push: a tool that was not started in this shell has none of its
    variables."""
    lasting = {name: value for name, value in env.items() if name not in ("MERGECOST_URL", "MERGECOST_TOKEN")}
    try:
        settings = read_settings(lasting, None)
        if settings.remark:
            err(settings.remark)
        for account in settings.accounts:
            Client(account, version("mergecost")).coverage()
    except SettingsError as error:
        only_here = "MERGECOST_URL and MERGECOST_TOKEN end with this shell, and a hook runs without them. "
        why = only_here if env.get("MERGECOST_TOKEN") else ""
        raise SettingsError(f"not installed, since nothing could be pushed: {why}{error}. {_OFFLINE}") from error
    except PushError as error:
        raise PushError(f"not installed, since nothing could be pushed: {error} {_OFFLINE}") from error


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
    dead = set[str]()
    skipped = [name for name in tools.TOOLS if tools.untrusted(name, home, os.environ)]
    for name, tool in tools.TOOLS.items():
        path = tool.path(home, os.environ)
        hooks = {"hooked": launcher.PUSH, "guarded": launcher.GUARD}
        words = [word for word, script in hooks.items() if tools.is_hooked(path, script)]
        words += ["not trusted yet"] if name in skipped else []
        problems = {problem for script in tools.scripts(path) if (problem := launcher.problem(script))}
        words += ["dead"] if problems else []
        dead |= problems
        is_here = tool.place(home, os.environ).is_dir()
        out(_row(name, ", ".join(words) or ("not hooked" if is_here else "not found"), path))
    for name, why in tools.without_hooks(home, os.environ).items():
        out(_row(name, "no hooks", why))
    out(_row("git", "hooked" if git.is_installed(cwd) else "not hooked", cwd))
    if "codex" in skipped:
        err(f"codex skips hooks that are not trusted: {HOW}.")
    for problem in sorted(dead):
        err(f"Hooks do nothing, since {problem}: run `mergecost hooks install`.")
    return 1 if dead else 0


def _row(name: str, status: str, where: Path | str) -> str:
    return f"{name:<12} {status:<15} {where}"
