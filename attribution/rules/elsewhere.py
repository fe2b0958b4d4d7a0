"""Steps of waiting work that stood on another pull request's branch than the commit that comes next."""

from collections.abc import Iterator
from itertools import groupby

from attribution.repository_index import IndexedCommit, RepositoryIndex
from attribution.session import Session


def stood_elsewhere(session: Session, turns: range, commit: IndexedCommit, index: RepositoryIndex) -> set[int]:
    """The turns of waiting work that a commit does not take: runs of turns on the branch of another pull request that edited none
    of its files, and what led to them.

    The branch that a session began on and left without an edit says only where the checkout stood.
    """
    elsewhere: set[int] = set()
    lead: list[int] = []
    for branch, run in _runs(session, turns):
        works = [session.turns[i].usage.work for i in run]
        if any(not commit.files.isdisjoint(work.edited_files) for work in works):
            lead = []
        elif index.is_unsettled(branch):
            lead += run
        elif _is_of_another(session, run, branch, commit, index) and not _is_start(session, run):
            elsewhere.update(lead, run)
            lead = []
        else:
            lead = []
    return elsewhere


def _runs(session: Session, turns: range) -> Iterator[tuple[str, list[int]]]:
    """The turns cut where the branch changes."""
    for branch, run in groupby(turns, lambda i: session.turns[i].usage.context.branch):
        yield branch, list(run)


def _is_of_another(session: Session, run: list[int], branch: str, commit: IndexedCommit, index: RepositoryIndex) -> bool:
    pull = index.of_branch(branch, session.turns[run[0]].usage.at, session.author)
    return pull is not None and pull.number not in commit.numbers and not commit.is_from(branch)


def _is_start(session: Session, run: list[int]) -> bool:
    """Whether a session began with this run, edited nothing and went on elsewhere."""
    is_left = run[-1] + 1 < len(session.turns)
    return run[0] == 0 and is_left and not any(session.turns[i].usage.work.edited_files for i in run)
