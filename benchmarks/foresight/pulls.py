"""How far forecasts of pull requests are off, by their age and by the part of their life, against two naive ones."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from attribution.forecast import error_percent
from attribution.pull_forecast import Curve, estimate, pull
from benchmarks.foresight.history import History

When = Callable[[datetime, datetime], datetime]
HOUR = timedelta(hours=1)
AGES: tuple[tuple[str, When], ...] = (
    ("opened", lambda opened_at, _: opened_at),
    ("1/2 h", lambda opened_at, _: opened_at + HOUR / 2),
    ("1 h", lambda opened_at, _: opened_at + HOUR),
    ("4 h", lambda opened_at, _: opened_at + 4 * HOUR),
    ("24 h", lambda opened_at, _: opened_at + 24 * HOUR),
    ("25 %", lambda opened_at, merged_at: opened_at + (merged_at - opened_at) / 4),
    ("50 %", lambda opened_at, merged_at: opened_at + (merged_at - opened_at) / 2),
    ("75 %", lambda opened_at, merged_at: opened_at + (merged_at - opened_at) * 3 / 4),
)


def report(title: str, histories: Sequence[History]) -> None:
    print(f"\n{title}")
    print(
        f"  {'at':>7}{'cases':>7}{'forecast':>10}{'so far':>8}{'median':>8}{'in range':>10}{'with its error':>16}{'said':>7}{'too thin':>10}"
    )
    for name, when in AGES:
        errors: defaultdict[str, list[int]] = defaultdict(list)
        inside, thin, said = 0, 0, list[int]()
        for history in histories:
            merged = [one for one in history.pulls.values() if one.merged_at and one.micros]
            for one in merged:
                now = when(one.opened_at, one.merged_at or one.opened_at)
                so_far = _until(one, now)
                if now >= (one.merged_at or now) or not so_far.micros:
                    continue
                others = [other for other in merged if other is not one]
                likely = estimate(so_far, others, now)
                if likely is None:
                    thin += 1
                    continue
                before = [other.micros for other in others if other.merged_at and other.merged_at < now]
                errors["forecast"].append(error_percent(likely.micros, one.micros))
                errors["so far"].append(error_percent(so_far.micros, one.micros))
                errors["median"].append(error_percent(int(median(before)), one.micros))
                inside += likely.low_micros <= one.micros <= likely.high_micros
                if forecast := pull(so_far, others, now):
                    said.append(forecast.tried.error_percent)
        cases = len(errors["forecast"])
        if not cases:
            print(f"  {name:>7}{0:>7}   history too thin")
            continue
        columns = "".join(
            f"{round(median(errors[name])):>{width}} %"
            for name, width in (("forecast", 8), ("so far", 6), ("median", 6))
        )
        shown = f"{round(median(said))} %" if said else "-"
        print(f"  {name:>7}{cases:>7}{columns}{100 * inside // cases:>8} %{len(said):>16}{shown:>7}{thin:>10}")


def _until(one: Curve, now: datetime) -> Curve:
    """What was known of it then."""
    return msgspec.structs.replace(one, merged_at=None, spent=tuple(spent for spent in one.spent if spent[0] <= now))
