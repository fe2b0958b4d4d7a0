"""What somebody or something that saw the work declares: a maintainer's correction, the ref of a CI run, a hook's stamp."""

import re
from collections import ChainMap
from collections.abc import Mapping

from attribution.evidence import Claim, Evidence, claim
from attribution.repository_index import RepositoryIndex
from attribution.session import Session, since_last_cut
from attribution.usage import Usage

_PULL_REF = re.compile(r"refs/pull/([1-9]\d{0,8})/(?:merge|head)")


def by_correction(session: Session, index: RepositoryIndex, _claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """The outcome of all corrections that maintainers made to the session."""
    links, _, why = _corrections(session, index)
    if not links:
        return {}
    names = " and ".join(f"#{number}" for number in sorted(links))
    phrase = f"linked to {names} by a maintainer" + (f": {why}" if why else "")
    correction = Claim(tuple(sorted(links.items())), Evidence.CORRECTION, phrase)
    return dict.fromkeys(range(len(session.turns)), correction)


def excluded_pulls(session: Session, index: RepositoryIndex) -> set[int]:
    """The pull requests that a maintainer unlinked from this session."""
    return _corrections(session, index)[1]


def by_run(session: Session, index: RepositoryIndex, _claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """A CI run of a pull request made it: GitHub runs `pull_request` workflows on `refs/pull/12/merge`.
    https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request"""
    answers: dict[int, Claim] = {}
    for i, turn in enumerate(session.turns):
        number = pull_of_run(turn.usage)
        if number in index.by_number:
            answers[i] = claim(number, Evidence.STAMP, f"ran in CI for #{number}")
    return answers


def pull_of_run(usage: Usage) -> int | None:
    """The number of the pull request whose CI run made a request."""
    ref = _PULL_REF.fullmatch(usage.context.ci_ref)
    return int(ref[1]) if ref else None


def by_stamp(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Work since the session's previous commit belongs to the commit that git's hook saw it make."""
    answers: dict[int, Claim] = {}
    all_claims = ChainMap(answers, dict(claims))
    for i, turn in enumerate(session.turns):
        for report in turn.usage.work.commits_made:
            commit = index.of_commit(report.sha, report.authorship, report.patch_id) if report.is_stamped else None
            if commit is not None:
                stamp = claim(commit.number, Evidence.STAMP, f"git saw this session make commit {commit.label}")
                answers |= dict.fromkeys(since_last_cut(i + 1, all_claims), stamp)
    return answers


def _corrections(session: Session, index: RepositoryIndex) -> tuple[dict[int, int], set[int], str]:
    """Links by weight, excluded pull requests, and the reason. Each correction amends those before it."""
    links: dict[int, int] = {}
    exclusions: set[int] = set()
    why = ""
    for correction in index.corrections(session.tool, session.session_id):
        weights = dict(correction.weights)
        if correction.says == "link":
            links, exclusions, why = weights, exclusions - weights.keys(), correction.why
        elif correction.says == "unlink":
            links = {number: weight for number, weight in links.items() if number not in weights}
            exclusions |= weights.keys()
    return links, exclusions, why
