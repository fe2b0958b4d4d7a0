"""Which change does each request serve? The rules stand in RULES, strongest evidence first; adding one is one line there.

A rule takes a session, the facts of the repository and the claims that stronger rules have made, and returns claims by
position for requests that have none. A stronger claim is never overwritten.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from attribution.evidence import UNATTRIBUTED, Claim, Stage
from attribution.repository_index import RepositoryIndex
from attribution.rules.branches import by_branch, carried, wrapped_up
from attribution.rules.commits import by_commit, by_edits
from attribution.rules.declared import barred, by_correction, by_run, by_stamp
from attribution.rules.files import by_files, by_review, candidates
from attribution.rules.implausible import implausible
from attribution.session import Session, work
from attribution.usage import Usage

__all__ = ["RULES", "RepositoryIndex", "Rule", "attribute"]

Rule = Callable[[Session, RepositoryIndex, Mapping[int, Claim]], dict[int, Claim]]

RULES: tuple[Rule, ...] = (
    by_correction,
    implausible,
    by_run,
    by_stamp,
    by_commit,
    by_edits,
    by_branch,
    by_files,
    carried,
    wrapped_up,
    by_review,
    candidates,
)


def attribute(
    session: Iterable[Usage], pulls: RepositoryIndex, rules: Sequence[Rule] = RULES
) -> dict[tuple[str, str], Claim]:
    """One claim for each request of one session, by request key. Complete: what no rule claims is unattributed.

    The session is all requests with one (tool, session id) in one repository.
    """
    done = work(session)
    out = barred(done, pulls)
    claims: dict[int, Claim] = {}
    for rule in rules:
        found = rule(done, pulls, claims)
        claims = {i: kept for i, one in found.items() if (kept := _without(one, out))} | claims
    return {step.usage.key: _staged(step.usage, claims.get(i, UNATTRIBUTED)) for i, step in enumerate(done.steps)}


def _without(claim: Claim, barred: set[int]) -> Claim | None:
    """The claim without pull requests that a maintainer keeps the session off; None where it was for those alone."""
    if barred.isdisjoint((*claim.numbers, *claim.candidates)):
        return claim
    weights = tuple((number, weight) for number, weight in claim.weights if number not in barred)
    candidates = tuple(number for number in claim.candidates if number not in barred)
    return msgspec.structs.replace(claim, weights=weights, candidates=candidates) if weights else None


def _staged(usage: Usage, claim: Claim) -> Claim:
    """What ran in CI was spent there, whatever tied it to a change."""
    return msgspec.structs.replace(claim, stage=Stage.CI) if usage.context.ci_ref else claim
