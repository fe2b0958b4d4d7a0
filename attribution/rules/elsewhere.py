"""Steps of waiting work that stood on another pull request's branch than the commit that comes next."""

from itertools import groupby

from attribution.repository_index import IndexedCommit, RepositoryIndex
from attribution.session import Session


def stood_elsewhere(session: Session, turns: range, commit: IndexedCommit, index: RepositoryIndex) -> set[int]:
    """The turns of waiting work that a commit does not take: runs of turns on the branch of another pull request that edited none
    of its files, and what led to them.

    The branch that a session began on and left without an edit says only where the checkout stood.
    """

    def place(i: int) -> tuple[str, int]:
        """The branch, and the pull request that has it at that time; 0 where none has."""
        usage = session.turns[i].usage
        pull = index.of_branch(usage.context.branch, usage.at, session.author)
        return usage.context.branch, pull.number if pull else 0

    elsewhere: set[int] = set()
    lead: list[int] = []
    for (branch, number), run in ((where, list(run)) for where, run in groupby(turns, place)):
        edited_files = {path for i in run for path in session.turns[i].usage.work.edited_files}
        if index.is_unsettled(branch) and edited_files.isdisjoint(commit.files):
            lead += run
            continue
        is_other = number and number not in commit.numbers and not commit.is_from(branch)
        is_start = run[0] == 0 and run[-1] + 1 < len(session.turns) and not edited_files
        if is_other and not is_start and edited_files.isdisjoint(commit.files):
            elsewhere.update(lead, run)
        lead = []
    return elsewhere
