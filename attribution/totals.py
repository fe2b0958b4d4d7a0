"""Sums of the ledger, as the database makes them, and what follows from them for each pull request, issue and label."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from attribution.evidence import Evidence, Stage
from attribution.money import Micros, split
from attribution.outcome import Details

_BY_COMMIT = (Evidence.CORRECTION, Evidence.STAMP, Evidence.COMMIT, Evidence.EDITS)


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What shares come to at list price. `pull_number` None is no pull request. `micros` leaves out `unpriced_requests`,
    whose price is not known."""

    pull_number: int | None
    stage: Stage
    evidence: Evidence
    micros: Micros
    requests: int
    unpriced_requests: int = 0


class PullTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request cost in its whole life at list price, by stage. `by_commit_micros` of it is tied by commits or people,
    the rest by branch, files or the like."""

    build_micros: Micros = 0
    review_micros: Micros = 0
    ci_micros: Micros = 0
    by_commit_micros: Micros = 0
    requests: int = 0
    build_requests: int = 0
    unpriced_requests: int = 0

    @property
    def micros(self) -> Micros:
        return self.build_micros + self.review_micros + self.ci_micros

    @property
    def is_built(self) -> bool:
        """Whether what built it was seen, and its price is known: without that its cost is not known either."""
        return self.build_requests > 0 and self.build_micros > 0


def pull_totals(spent: Iterable[Spent]) -> dict[int, PullTotal]:
    groups: defaultdict[int, list[Spent]] = defaultdict(list)
    for one in spent:
        if one.pull_number is not None:
            groups[one.pull_number].append(one)
    return {number: _total(group) for number, group in groups.items()}


def _total(group: list[Spent]) -> PullTotal:
    by_stage = {stage: [one for one in group if one.stage == stage] for stage in Stage}
    return PullTotal(
        build_micros=sum(one.micros for one in by_stage[Stage.BUILD]),
        review_micros=sum(one.micros for one in by_stage[Stage.REVIEW]),
        ci_micros=sum(one.micros for one in by_stage[Stage.CI]),
        by_commit_micros=sum(one.micros for one in group if one.evidence in _BY_COMMIT),
        requests=sum(one.requests for one in group),
        build_requests=sum(one.requests for one in by_stage[Stage.BUILD]),
        unpriced_requests=sum(one.unpriced_requests for one in group),
    )


def split_evenly(micros: Micros, among: Sequence[str]) -> dict[str, Micros]:
    """Nothing is doubled: what belongs to several is shared between them."""
    return dict(zip(among, split(micros, [1] * len(among)), strict=True))


def labels_of(details: Details | None, closed_labels: Iterable[str]) -> tuple[str, ...]:
    """The labels of a pull request and of the issues that it closes."""
    return tuple(sorted({*(details.labels if details else ()), *closed_labels}))
