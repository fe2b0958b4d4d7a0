"""What somebody or something that saw it said: a maintainer's correction, a CI run's ref, a hook's stamp."""

import re
from collections import ChainMap
from collections.abc import Mapping

from attribution.evidence import Claim, Evidence, claim
from attribution.repository_index import RepositoryIndex
from attribution.session import Session, since_last_cut

_PULL_REF = re.compile(r"refs/pull/([1-9]\d{0,8})/(?:merge|head)")


def by_correction(work: Session, pulls: RepositoryIndex, _claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """What maintainers' corrections of the session come to."""
    linked, _, why = _said(work, pulls)
    if not linked:
        return {}
    names = " and ".join(f"#{number}" for number in sorted(linked))
    phrase = f"linked to {names} by a maintainer" + (f": {why}" if why else "")
    one = Claim(tuple(sorted(linked.items())), Evidence.CORRECTION, phrase)
    return dict.fromkeys(range(len(work.steps)), one)


def barred(work: Session, pulls: RepositoryIndex) -> set[int]:
    """The pull requests that a maintainer keeps this session off."""
    return _said(work, pulls)[1]


def by_run(work: Session, pulls: RepositoryIndex, _claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """A CI run of a pull request served it: GitHub runs `pull_request` workflows on `refs/pull/12/merge`.
    https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request"""
    found: dict[int, Claim] = {}
    for i, step in enumerate(work.steps):
        ref = _PULL_REF.fullmatch(step.usage.context.ci_ref)
        if ref and (number := int(ref[1])) in pulls.by_number:
            found[i] = claim(number, Evidence.STAMP, f"ran in CI for #{number}")
    return found


def by_stamp(work: Session, pulls: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Work since the session's previous commit belongs to the commit that git's hook saw it make."""
    found: dict[int, Claim] = {}
    held = ChainMap(found, dict(claims))
    for i, step in enumerate(work.steps):
        for made in step.usage.work.commits_made:
            landed = pulls.of_commit(made.sha, made.authorship, made.patch_id) if made.stamped else None
            if landed is not None:
                one = claim(landed.number, Evidence.STAMP, f"git saw this session make commit {landed.shown}")
                found |= dict.fromkeys(since_last_cut(i + 1, held), one)
    return found


def _said(work: Session, pulls: RepositoryIndex) -> tuple[dict[int, int], set[int], str]:
    """Where the session is linked, by weight, where it must not go, and why: each correction amends those before it."""
    linked: dict[int, int] = {}
    barred: set[int] = set()
    why = ""
    for correction in pulls.corrections(work.tool, work.session_id):
        named = dict(correction.weights)
        if correction.says == "link":
            linked, barred, why = named, barred - named.keys(), correction.why
        else:
            linked = {number: weight for number, weight in linked.items() if number not in named}
            barred |= named.keys()
    return linked, barred, why
