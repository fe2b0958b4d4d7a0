"""What a month will cost, and when a budget is used up. A forecast always comes with the error of earlier ones.

The rest of a month is expected to cost what the same stretch of days cost in the weeks before: as many days, beginning on
the same weekday. The median of those is the estimate, the least and the most of them are the range; where one stretch has days in
common with the next, they differ less than they should, and the range is widened by as much.
deploy/foresight.md explains it to users.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from statistics import median

import msgspec

from attribution.money import Micros

# How far back stretches are looked for, and how many of them it takes.
WEEKS_BACK = 12
LEAST_STRETCHES = 3
# A forecast needs so many past months to be tested on.
LEAST_MONTHS = 2

# The cost of each day in the repository's time zone. A day without an entry cost nothing; before the first, nothing is known.
Daily = Mapping[date, Micros]

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)


class TrackRecord(msgspec.Struct, frozen=True):
    """How far off the same forecast was in `cases` past cases at the same horizon: the median absolute error, in percent of what
    it came to."""

    error_percent: int
    cases: int


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What something is likely to cost in the end, and the range. None of the three is less than what is spent already."""

    spent_micros: Micros
    micros: Micros
    low_micros: Micros
    high_micros: Micros


class Forecast(Estimate, frozen=True, kw_only=True):
    """An estimate with its error in the past."""

    track_record: TrackRecord = msgspec.field(name="tried")


def month(daily: Daily, today: date) -> Forecast | None:
    """The calendar month of `today`, a day that is not over yet. None where the history is too thin: fewer than
    `LEAST_STRETCHES` stretches to go by, or fewer than `LEAST_MONTHS` whole months to try the forecast on."""
    return with_error(estimate(daily, *first_and_last(today), today), _errors(daily, today), LEAST_MONTHS)


def estimate(daily: Daily, first: date, last: date, today: date) -> Estimate | None:
    """A period from `first` to `last` on one of its days. None with fewer than `LEAST_STRETCHES` stretches to go by."""
    rest = sorted(_stretches(daily, today, last))
    if len(rest) < LEAST_STRETCHES:
        return None
    before, so_far = _sum(daily, first, today - _DAY), daily.get(today, 0)
    middle = median(map(Fraction, rest))
    days = (last - today).days + 1
    factor = 1 + Fraction(max(days - 7, 0), days)

    def whole(amount: Fraction) -> Micros:
        return before + max(round(amount), so_far)

    return Estimate(
        spent_micros=before + so_far,
        micros=whole(middle),
        low_micros=whole(middle - (middle - rest[0]) * factor),
        high_micros=whole(middle + (rest[-1] - middle) * factor),
    )


def pace(daily: Daily, first: date, last: date, today: date, budget_micros: Micros) -> date | None:
    """The day on which a budget from `first` to `last` is used up if every day costs what the same weekday cost in the last seven
    days, or the day on which it was; None if it lasts. Where less than a week is known, its mean day stands for the rest."""
    past = {day: micros for day, micros in daily.items() if day <= today}
    if not past:
        return None
    since = min(past)
    mean = sum(past.values()) // ((today - since).days + 1)
    total = 0
    for day in _days(first, last):
        if day < today:
            total += past.get(day, 0)
        else:
            like = today - _WEEK + (day - today) % _WEEK
            total += max(past.get(day, 0), past.get(like, 0) if like >= since else mean)
        if total >= budget_micros:
            return day
    return None


def with_error(likely: Estimate | None, errors: Sequence[int], least: int) -> Forecast | None:
    """The estimate with the median of past errors in percent; None without an estimate, or with fewer than `least` errors."""
    if likely is None or len(errors) < least:
        return None
    track_record = TrackRecord(error_percent=round(median(map(Fraction, errors))), cases=len(errors))
    return Forecast(**msgspec.structs.asdict(likely), track_record=track_record)


def error_percent(estimate_micros: Micros, actual_micros: Micros) -> int:
    """The absolute error in whole percent of what it came to (> 0)."""
    return round(Fraction(abs(estimate_micros - actual_micros) * 100, actual_micros))


def first_and_last(day: date) -> tuple[date, date]:
    """The first and the last day of its month."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def _errors(daily: Daily, today: date) -> list[int]:
    """How far off it was on the same day of each whole month before, in percent, made from what was known then."""
    return [
        percent
        for first, last in _months_before(daily, today)
        if (percent := _error(daily, first, last, today)) is not None
    ]


def _error(daily: Daily, first: date, last: date, today: date) -> int | None:
    then = min(first.replace(day=1) + (today - today.replace(day=1)), last)
    past = {day: micros for day, micros in daily.items() if day < then}
    likely, actual_micros = estimate(past, first, last, then), _sum(daily, first, last)
    return error_percent(likely.micros, actual_micros) if likely and actual_micros else None


def _months_before(daily: Daily, today: date) -> Iterator[tuple[date, date]]:
    since = min(daily, default=today)
    first, last = first_and_last(today.replace(day=1) - _DAY)
    while first >= since:
        yield first, last
        first, last = first_and_last(first - _DAY)


def _stretches(daily: Daily, today: date, last: date) -> Iterator[Micros]:
    """What the days from `today` to `last` cost so many weeks before, as far as those days are over."""
    since = min(daily, default=today)
    for weeks in range(1, WEEKS_BACK + 1):
        start, end = today - weeks * _WEEK, last - weeks * _WEEK
        if start >= since and end < today:
            yield _sum(daily, start, end)


def _sum(daily: Daily, first: date, last: date) -> Micros:
    return sum(daily.get(day, 0) for day in _days(first, last))


def _days(first: date, last: date) -> Iterator[date]:
    for days in range((last - first).days + 1):
        yield first + days * _DAY
