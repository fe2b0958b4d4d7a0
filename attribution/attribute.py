"""Which change does each request serve? RULES lists the rules, strongest evidence first. A new rule is one line there.

A rule takes a session, the index of the repository and the claims of stronger rules. It returns claims by position, for requests
that have none. A stronger claim is never overwritten. What looks invented is kept apart at the end, wherever it would belong.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from attribution.evidence import UNATTRIBUTED, Claim, Stage
from attribution.repository_index import RepositoryIndex
from attribution.rules.branches import by_branch, by_next_work, by_previous_work
from attribution.rules.commits import by_commit, by_edits
from attribution.rules.declared import by_correction, by_run, by_stamp, excluded_pulls
from attribution.rules.files import by_files, by_review, candidates
from attribution.rules.implausible import implausible
from attribution.session import Session, session_of
from attribution.usage import Usage

__all__ = ["RULES", "RepositoryIndex", "Rule", "attribute"]

Rule = Callable[[Session, RepositoryIndex, Mapping[int, Claim]], dict[int, Claim]]

RULES: tuple[Rule, ...] = (
    by_correction,
    by_run,
    by_stamp,
    by_commit,
    by_edits,
    by_branch,
    by_files,
    by_next_work,
    by_previous_work,
    by_review,
    candidates,
)


def attribute(
    requests: Iterable[Usage], index: RepositoryIndex, rules: Sequence[Rule] = RULES
) -> dict[tuple[str, str], Claim]:
    """One claim for each request of one session, by request key. Requests that no rule claims are unattributed.

    `requests` are all with one (tool, session id) in one repository.
    """
    session = session_of(requests)
    exclusions = excluded_pulls(session, index)
    claims: dict[int, Claim] = {}
    for rule in rules:
        answers = rule(session, index, claims)
        claims = {i: rest for i, answer in answers.items() if (rest := _without(answer, exclusions))} | claims
    claims |= implausible(session, index, claims)
    return {
        turn.usage.key: _with_stage(turn.usage, claims.get(i, UNATTRIBUTED)) for i, turn in enumerate(session.turns)
    }


def _without(claim: Claim, exclusions: set[int]) -> Claim | None:
    """The claim without the pull requests that a maintainer unlinked; None where no other bears a part."""
    if exclusions.isdisjoint((*claim.numbers, *claim.candidates)):
        return claim
    weights = tuple((number, weight) for number, weight in claim.weights if number not in exclusions)
    candidates = tuple(number for number in claim.candidates if number not in exclusions)
    return msgspec.structs.replace(claim, weights=weights, candidates=candidates) if weights else None


def _with_stage(usage: Usage, claim: Claim) -> Claim:
    """The stage of a request from CI is CI, whatever evidence tied it to a change."""
    return msgspec.structs.replace(claim, stage=Stage.CI) if usage.context.ci_ref else claim
