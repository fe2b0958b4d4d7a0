"""Git's hooks in one repository: which session made a commit, and what became of a commit that was rewritten.

`post-commit` notes a session's commit where the tool says its session in the environment, `post-rewrite` the old and the new ids.
Both are a few lines of shell that append to local state; nothing is added to the commit. What a hook did before it still does.
https://git-scm.com/docs/githooks
"""

import os
import shlex
import subprocess
from pathlib import Path

from collector.hooks.changes import Change, Plan, Refused, backup_of, read
from collector.stamps import SESSION_VARIABLES

BEGIN, END = b"# >>> mergecost >>>\n", b"# <<< mergecost <<<\n"
_SHELLS = (b"#!/bin/sh", b"#!/usr/bin/env sh", b"#!/bin/bash", b"#!/usr/bin/env bash", b"#!/bin/dash", b"#!/bin/zsh")


def install(cwd: Path, stamps: Path) -> Plan:
    folder = _hooks_folder(cwd)
    if folder is None:
        return []
    if why := _is_shared(cwd, folder):
        return [Refused(folder, why)]
    plan: Plan = []
    for name, lines in (("post-commit", _post_commit(stamps)), ("post-rewrite", _post_rewrite(stamps))):
        plan += _with(folder / name, BEGIN + lines.encode() + END)
    return plan


def uninstall(cwd: Path) -> Plan:
    folder = _hooks_folder(cwd)
    if folder is None:
        return []
    plan: Plan = []
    for name in ("post-commit", "post-rewrite"):
        before = read(folder / name)
        if before is not None and BEGIN in before:
            after = _without(before)
            whole = after if backup_of(folder / name).exists() or after != b"#!/bin/sh\n" else None
            plan.append(Change(folder / name, before, whole, f"git: {name}", 0o755))
    return plan


def is_installed(cwd: Path) -> bool:
    folder = _hooks_folder(cwd)
    return folder is not None and BEGIN in (read(folder / "post-commit") or b"")


def _with(path: Path, block: bytes) -> Plan:
    before = read(path)
    if before is not None and not before.startswith(_SHELLS):
        return [Refused(path, "is no shell script: add the lines of `mergecost hooks install --dry-run` to it by hand")]
    base = _without(before) if before is not None else b"#!/bin/sh\n"
    # In front of the rest: a script of the user's may end with `exit` or `exec`.
    first, _, rest = base.partition(b"\n")
    after = first + b"\n" + block + rest
    return [] if after == before else [Change(path, before, after, f"git: {path.name}", 0o755)]


def _without(script: bytes) -> bytes:
    start = script.find(BEGIN)
    end = script.find(END, start)
    return script if start < 0 or end < 0 else script[:start] + script[end + len(END) :]


def _post_commit(stamps: Path) -> str:
    lines = [
        f'[ -n "${variable}" ] && printf \'commit %s %s {tool} %s\\n\' "$(date +%s)" "$(git rev-parse HEAD)" "${variable}" '
        f"2>/dev/null >> {shlex.quote(str(stamps))}"
        for variable, tool in SESSION_VARIABLES.items()
    ]
    return "\n".join([*lines, ": # nothing here fails a commit", ""])


def _post_rewrite(stamps: Path) -> str:
    """Git tells the pairs on standard input, so the hook passes it on to whoever else reads it."""
    return (
        "mergecost_pairs=$(cat)\n"
        f"printf '%s\\n' \"$mergecost_pairs\" | sed 's/^/rewrite /' 2>/dev/null >> {shlex.quote(str(stamps))}\n"
        "exec <<MERGECOST_PAIRS\n$mergecost_pairs\nMERGECOST_PAIRS\n"
    )


def _hooks_folder(cwd: Path) -> Path | None:
    """Where git looks for hooks here, `core.hooksPath` respected; None outside a repository."""
    said = _git(cwd, "rev-parse", "--git-path", "hooks")
    return (cwd / said).resolve() if said else None


def _is_shared(cwd: Path, folder: Path) -> str:
    """Hooks that are part of the working tree are everybody's: those are not ours to change."""
    root = _git(cwd, "rev-parse", "--show-toplevel")
    git_dir = Path(_git(cwd, "rev-parse", "--absolute-git-dir"))
    common = (cwd / _git(cwd, "rev-parse", "--git-common-dir")).resolve()
    if any(folder.is_relative_to(private) for private in (git_dir, common)):
        return ""
    if root and folder.is_relative_to(root):
        return "holds hooks that are part of the repository: add the lines of `--dry-run` there, or use no git hook"
    return ""


def _git(cwd: Path, *arguments: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(["git", "-C", str(cwd), *arguments], capture_output=True, env=env, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return ""
    return os.fsdecode(done.stdout).removesuffix("\n")
