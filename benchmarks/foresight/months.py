"""How far forecasts of months are off, by the day on which they are made, against two naive ones."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from statistics import median

from attribution.forecast import Daily, error_percent, estimate, month, month_of
from attribution.money import Micros
from benchmarks.foresight.history import History

DAY = timedelta(days=1)
HORIZONS = (5, 10, 15, 20, 25)


def report(title: str, histories: Sequence[History], *, rolling: bool = False) -> None:
    """Calendar months, or 30 days from each week on, where there are too few months."""
    print(f"\n{title}")
    print(
        f"  {'after':>7}{'cases':>7}{'forecast':>10}{'as last':>9}{'linear':>8}{'in range':>10}{'with its error':>16}{'said':>7}"
    )
    for horizon in HORIZONS:
        errors: defaultdict[str, list[int]] = defaultdict(list)
        inside, shown, said = 0, 0, list[int]()
        for daily in (history.daily for history in histories):
            for first, last, before in _periods(daily, rolling):
                today = first + horizon * DAY
                came_to, likely = _sum(daily, first, last), estimate(_known(daily, today), first, last, today)
                if likely is None or not came_to:
                    continue
                errors["forecast"].append(error_percent(likely.micros, came_to))
                errors["as last"].append(error_percent(_sum(daily, *before), came_to))
                linear = likely.spent_micros * ((last - first).days + 1) // horizon
                errors["linear"].append(error_percent(linear, came_to))
                inside += likely.low_micros <= came_to <= likely.high_micros
                if not rolling and (forecast := month(_known(daily, today), today)):
                    shown += 1
                    said.append(forecast.tried.error_percent)
        cases = len(errors["forecast"])
        if not cases:
            print(f"  {horizon:>7}{0:>7}   history too thin")
            continue
        columns = "".join(
            f"{round(median(errors[name])):>{width}} %"
            for name, width in (("forecast", 8), ("as last", 7), ("linear", 6))
        )
        print(
            f"  {horizon:>7}{cases:>7}{columns}{100 * inside // cases:>8} %{shown:>16}{f'{round(median(said))} %' if said else '-':>7}"
        )


def _periods(daily: Daily, rolling: bool) -> Iterator[tuple[date, date, tuple[date, date]]]:
    """Whole periods, each with the one before, that also lies within what is known."""
    since, until = min(daily), max(daily)
    if rolling:
        for weeks in range((until - since).days // 7):
            first = since + timedelta(days=30, weeks=weeks)
            if first + 29 * DAY <= until:
                yield first, first + 29 * DAY, (first - 30 * DAY, first - DAY)
        return
    first, last = month_of(since)
    while last <= until:
        before = month_of(first - DAY)
        if before[0] >= since:
            yield first, last, before
        first, last = month_of(last + DAY)


def _known(daily: Daily, today: date) -> Daily:
    return {day: micros for day, micros in daily.items() if day < today}


def _sum(daily: Daily, first: date, last: date) -> Micros:
    return sum(micros for day, micros in daily.items() if first <= day <= last)
