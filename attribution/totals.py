"""Sums of the ledger, as the database makes them, and what they come to for each pull request."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from attribution.cost import ZERO, Cost
from attribution.evidence import Evidence, Stage
from attribution.outcome import Details

_BY_COMMIT = (Evidence.CORRECTION, Evidence.STAMP, Evidence.COMMIT, Evidence.EDITS)


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What shares of one stage and evidence come to. `pull_number` None is no pull request."""

    pull_number: int | None
    stage: Stage
    evidence: Evidence
    cost: Cost


class PullTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request cost in its whole life, by stage. `by_commit` of it is tied by commits or people, the rest by branch,
    files or the like."""

    build: Cost = ZERO
    review: Cost = ZERO
    ci: Cost = ZERO
    by_commit: Cost = ZERO

    @property
    def cost(self) -> Cost:
        return self.build + self.review + self.ci

    @property
    def is_built(self) -> bool:
        """Whether its building was seen, and has a price: without that its cost is not known either."""
        return self.build.requests > 0 and self.build.priced_micros > 0


def pull_totals(spend: Iterable[Spend]) -> dict[int, PullTotal]:
    """What each pull request cost, by number."""
    by_number: defaultdict[int, list[Spend]] = defaultdict(list)
    for part in spend:
        if part.pull_number is not None:
            by_number[part.pull_number].append(part)
    return {number: _total(parts) for number, parts in by_number.items()}


def _total(parts: list[Spend]) -> PullTotal:
    by_stage = {stage: sum((part.cost for part in parts if part.stage == stage), ZERO) for stage in Stage}
    return PullTotal(
        build=by_stage[Stage.BUILD],
        review=by_stage[Stage.REVIEW],
        ci=by_stage[Stage.CI],
        by_commit=sum((part.cost for part in parts if part.evidence in _BY_COMMIT), ZERO),
    )


def labels_of(details: Details | None, closed_labels: Iterable[str]) -> tuple[str, ...]:
    """The labels of a pull request and of the issues that it closes."""
    return tuple(sorted({*(details.labels if details else ()), *closed_labels}))
