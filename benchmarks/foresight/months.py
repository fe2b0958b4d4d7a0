"""How far forecasts of months are off, by the day on which they are made, against two naive ones."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from attribution.forecast import Daily, estimate, first_and_last, month
from attribution.money import Micros
from benchmarks.foresight.history import History
from benchmarks.foresight.tally import Tally, head

DAY = timedelta(days=1)
HORIZONS = (5, 10, 15, 20, 25)
NAIVE = ("as last", "linear")


def report(title: str, histories: Sequence[History], *, rolling: bool = False) -> None:
    """Calendar months, or 30 days from each week on where there are too few of them; each with the one before known too."""
    print(f"\n{title}\n{head('after', NAIVE)}")
    for horizon in HORIZONS:
        tally = Tally()
        for daily in (history.daily for history in histories):
            for first, last, before in _thirty_days(daily) if rolling else _months(daily):
                _add(tally, daily, horizon, first, last, before)
        print(f"  {f'{horizon} days':>8}{tally.row(NAIVE)}")


def _add(tally: Tally, daily: Daily, horizon: int, first: date, last: date, before: tuple[date, date]) -> None:
    today, came_to = first + horizon * DAY, _sum(daily, first, last)
    past = {day: micros for day, micros in daily.items() if day < today}
    if came_to:
        linear = _sum(past, first, last) * ((last - first).days + 1) // horizon
        naive = {"as last": _sum(past, *before), "linear": linear}
        forecast = month(past, today) if (first, last) == first_and_last(first) else None
        tally.add(estimate(past, first, last, today), forecast, came_to, naive)


def _months(daily: Daily) -> Iterator[tuple[date, date, tuple[date, date]]]:
    first, last = first_and_last(min(daily))
    while last <= max(daily):
        before = first_and_last(first - DAY)
        if before[0] >= min(daily):
            yield first, last, before
        first, last = first_and_last(last + DAY)


def _thirty_days(daily: Daily) -> Iterator[tuple[date, date, tuple[date, date]]]:
    first = min(daily) + 30 * DAY
    while first + 29 * DAY <= max(daily):
        yield first, first + 29 * DAY, (first - 30 * DAY, first - DAY)
        first += 7 * DAY


def _sum(daily: Daily, first: date, last: date) -> Micros:
    return sum(micros for day, micros in daily.items() if first <= day <= last)
