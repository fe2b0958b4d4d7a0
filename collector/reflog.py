"""The branch that was checked out at a time, from git's own record of HEAD.

A tool's log takes the branch at start or somewhat late; git writes down every checkout, in each worktree, for 90 days:
https://git-scm.com/docs/git-reflog
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

# Prints `HEAD@{1795455171}<TAB>checkout: moving from main to fix/77`, newest first.
REFLOG = ("reflog", "show", "--date=unix", "--format=%gd%x09%gs", "HEAD")
_ENTRY = re.compile(r"^HEAD@\{(?P<at>\d{1,11})\}\t(?:checkout: moving from (?P<old>\S+) to (?P<new>\S+)$)?")
# `git checkout --detach` moves to HEAD, a checkout of a commit or a tag to its id or its name.
_DETACHED = re.compile(r"HEAD|[0-9a-f]{40}(?:[0-9a-f]{24})?")


class BranchHistory(msgspec.Struct, frozen=True):
    """`branches[i]` was checked out from `since[i]` on, ascending. Empty text stands for a detached head."""

    since: tuple[datetime, ...] = ()
    branches: tuple[str, ...] = ()

    def at(self, moment: datetime) -> str | None:
        """The branch at `moment`, or None for a time of which git has no record."""
        index = bisect_right(self.since, moment) - 1
        return self.branches[index] if index >= 0 else None


def branch_history(lines: Iterable[str]) -> BranchHistory:
    """History from what `git` with the arguments REFLOG prints. Without any checkout nothing is known."""
    entries = [match for match in map(_ENTRY.match, lines) if match]
    moves = [match for match in reversed(entries) if match["new"]]
    if not moves:
        return BranchHistory()
    known = [(_time(entries[-1]), _branch(moves[0]["old"])), *((_time(move), _branch(move["new"])) for move in moves)]
    return BranchHistory(since=tuple(at for at, _ in known), branches=tuple(branch for _, branch in known))


def _time(entry: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(int(entry["at"]), UTC)


def _branch(name: str) -> str:
    return "" if _DETACHED.fullmatch(name) else name
