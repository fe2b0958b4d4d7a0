"""The week of a repository as its weekly issue, the report and the API show it: what a merge cost, and what shipped nothing.

Cost of a merge is that of its whole life. The table of kinds holds the week's spend alone, and sums to it.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from attribution.budget import Budget
from attribution.forecast import Forecast
from attribution.money import Micros
from attribution.outcome import State
from attribution.periods import Week
from attribution.report import Row
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
    IMPLAUSIBLE = "implausible"


# Spend that shipped nothing so far as one can see.
NOTHING = (Kind.ABANDONED, Kind.REVERTED, Kind.SHARED, Kind.NO_PULL, Kind.IMPLAUSIBLE)


class KindRow(msgspec.Struct, frozen=True, kw_only=True):
    """The week's spend of one kind. `pulls` are its pull requests with their part of it, dearest first; `micros` leaves out
    `unpriced_requests`."""

    kind: Kind
    micros: Micros
    requests: int
    unpriced_requests: int
    pulls: tuple[tuple[int, Micros], ...]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A median of `count` amounts; half of them lie from `low_micros` to `high_micros`."""

    median_micros: Micros
    low_micros: Micros
    high_micros: Micros
    count: int


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """A merge of the week: what it cost in its whole life, and in this week. `closes` are issues."""

    number: int
    title: str
    state: State
    closes: tuple[int, ...]
    total: PullTotal
    week_micros: Micros


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A week in the line of weeks. `per_merge_micros` is None where nothing was merged whose cost is known."""

    week: str
    per_merge_micros: Micros | None
    merges: int
    micros: Micros
    nothing_micros: Micros


class LabelRow(msgspec.Struct, frozen=True, kw_only=True):
    """The week's spend on pull requests with a label; None is without any. Shared between the labels of a pull request, but for
    `unpriced_requests`, which are in no amount."""

    label: str | None
    micros: Micros
    unpriced_requests: int
    pulls: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many people wrote the commits that were merged, and of how many of them sessions reach us."""

    people: int
    seen_people: int


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A budget at the end of the week. `reached` are the levels that people were told of within it, and when."""

    budget: Budget
    reached: tuple[tuple[int, datetime], ...] = ()


class WeekCost(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a week. `micros` is at list price and leaves out `unpriced_requests`; `before_...` is the median of the
    merges (or issues) of the eight weeks before. `unseen_merges` had no AI work that we know of: their cost is not known.
    `month` is the forecast of the month that the week ends in."""

    week: Week
    micros: Micros
    requests: int
    unpriced_requests: int
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
    labels: tuple[LabelRow, ...]
    points: tuple[Point, ...]
    coverage: Coverage
    is_settled: bool
    budgets: tuple[BudgetRow, ...] = ()
    month: Forecast | None = None

    @property
    def nothing_micros(self) -> Micros:
        return sum(row.micros for row in self.kinds if row.kind in NOTHING)

    @property
    def pull_numbers(self) -> list[int]:
        """The pull requests that cost something in the week."""
        return sorted({number for row in self.kinds for number, _ in row.pulls})

    @property
    def is_quiet(self) -> bool:
        return not self.requests and not self.merges


def cache_read_part(rows: Iterable[Row]) -> tuple[int, int]:
    """Tokens read from cache, of all input tokens."""
    listed = list(rows)
    read = sum(row.cache_read_tokens for row in listed)
    return read, read + sum(row.uncached_input_tokens + row.cache_write_tokens for row in listed)
