"""Git's hooks in one repository: which session made a commit, and what became of a commit that was rewritten.

`post-commit` records a commit where the tool names its session in the environment, `post-rewrite` the old and the new ids. Both
are a few lines of shell that append to local state; nothing is added to the commit. The lines of an existing hook still run.
https://git-scm.com/docs/githooks
"""

import os
import shlex
from pathlib import Path

from collector import processes
from collector.hooks.changes import Change, Plan, Refusal, backup_of, read
from collector.stamps import SESSION_VARIABLES

BEGIN, END = b"# >>> mergecost >>>\n", b"# <<< mergecost <<<\n"
_SHELLS = (b"#!/bin/sh", b"#!/usr/bin/env sh", b"#!/bin/bash", b"#!/usr/bin/env bash", b"#!/bin/dash", b"#!/bin/zsh")


def install(cwd: Path, stamps: Path) -> Plan:
    folder = _hooks_folder(cwd)
    if folder is None:
        return []
    if why := _shared_reason(cwd, folder):
        return [Refusal(folder, why)]
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
        if before is not None and BEGIN in before and not (folder / name).is_symlink():
            after = _without(before)
            rest = after if backup_of(folder / name).exists() or after != b"#!/bin/sh\n" else None
            plan.append(Change(folder / name, before, rest, f"git: {name}", 0o755))
    return plan


def is_installed(cwd: Path) -> bool:
    folder = _hooks_folder(cwd)
    try:
        return folder is not None and BEGIN in (read(folder / "post-commit") or b"")
    except OSError:  # it cannot be read, or is no file
        return False


def _with(path: Path, block: bytes) -> Plan:
    if path.is_symlink():
        return [
            Refusal(
                path, "is a symbolic link: add the lines of `mergecost hooks install --dry-run` to its target by hand"
            )
        ]
    before = read(path)
    if before is not None and not before.startswith(_SHELLS):
        return [
            Refusal(path, "is not a shell script: add the lines of `mergecost hooks install --dry-run` to it by hand")
        ]
    base = _without(before) if before is not None else b"#!/bin/sh\n"
    # In front of the rest: the user's script may end with `exit` or `exec`.
    first, _, rest = base.partition(b"\n")
    after = first + b"\n" + block + rest
    return [] if after == before else [Change(path, before, after, f"git: {path.name}", 0o755)]


def _without(script: bytes) -> bytes:
    start = script.find(BEGIN)
    end = script.find(END, start)
    return script if start < 0 or end < 0 else script[:start] + script[end + len(END) :]


def _post_commit(stamps: Path) -> str:
    lines = [
        f'[ -n "${variable}" ] && (umask 077; printf \'commit %s %s {tool} %s\\n\' "$(date +%s)" "$(git rev-parse HEAD)" '
        f'"${variable}" 2>/dev/null >> {shlex.quote(str(stamps))})'
        for variable, tool in SESSION_VARIABLES.items()
    ]
    return "\n".join([*lines, ": # nothing here fails a commit", ""])


def _post_rewrite(stamps: Path) -> str:
    """Git writes the pairs to standard input, so these lines pass it on to the rest of the hook."""
    return (
        "mergecost_pairs=$(cat)\n"
        "printf '%s\\n' \"$mergecost_pairs\" | "
        f"(umask 077; sed 's/^/rewrite /' 2>/dev/null >> {shlex.quote(str(stamps))})\n"
        "exec <<MERGECOST_PAIRS\n$mergecost_pairs\nMERGECOST_PAIRS\n"
    )


def _hooks_folder(cwd: Path) -> Path | None:
    """Where git looks for hooks here, with `core.hooksPath`; None outside a repository."""
    try:
        path = os.fsdecode(processes.hooks_folder(os.environ, str(cwd))).removesuffix("\n")
    except processes.ProcessFailed:
        return None
    return (cwd / path).resolve() if path else None


def _shared_reason(cwd: Path, folder: Path) -> str:
    """Why the folder is not changed: hooks that are part of the working tree belong to everybody. Empty if it may be changed."""
    root = _git(cwd, "rev-parse", "--show-toplevel")
    git_dir = Path(_git(cwd, "rev-parse", "--absolute-git-dir"))
    common = (cwd / _git(cwd, "rev-parse", "--git-common-dir")).resolve()
    if any(folder.is_relative_to(private) for private in (git_dir, common)):
        return ""
    if root and folder.is_relative_to(root):
        return "holds hooks that are part of the repository: add the lines of `--dry-run` there, or use no git hook"
    return ""


def _git(cwd: Path, *arguments: str) -> str:
    try:
        return os.fsdecode(processes.git(os.environ, str(cwd), *arguments)).removesuffix("\n")
    except processes.ProcessFailed:
        return ""
