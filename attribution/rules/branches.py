"""Where the session stood: on a branch that a pull request holds, or on its way to one."""

from collections import ChainMap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from attribution.evidence import Claim, Evidence, PullRequest, Stage, claim
from attribution.repository_index import RepositoryIndex
from attribution.session import Session, Turn, since_last_cut
from attribution.usage import Usage

# A session that is taken up again after this long is other work: nothing is carried across.
CARRY = timedelta(hours=24)
# Pushing, opening the pull request and summing up take minutes.
SOON = timedelta(minutes=5)


def by_branch(work: Session, pulls: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """The branch is the head branch of a pull request that holds it then.

    Work since the previous commit goes where the session committed it, even if nobody shows that commit (any more): a squash
    or an amend leaves the branch. The rest goes where the session stood when it asked.
    """
    found: dict[int, Claim] = {}
    held = ChainMap(found, dict(claims))
    for i, step in enumerate(work.steps):
        for made in step.usage.work.commits_made:
            pull = pulls.of_branch(made.branch, step.usage.at, work.author)
            if pull is not None:
                one = claim(pull.number, Evidence.BRANCH, f"committed on branch `{made.branch}` of #{pull.number}")
                found |= dict.fromkeys(since_last_cut(i + 1, held), one)
    for i, step in enumerate(work.steps):
        pull = pulls.of_branch(step.usage.context.branch, step.usage.at, work.author)
        if pull is not None and i not in held:
            why = f"on branch `{step.usage.context.branch}` of #{pull.number}"
            found[i] = claim(pull.number, Evidence.BRANCH, why, _stage(work, pull))
    return found


def carried(work: Session, pulls: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Planning before a branch existed goes to the next change that the session made."""
    found: dict[int, Claim] = {}
    ahead: Claim | None = None
    ahead_at = datetime.max.replace(tzinfo=UTC)
    for i in range(len(work.steps) - 1, -1, -1):
        step = work.steps[i]
        if i in claims:
            ahead = claims[i] if claims[i].numbers else None
        elif ahead_at - step.at > CARRY or not _is_planning(step.usage, pulls):
            ahead = None
        elif ahead is not None:
            why = f"same session, before it turned to {_names(ahead)}"
            found[i] = Claim(ahead.weights, Evidence.CARRIED, why, ahead.stage)
        ahead_at = step.at
    return found


def wrapped_up(work: Session, pulls: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """What follows a change within minutes, while the session stands where it stood and edits nothing, is its end.

    A log that names the branch late, or a session on a detached head, says nothing better.
    """
    found: dict[int, Claim] = {}
    behind: Claim | None = None
    last: Turn | None = None
    for i, step in enumerate(work.steps):
        if i in claims:
            behind, last = claims[i], step
        elif behind and last and behind.numbers and _is_end(step, last, pulls):
            why = f"same session, right after its work for {_names(behind)}"
            found[i] = Claim(behind.weights, Evidence.CARRIED, why, behind.stage)
        else:
            behind = None
    return found


def _is_end(step: Turn, last: Turn, pulls: RepositoryIndex) -> bool:
    stands = step.usage.context.branch == last.usage.context.branch and step.at - last.at <= SOON
    return stands and _is_planning(step.usage, pulls)


def _names(one: Claim) -> str:
    return " and ".join(f"#{number}" for number in one.numbers)


def _stage(work: Session, pull: PullRequest) -> Stage:
    """Standing on somebody else's branch without changing anything is reviewing it."""
    foreign = bool(pull.author and work.author and pull.author != work.author)
    return Stage.REVIEW if foreign and work.is_reading else Stage.BUILD


def _is_planning(usage: Usage, pulls: RepositoryIndex) -> bool:
    """Files edited and then in no commit that followed are other work, and so is a branch of its own."""
    return not usage.work.edited_files and pulls.is_unsettled(usage.context.branch)
