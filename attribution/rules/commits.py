"""What went into a commit: the session's own, or one its author made afterwards of the files it had edited."""

from collections.abc import Container, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from attribution.evidence import Claim, Evidence, claim
from attribution.repository_index import IndexedCommit, RepositoryIndex
from attribution.session import Session, commits

# Work that nobody committed within this time after the session's end is not waiting for a commit any more.
HORIZON = timedelta(days=3)
# A pause this long may hide that earlier work was put away: the commit after it is then compared with the work since.
PAUSE = timedelta(hours=1)


def by_commit(work: Session, pulls: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Work since the previous commit belongs to the session's commit that ends it, also where that was pushed directly."""
    return {
        i: claim(cut.landed.number, Evidence.COMMIT, f"made commit {cut.landed.shown}")
        for cut in _cuts(work, pulls, range(len(work.steps)))
        if cut.is_made
        for i in cut.steps
        if i not in claims
    }


def by_edits(work: Session, pulls: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """People commit by hand: work belongs to its author's next commit that holds most of the files edited till then.

    On the pull request's own branch one of the files is enough, and there an amended commit takes work as well: elsewhere a
    new commit date only shows a rebase.
    """
    return {
        i: claim(cut.landed.number, Evidence.EDITS, f"edited files of the author's next commit {cut.landed.shown}")
        for cut in _cuts(work, pulls, claims)
        if not cut.is_made
        for i in cut.steps
        if i not in claims
    }


class _Cut(msgspec.Struct, frozen=True):
    """Steps whose work went into one commit; `is_made` where the session itself made it."""

    steps: range
    landed: IndexedCommit
    is_made: bool


def _cuts(work: Session, pulls: RepositoryIndex, made_at: Container[int]) -> Iterator[_Cut]:
    """The session cut by commits in order of time: its own, made in the steps of `made_at`, and its author's."""
    if not work.steps:
        return
    waiting = _Waiting(work, pulls, made_at)
    until = work.steps[-1].at + HORIZON
    for landed in pulls.landed_by(work.author, work.steps[0].at, until) if work.author else ():
        yield from waiting.read_until(landed.at)
        is_own = waiting.read > 0 and landed.is_from(work.steps[waiting.read - 1].usage.context.branch)
        start = waiting.fits_from(landed, is_own) if is_own or not landed.is_amended else None
        if start is not None:
            yield _Cut(waiting.take(landed, start), landed, is_made=False)
    yield from waiting.read_until(until)


class _Waiting:
    """The work that is read up to now and in no commit yet, as far as one can see: where it starts and the files it edited."""

    def __init__(self, work: Session, pulls: RepositoryIndex, made_at: Container[int]) -> None:
        self.work, self.pulls, self.made_at = work, pulls, made_at
        self.start = self.read = 0
        self.edited_at: dict[str, datetime] = {}

    def read_until(self, at: datetime) -> Iterator[_Cut]:
        steps = self.work.steps
        while self.read < len(steps) and steps[self.read].at <= at:
            step = steps[self.read]
            self.edited_at |= dict.fromkeys(step.usage.work.edited_files, step.at)
            self.read += 1
            if self.read - 1 in self.made_at:
                for landed in commits(step, self.work.author, self.pulls):
                    yield _Cut(self.take(landed, self.start), landed, is_made=True)

    def fits_from(self, landed: IndexedCommit, is_own: bool) -> int | None:
        """Where the longest recent piece of waiting work begins that the commit holds most of; None if there is none."""
        steps = self.work.steps
        if self.start == self.read or not self.edited_at.keys() & landed.files:
            return None
        for i in range(self.start, self.read):
            if i == self.start or steps[i].at - steps[i - 1].at > PAUSE:
                recent = {path for path, at in self.edited_at.items() if i == self.start or at >= steps[i].at}
                if is_own or 2 * len(recent & landed.files) > len(recent):
                    return i
        return None

    def take(self, landed: IndexedCommit, start: int) -> range:
        for path in landed.files:
            self.edited_at.pop(path, None)
        self.start = self.read
        return range(start, self.read)
