"""What git itself wrote down of HEAD: the branch that was checked out at a time, the commits made, and what became of them.

A tool's log takes the branch at start or somewhat late; git writes down every move, in each worktree, for 90 days:
https://git-scm.com/docs/git-reflog
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from attribution.tools.aider import model_signed

# Prints `HEAD@{1795455171}<TAB>9ccc9fb...<TAB>Dev<TAB>Ann <ann@example.com><TAB>checkout: moving from main to fix/77`, newest
# first: the commit with its committer and its co-authors, and what was done.
_COMMIT = "%H%x09%cn%x09%(trailers:key=Co-authored-by,valueonly,separator=%x3B)"
REFLOG = ("reflog", "show", "--date=unix", f"--format=%gd%x09{_COMMIT}%x09%gs", "HEAD")
_ENTRY = re.compile(
    r"^HEAD@\{(?P<at>\d{1,11})\}\t(?P<sha>[0-9a-f]{40}(?:[0-9a-f]{24})?)\t(?P<committer>[^\t]*)\t(?P<co_authors>[^\t]*)\t"
    r"(?:checkout: moving from (?P<old>\S+) to (?P<new>\S+)$|(?P<is_commit>commit(?: \((?:initial|amend)\))?: ))?"
)
# `git checkout --detach` moves to HEAD, a checkout of a commit or a tag to its id or its name.
_DETACHED = re.compile(r"HEAD|[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Made(msgspec.Struct, frozen=True):
    """A commit that `git commit` made or amended, and when; the model with which Aider made it, None if somebody else did."""

    sha: str
    at: datetime
    aider_model: str | None = None


class BranchHistory(msgspec.Struct, frozen=True):
    """`branches[i]` was checked out from `since[i]` on, ascending. Empty text stands for a detached head. `made` by time."""

    since: tuple[datetime, ...] = ()
    branches: tuple[str, ...] = ()
    made: tuple[Made, ...] = ()

    def at(self, moment: datetime) -> str | None:
        """The branch at `moment`, or None for a time of which git has no record."""
        index = bisect_right(self.since, moment) - 1
        return self.branches[index] if index >= 0 else None


def branch_history(lines: Iterable[str]) -> BranchHistory:
    """History from what `git` with the arguments REFLOG prints. Without any checkout no branch is known."""
    entries = [match for match in map(_ENTRY.match, lines) if match][::-1]
    moves = [match for match in entries if match["new"]]
    known: list[tuple[datetime, str]] = []
    if moves:
        known = [
            (_time(entries[0]), _branch(moves[0]["old"])),
            *((_time(move), _branch(move["new"])) for move in moves),
        ]
    return BranchHistory(
        since=tuple(at for at, _ in known),
        branches=tuple(branch for _, branch in known),
        made=tuple(_made(entry) for entry in entries if entry["is_commit"]),
    )


def _made(entry: re.Match[str]) -> Made:
    return Made(entry["sha"], _time(entry), model_signed(entry["committer"], entry["co_authors"]))


def _time(entry: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(int(entry["at"]), UTC)


def _branch(name: str) -> str:
    return "" if _DETACHED.fullmatch(name) else name
