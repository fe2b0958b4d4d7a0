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
    r"(?:checkout: moving from (?P<old>\S+) to (?P<new>\S+)$"
    r"|Branch: renamed refs/heads/(?P<was>\S+) to refs/heads/(?P<now>\S+)$"
    r"|rebase[^:]*: returning to refs/heads/(?P<back>\S+)$"
    r"|(?P<is_commit>commit(?: \((?:initial|amend)\))?: ))?"
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


def branch_history(lines: Iterable[str], head: str = "") -> BranchHistory:
    """History from what `git` with the arguments REFLOG prints. `head` is the branch that is checked out now: where git wrote
    down no move, it was checked out all the time."""
    entries = [match for match in map(_ENTRY.match, lines) if match][::-1]
    known = _moves(entries) or [(_time(entry), head) for entry in entries[:1] if head]
    return BranchHistory(
        since=tuple(at for at, _ in known),
        branches=tuple(branch for _, branch in known),
        made=tuple(_made(entry) for entry in entries if entry["is_commit"]),
    )


def _made(entry: re.Match[str]) -> Made:
    return Made(entry["sha"], _time(entry), model_signed(entry["committer"], entry["co_authors"]))


def _moves(entries: list[re.Match[str]]) -> list[tuple[datetime, str]]:
    """The branch from each move on. `git rebase main topic` moves to `topic` without a checkout."""
    known: list[tuple[datetime, str]] = []
    for entry in entries:
        if entry["new"]:
            known = known or [(_time(entries[0]), _branch(entry["old"]))]
            known.append((_time(entry), _branch(entry["new"])))
        elif entry["now"]:
            # Work on a branch goes with it when it is renamed; an earlier one of that name is another branch.
            same = bool(known) and known[-1][1] == entry["was"]
            since = known.pop()[0] if same else _time(entry if known else entries[0])
            known.append((since, entry["now"]))
        elif entry["back"]:
            known.append((_time(entry), entry["back"]))
    return known


def _time(entry: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(int(entry["at"]), UTC)


def _branch(name: str) -> str:
    return "" if _DETACHED.fullmatch(name) else name
