"""What an open pull request is likely to cost in the end, from the repository's merged ones.

A pull request that has been quiet for a day is nearly done, one that is worked on now is not. So each merged one is taken at the
moment when it was like this one: as quiet, and of such moments the one nearest in age. Its final cost is a multiple of that.
The median of these multiples makes the estimate, all but the least and the greatest tenth of them the range.
deploy/foresight.md explains it to users.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from statistics import median

import msgspec

from attribution.forecast import Estimate, Forecast, error_percent, with_error
from attribution.money import Micros

# So many merged pull requests are needed to compare with, and so many to test the forecast on.
LEAST_PULLS = 10
LEAST_TRIED = 5


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request cost, and when: amounts at moments, in any order, such as sums by quarters of an hour. `opened_at` and
    `merged_at` are GitHub's; `merged_at` None: it is not merged."""

    opened_at: datetime
    merged_at: datetime | None
    amounts: tuple[tuple[datetime, Micros], ...]

    @property
    def micros(self) -> Micros:
        return sum(micros for _, micros in self.amounts)


def pull(curve: Curve, others: Iterable[Curve], now: datetime) -> Forecast | None:
    """An open pull request. None where nothing of it has a price, or the history is too thin: fewer than `LEAST_PULLS` merged ones
    to compare with, or fewer than `LEAST_TRIED` to try the forecast on."""
    like = _like(curve, others, now)
    return with_error(_estimate(curve.micros, _multiples(like)), _errors(like), LEAST_TRIED)


def estimate(curve: Curve, others: Iterable[Curve], now: datetime) -> Estimate | None:
    """The same without past errors."""
    return _estimate(curve.micros, _multiples(_like(curve, others, now)))


class _Like(msgspec.Struct, frozen=True):
    """A merged pull request: what it cost, and what it had cost when it was like the one in question."""

    opened_at: datetime
    merged_at: datetime
    micros: Micros
    so_far_micros: Micros

    @property
    def multiple(self) -> Fraction:
        return Fraction(self.micros, self.so_far_micros)


def _like(curve: Curve, others: Iterable[Curve], now: datetime) -> list[_Like]:
    """Those merged by now that were ever as quiet; none if nothing was spent on the one in question."""
    last = max((at for at, micros in curve.amounts if micros > 0), default=None)
    if last is None:
        return []
    quiet, age = max(now - last, timedelta(0)), now - curve.opened_at
    alike: list[_Like] = []
    for other in others:
        if other.merged_at and other.merged_at < now and (moments := list(_moments(other, other.merged_at, quiet))):
            _, so_far = min(moments, key=lambda moment: (abs(moment[0] - age), moment[0]))
            alike.append(_Like(other.opened_at, other.merged_at, other.micros, so_far))
    return alike


def _moments(curve: Curve, merged_at: datetime, quiet: timedelta) -> Iterator[tuple[timedelta, Micros]]:
    """At what ages, while it was open, it had been quiet for just so long, and what it had cost then."""
    amounts: defaultdict[datetime, Micros] = defaultdict(int)
    for at, micros in curve.amounts:
        if micros > 0:
            amounts[at] += micros
    times, so_far = sorted(amounts), 0
    for at, until in zip(times, [*times, merged_at][1:], strict=True):
        so_far += amounts[at]
        if curve.opened_at <= at + quiet < min(until, merged_at):
            yield at + quiet - curve.opened_at, so_far


def _multiples(like: Iterable[_Like]) -> list[Fraction]:
    return sorted(other.multiple for other in like)


def _estimate(spent_micros: Micros, multiples: Sequence[Fraction]) -> Estimate | None:
    """`multiples` are in order."""
    if len(multiples) < LEAST_PULLS:
        return None
    tenth = (len(multiples) - 1) // 10
    return Estimate(
        spent_micros=spent_micros,
        micros=round(spent_micros * median(multiples)),
        low_micros=round(spent_micros * multiples[tenth]),
        high_micros=round(spent_micros * multiples[-1 - tenth]),
    )


def _errors(like: Sequence[_Like]) -> list[int]:
    """How far off the forecast would have been for each of them then, in percent, by those merged before it was opened."""
    errors: list[int] = []
    multiples: list[Fraction] = []
    by_merge = sorted(like, key=lambda case: case.merged_at)
    for case in sorted(like, key=lambda case: case.opened_at):
        while by_merge[len(multiples)].merged_at < case.opened_at:
            insort(multiples, by_merge[len(multiples)].multiple)
        likely = _estimate(case.so_far_micros, multiples)
        if likely:
            errors.append(error_percent(likely.micros, case.micros))
    return errors
