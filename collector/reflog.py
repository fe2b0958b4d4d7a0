"""The reflog of HEAD: which branch was checked out at a time, and which commits were made.

A tool's log has the branch of the session's start, or notices a change late. Git records every move, in each worktree, for 90 days:
https://git-scm.com/docs/git-reflog
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from attribution.tools.aider import model_signed

# Prints `HEAD@{1795455171}<TAB>9ccc9fb...<TAB>Dev<TAB>Ann <ann@example.com><TAB>checkout: moving from main to fix/77`, newest
# first: the commit with its committer and its co-authors, and the action.
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
_DETACHED_HEAD = re.compile(r"HEAD|[0-9a-f]{40}(?:[0-9a-f]{24})?")


class LocalCommit(msgspec.Struct, frozen=True):
    """A commit that `git commit` made or amended, and when. `aider_model` is None if Aider did not make it."""

    sha: str
    at: datetime
    aider_model: str | None = None


class BranchHistory(msgspec.Struct, frozen=True):
    """`branches[i]` was checked out from `since[i]` on, ascending. Empty text stands for a detached head. `commits` are by time."""

    since: tuple[datetime, ...] = ()
    branches: tuple[str, ...] = ()
    commits: tuple[LocalCommit, ...] = ()

    def at(self, moment: datetime) -> str | None:
        """The branch at `moment`, or None for a time before the reflog."""
        index = bisect_right(self.since, moment) - 1
        return self.branches[index] if index >= 0 else None


def branch_history(lines: Iterable[str], head: str = "") -> BranchHistory:
    """History from the output of `git` with the arguments REFLOG. `head` is the branch that is checked out now: if the reflog has
    no move, it was checked out all the time."""
    entries = [match for match in map(_ENTRY.match, lines) if match][::-1]
    moves = _moves(entries) or [(_time(entry), head) for entry in entries[:1] if head]
    return BranchHistory(
        since=tuple(at for at, _ in moves),
        branches=tuple(branch for _, branch in moves),
        commits=tuple(_commit(entry) for entry in entries if entry["is_commit"]),
    )


def _commit(entry: re.Match[str]) -> LocalCommit:
    return LocalCommit(entry["sha"], _time(entry), model_signed(entry["committer"], entry["co_authors"]))


def _moves(entries: list[re.Match[str]]) -> list[tuple[datetime, str]]:
    """The branch from each move on. `git rebase main topic` moves to `topic` without a checkout."""
    moves: list[tuple[datetime, str]] = []
    for entry in entries:
        if entry["new"]:
            moves = moves or [(_time(entries[0]), _branch(entry["old"]))]
            moves.append((_time(entry), _branch(entry["new"])))
        elif entry["now"]:
            # A renamed branch takes its work with it. An earlier branch of the old name is another branch.
            same = bool(moves) and moves[-1][1] == entry["was"]
            since = moves.pop()[0] if same else _time(entry if moves else entries[0])
            moves.append((since, entry["now"]))
        elif entry["back"]:
            moves.append((_time(entry), entry["back"]))
    return moves


def _time(entry: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(int(entry["at"]), UTC)


def _branch(name: str) -> str:
    return "" if _DETACHED_HEAD.fullmatch(name) else name
