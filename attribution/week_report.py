"""The week of a repository as its weekly issue, the report and the API show it: what a merge cost, and what shipped nothing.

Cost of a merge is that of its whole life. The table of kinds holds the week's spend alone, and sums to it.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from attribution.budget import Budget
from attribution.cost import ZERO, Cost
from attribution.forecast import Forecast
from attribution.money import Micros
from attribution.outcome import State
from attribution.periods import Week
from attribution.report import Row, Suggestion
from attribution.totals import PullTotal


class Kind(StrEnum):
    """What became of spend. The order is that of the table."""

    MERGED = "merged"
    OPEN = "open"
    REVIEW = "review"
    ABANDONED = "abandoned"
    REVERTED = "reverted"
    SHARED = "shared"
    NO_PULL = "no_pull"


# Spend that shipped nothing, as far as is known.
NOTHING = (Kind.ABANDONED, Kind.REVERTED, Kind.SHARED, Kind.NO_PULL)


class PullPart(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the week's spend that went into one pull request."""

    number: int
    cost: Cost


class KindRow(msgspec.Struct, frozen=True, kw_only=True):
    """The week's spend of one kind. `pulls` are its pull requests with their part of it, dearest first. `unconfirmed_cost` looks
    invented and is not in `cost`."""

    kind: Kind
    cost: Cost
    pulls: tuple[PullPart, ...]
    unconfirmed_cost: Cost = ZERO


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A median of `count` amounts that sum to `total_micros`; half of them lie from `low_micros` to `high_micros`. Of all of them
    `reported_micros` are tools' own figures, where no list price is known."""

    median_micros: Micros
    low_micros: Micros
    high_micros: Micros
    total_micros: Micros
    count: int
    reported_micros: Micros = 0

    @property
    def mean_micros(self) -> Micros:
        """Rounded half to even."""
        whole, rest = divmod(self.total_micros, self.count)
        return whole + (2 * rest > self.count or (2 * rest == self.count and whole % 2))


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """A merge of the week: what it cost in its whole life, and what of that in this week. `closes` are issues."""

    number: int
    title: str
    state: State
    closes: tuple[int, ...]
    total: PullTotal
    in_week: Cost


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A week in the line of weeks. `per_merge_micros` is the median cost of a merge, None where nothing was merged whose cost is
    known; `reported_micros` of its merges are tools' own figures; `nothing` of `cost` shipped nothing."""

    week: str
    per_merge_micros: Micros | None
    reported_micros: Micros = 0
    merges: int
    cost: Cost
    nothing: Cost


class LabelRow(msgspec.Struct, frozen=True, kw_only=True):
    """The week's spend on pull requests with a label; None is without any. The money is shared between the labels of a pull
    request, its requests count with each of them."""

    label: str | None
    cost: Cost
    pulls: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many people wrote some commits, and of how many of them sessions reach us."""

    people: int
    seen_people: int

    @property
    def is_complete(self) -> bool:
        """Whether sessions of all of them reach us; never where nobody is known."""
        return 0 < self.people == self.seen_people

    @property
    def is_partial(self) -> bool:
        return self.seen_people < self.people


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A budget at the end of the week. `reached` are the levels, in percent, that people were notified of within it, and when."""

    budget: Budget
    reached: tuple[tuple[int, datetime], ...] = ()


class WeekCost(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a week. `before_...` is the median of the merges (or issues) of the eight weeks before. `unseen_merges` had
    no AI work that we know of: their cost is not known. `no_pull` is booked to no pull request.
    `month` is the forecast of the month that the week ends in. `unconfirmed_sessions` are those of no pull request, where
    nothing else says what they are called."""

    week: Week
    total: Cost
    kinds: tuple[KindRow, ...]
    merges: tuple[Merge, ...]
    unseen_merges: tuple[int, ...]
    per_merge: Figure | None
    per_surviving: Figure | None
    per_issue: Figure | None
    before_merge: Figure | None
    before_surviving: Figure | None
    before_issue: Figure | None
    requests_per_merge: tuple[int, int] | None
    rows: tuple[Row, ...]
    before_rows: tuple[Row, ...]
    cache_saving_micros: Micros
    no_pull: Cost
    labels: tuple[LabelRow, ...]
    points: tuple[Point, ...]
    coverage: Coverage
    is_settled: bool
    budgets: tuple[BudgetRow, ...] = ()
    month: Forecast | None = None
    unconfirmed_sessions: tuple[Suggestion, ...] = ()

    @property
    def nothing(self) -> Cost:
        """What shipped nothing."""
        return cost_of_nothing(self.kinds)

    @property
    def unconfirmed(self) -> Cost:
        """What looks invented, until somebody confirms it. It stands beside `total`, and is in no other figure."""
        return sum((row.unconfirmed_cost for row in self.kinds), ZERO)

    @property
    def has_work(self) -> bool:
        """Whether AI work of the week reached us, unconfirmed work among it."""
        return self.total.requests + self.unconfirmed.requests > 0

    @property
    def in_week(self) -> list[tuple[Kind, PullPart]]:
        """The pull requests that cost something in the week, dearest first. One that was built and reviewed is there once."""
        parts = [(row.kind, pull) for row in self.kinds for pull in row.pulls if pull.cost.requests]
        return sorted(parts, key=lambda part: (-part[1].cost.priced_micros, part[1].number))

    @property
    def pull_numbers(self) -> list[int]:
        """The pull requests that cost something in the week."""
        return sorted({pull.number for row in self.kinds for pull in row.pulls})

    @property
    def is_quiet(self) -> bool:
        return not self.has_work and not self.merges


def cost_of_nothing(kinds: Iterable[KindRow]) -> Cost:
    """What shipped nothing, as far as is known."""
    return sum((row.cost for row in kinds if row.kind in NOTHING), ZERO)
