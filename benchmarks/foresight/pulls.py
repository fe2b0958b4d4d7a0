"""How far forecasts of pull requests are off, by their age and by the part of their life, against two naive ones."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from attribution.pull_forecast import Curve, estimate, pull
from benchmarks.foresight.history import History
from benchmarks.foresight.tally import Tally, head

When = Callable[[datetime, datetime], datetime]
HOUR = timedelta(hours=1)
NAIVE = ("so far", "median")
WHEN: tuple[tuple[str, When], ...] = (
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
    print(f"\n{title}\n{head('at', NAIVE)}")
    for name, when in WHEN:
        tally = Tally()
        for history in histories:
            merges = [curve for curve in history.pulls.values() if curve.merged_at and curve.micros]
            for curve in merges:
                _add(tally, curve, [other for other in merges if other is not curve], when)
        print(f"  {name:>8}{tally.row(NAIVE)}")


def _add(tally: Tally, curve: Curve, others: Sequence[Curve], when: When) -> None:
    assert curve.merged_at
    now = when(curve.opened_at, curve.merged_at)
    so_far = _until(curve, now)
    if now < curve.merged_at and so_far.micros:
        before = [other.micros for other in others if other.merged_at and other.merged_at < now]
        naive = {"so far": so_far.micros, "median": int(median(before or [0]))}
        tally.add(estimate(so_far, others, now), pull(so_far, others, now), curve.micros, naive)


def _until(curve: Curve, now: datetime) -> Curve:
    """What was known of it then."""
    return msgspec.structs.replace(
        curve, merged_at=None, amounts=tuple(amount for amount in curve.amounts if amount[0] <= now)
    )
