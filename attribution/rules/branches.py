"""Where the session stood: on the head branch of a pull request, or on its way to one."""

from collections import ChainMap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from attribution.evidence import Claim, Evidence, PullRequest, Stage, claim
from attribution.repository_index import RepositoryIndex
from attribution.session import Session, Turn, since_last_cut
from attribution.usage import Usage

# A session that resumes after a longer pause does other work: nothing is carried across.
CARRY = timedelta(hours=24)
# Pushing, opening the pull request and summing up take minutes.
SOON = timedelta(minutes=5)


def by_branch(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """The branch is the head branch of a pull request that has its tenure then.

    Work since the previous commit goes to the branch of the commit that ends it, even if nobody shows that commit (any more): a
    squash or an amend leaves the branch. All other work goes to the branch on which it was requested.
    """
    answers: dict[int, Claim] = {}
    all_claims = ChainMap(answers, dict(claims))
    for i, turn in enumerate(session.turns):
        for report in turn.usage.work.commits_made:
            pull = index.of_branch(report.branch, turn.usage.at, session.author)
            if pull is not None:
                why = f"committed on branch `{report.branch}` of #{pull.number}"
                answers |= dict.fromkeys(since_last_cut(i + 1, all_claims), claim(pull.number, Evidence.BRANCH, why))
    for i, turn in enumerate(session.turns):
        pull = index.of_branch(turn.usage.context.branch, turn.usage.at, session.author)
        if pull is not None and i not in all_claims:
            why = f"on branch `{turn.usage.context.branch}` of #{pull.number}"
            answers[i] = claim(pull.number, Evidence.BRANCH, why, _stage(session, pull))
    return answers


def by_next_work(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Planning before a branch existed goes to the next change that the session made."""
    answers: dict[int, Claim] = {}
    ahead: Claim | None = None
    ahead_at = datetime.max.replace(tzinfo=UTC)
    for i in range(len(session.turns) - 1, -1, -1):
        turn = session.turns[i]
        if i in claims:
            ahead = claims[i] if claims[i].numbers else None
        elif ahead_at - turn.at > CARRY or not _is_planning(turn.usage, index):
            ahead = None
        elif ahead is not None:
            why = f"same session, before it turned to {_names(ahead)}"
            answers[i] = Claim(ahead.weights, Evidence.CARRIED, why, ahead.stage)
        ahead_at = turn.at
    return answers


def by_previous_work(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Requests within minutes after a change, on the same branch and without an edit, are the end of that change.

    No better evidence exists where a log names the branch late, or where the session is on a detached head.
    """
    answers: dict[int, Claim] = {}
    behind: Claim | None = None
    last: Turn | None = None
    for i, turn in enumerate(session.turns):
        if i in claims:
            behind, last = claims[i], turn
        elif behind and last and behind.numbers and _is_end(turn, last, index):
            why = f"same session, right after its work for {_names(behind)}"
            answers[i] = Claim(behind.weights, Evidence.CARRIED, why, behind.stage)
        else:
            behind = None
    return answers


def _is_end(turn: Turn, last: Turn, index: RepositoryIndex) -> bool:
    is_near = turn.usage.context.branch == last.usage.context.branch and turn.at - last.at <= SOON
    return is_near and _is_planning(turn.usage, index)


def _names(claim: Claim) -> str:
    return " and ".join(f"#{number}" for number in claim.numbers)


def _stage(session: Session, pull: PullRequest) -> Stage:
    """A session on somebody else's branch that changes nothing is a review."""
    is_foreign = bool(pull.author and session.author and pull.author != session.author)
    return Stage.REVIEW if is_foreign and session.is_reading else Stage.BUILD


def _is_planning(usage: Usage, index: RepositoryIndex) -> bool:
    """False for edits, which are other work if no later commit has them, and for a branch of its own."""
    return not usage.work.edited_files and index.is_unsettled(usage.context.branch)
