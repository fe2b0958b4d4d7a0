"""Work that went into a commit: the session's own, or one that its author made afterwards of the files it had edited."""

from collections.abc import Container, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

import msgspec

from attribution.evidence import Claim, Evidence, claim
from attribution.repository_index import IndexedCommit, RepositoryIndex
from attribution.rules.elsewhere import stood_elsewhere
from attribution.session import Session, commits

# Work that nobody committed within this time after the session's end is no longer waiting for a commit.
HORIZON = timedelta(days=3)
# A longer pause may hide that earlier work was stashed: the commit after it is then compared with the work since.
PAUSE = timedelta(hours=1)


def by_commit(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Work since the previous commit belongs to the session's commit that ends it, also where that was pushed directly."""
    return {
        i: claim(cut.commit.number, Evidence.COMMIT, f"made commit {cut.commit.label}")
        for cut in _cuts(session, index, range(len(session.turns)))
        if cut.is_own
        for i in cut.turns
        if i not in claims
    }


def by_edits(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """People commit by hand: work belongs to its author's next commit that has most of the files edited until then.

    On the pull request's own branch one of the files is enough, and an amended commit takes work as well. Elsewhere a new commit
    date only shows a rebase, and a commit that the work made as a whole takes it, too. Work that stood elsewhere stays there.
    """
    return {
        i: claim(cut.commit.number, Evidence.EDITS, f"edited files of the author's next commit {cut.commit.label}")
        for cut in _cuts(session, index, claims)
        if not cut.is_own
        for i in cut.turns
        if i not in claims
    }


class _Cut(msgspec.Struct, frozen=True):
    """The turns whose work went into one commit; `is_own` where the session itself made it."""

    turns: Sequence[int]
    commit: IndexedCommit
    is_own: bool


def _cuts(session: Session, index: RepositoryIndex, with_commit: Container[int]) -> Iterator[_Cut]:
    """The session cut by commits in order of time: its own, made in the turns of `with_commit`, and its author's."""
    if not session.turns:
        return
    pending = _Pending(session, index, with_commit)
    until = session.turns[-1].at + HORIZON
    for commit in index.commits_by(session.author, session.turns[0].at, until) if session.author else ():
        yield from pending.advance(commit.at)
        is_on_branch = pending.end > 0 and commit.is_from(session.turns[pending.end - 1].usage.context.branch)
        start = pending.start_for(commit, is_on_branch) if is_on_branch or not commit.is_amended else None
        if start is not None:
            turns = pending.take(commit, start)
            elsewhere = stood_elsewhere(session, turns, commit, index)
            yield _Cut([i for i in turns if i not in elsewhere], commit, is_own=False)
    yield from pending.advance(until)


class _Pending:
    """The work so far that is in no known commit: turns `start` to `end` (not included), and the files that
    they edited."""

    def __init__(self, session: Session, index: RepositoryIndex, with_commit: Container[int]) -> None:
        self.session, self.index, self.with_commit = session, index, with_commit
        self.start = self.end = 0
        self.edited_at: dict[str, datetime] = {}

    def advance(self, at: datetime) -> Iterator[_Cut]:
        """Add the turns up to a moment; yields the cuts by the commits that they made."""
        turns = self.session.turns
        while self.end < len(turns) and turns[self.end].at <= at:
            turn = turns[self.end]
            self.edited_at |= dict.fromkeys(turn.usage.work.edited_files, turn.at)
            self.end += 1
            if self.end - 1 in self.with_commit:
                for commit in commits(turn, self.session.author, self.index):
                    yield _Cut(self.take(commit, self.start), commit, is_own=True)

    def start_for(self, commit: IndexedCommit, is_on_branch: bool) -> int | None:
        """Where the longest recent piece of pending work begins of which the commit has most files; None if there is none."""
        turns = self.session.turns
        if self.start == self.end or not self.edited_at.keys() & commit.files:
            return None
        for i in range(self.start, self.end):
            if i == self.start or turns[i].at - turns[i - 1].at > PAUSE:
                recent = {path for path, at in self.edited_at.items() if i == self.start or at >= turns[i].at}
                if is_on_branch or 2 * len(recent & commit.files) > len(recent):
                    return i
        branch = turns[self.end - 1].usage.context.branch
        return self.start if is_whole(commit, self.edited_at.keys(), branch, self.index) else None

    def take(self, commit: IndexedCommit, start: int) -> range:
        for path in commit.files:
            self.edited_at.pop(path, None)
        self.start = self.end
        return range(start, self.end)


def is_whole(commit: IndexedCommit, edited_files: AbstractSet[str], branch: str, index: RepositoryIndex) -> bool:
    """Whether waiting work on a branch made all of a commit: then it takes the work, whatever else was edited.

    Not on the default branch, where much work waits that is never committed.
    """
    return commit.files <= edited_files and branch != index.default_branch
