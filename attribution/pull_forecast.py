"""What an open pull request is likely to cost in the end, from the repository's merged ones.

A pull request that has been quiet for a day is nearly done, one that is worked on now is not. So each merged one is asked how much
it came to in the end, as a multiple of what it had cost, whenever it was open and had been quiet for as long as this one is now.
The median of these multiples makes the estimate, nine of ten the range. deploy/foresight.md says it for people.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from statistics import median

import msgspec

from attribution.forecast import Estimate, Forecast, error_percent, with_error
from attribution.money import Micros

# So many merged pull requests make a comparison, and on so many it must have been tried.
LEAST_PULLS = 10
LEAST_TRIED = 5


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request cost, and when: amounts at moments, in any order, such as sums by quarters of an hour. `opened_at` and
    `merged_at` are GitHub's; `merged_at` None: it is not merged."""

    opened_at: datetime
    merged_at: datetime | None
    spent: tuple[tuple[datetime, Micros], ...]

    @property
    def micros(self) -> Micros:
        return sum(micros for _, micros in self.spent)


def pull(one: Curve, others: Iterable[Curve], now: datetime) -> Forecast | None:
    """An open pull request. None where nothing of it has a price, or the history is too thin: fewer than `LEAST_PULLS` merged ones
    to compare with, or fewer than `LEAST_TRIED` to try the forecast on."""
    known = _known(one, others, now)
    return with_error(_estimate(one.micros, known), _errors(known), LEAST_TRIED)


def estimate(one: Curve, others: Iterable[Curve], now: datetime) -> Estimate | None:
    """The same without a look at past errors."""
    return _estimate(one.micros, _known(one, others, now))


class _Known(msgspec.Struct, frozen=True):
    """A merged pull request: its cost, what it had cost at each moment at which it was as quiet, and the median multiple."""

    opened_at: datetime
    merged_at: datetime
    micros: Micros
    so_far_micros: tuple[Micros, ...]
    multiple: Fraction


def _known(one: Curve, others: Iterable[Curve], now: datetime) -> list[_Known]:
    """Those merged by now that were ever as quiet as this one is; none if nothing was spent on it."""
    last = max((at for at, micros in one.spent if micros > 0), default=None)
    if last is None:
        return []
    quiet = max(now - last, timedelta(0))
    merged = [(other, other.merged_at) for other in others if other.merged_at and other.merged_at < now]
    found = [(other, merged_at, tuple(_so_far(other, merged_at, quiet))) for other, merged_at in merged]
    return [
        _Known(other.opened_at, merged_at, other.micros, costs, median(Fraction(other.micros, cost) for cost in costs))
        for other, merged_at, costs in found
        if costs
    ]


def _so_far(one: Curve, merged_at: datetime, quiet: timedelta) -> Iterator[Micros]:
    """What it had cost at each moment at which it was open and had been quiet for just so long."""
    micros_at: defaultdict[datetime, Micros] = defaultdict(int)
    for at, micros in one.spent:
        if micros > 0:
            micros_at[at] += micros
    times = sorted(micros_at)
    cost = 0
    for at, until in zip(times, [*times[1:], merged_at], strict=True):
        cost += micros_at[at]
        if one.opened_at <= at + quiet < min(until, merged_at):
            yield cost


def _estimate(spent: Micros, known: Sequence[_Known]) -> Estimate | None:
    if len(known) < LEAST_PULLS:
        return None
    multiples = sorted(other.multiple for other in known)
    tenth = (len(multiples) - 1) // 10
    return Estimate(
        spent_micros=spent,
        micros=round(spent * median(multiples)),
        low_micros=round(spent * multiples[tenth]),
        high_micros=round(spent * multiples[-1 - tenth]),
    )


def _errors(known: Sequence[_Known]) -> list[int]:
    """How far off the forecast was for each of them in percent, by those merged before it was opened: the median of its moments."""
    found: list[int] = []
    for one in known:
        before = [other for other in known if other.merged_at < one.opened_at]
        estimates = [_estimate(cost, before) for cost in one.so_far_micros]
        errors = [error_percent(each.micros, one.micros) for each in estimates if each]
        if errors:
            found.append(round(median(map(Fraction, errors))))
    return found
