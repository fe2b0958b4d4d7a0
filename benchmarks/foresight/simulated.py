"""Simulated history: quarters of benchmarks.quarter, and sessions drawn from a distribution."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from attribution.activity import Request
from attribution.ledger import charge
from attribution.money import Micros
from attribution.pull_forecast import Curve
from attribution.runaway_backtest import SessionRecord
from benchmarks.foresight.history import History
from benchmarks.quarter.plan import FIRST_DAY, WEEKS, Plan, plans, session, timeline
from bot.clock import to_ms

REPOSITORIES, PULLS, SESSIONS = 12, 1500, 60_000


def quarters(count: int, seed: int = 47) -> list[History]:
    """So many quarters one after another, each with a seed of its own, without sessions."""
    histories = [History(f"simulated {i + 1}", [], {}, {}) for i in range(REPOSITORIES)]
    for quarter in range(count):
        start = FIRST_DAY + timedelta(weeks=WEEKS * quarter)
        rng = random.Random(seed + quarter)
        planned = plans(rng, REPOSITORIES, PULLS, SESSIONS)
        amounts: defaultdict[str, list[tuple[datetime, Micros]]] = defaultdict(list)
        for at, plan, micros in _sessions(rng, planned, start):
            daily = histories[plan.repository if isinstance(plan, Plan) else plan].daily
            daily[at.date()] = daily.get(at.date(), 0) + micros
            if isinstance(plan, Plan):
                amounts[plan.branch].append((at, micros))
        for number, plan in enumerate(planned):
            merged_at = start + timedelta(hours=plan.end_hour) if plan.ends == "merge" else None
            opened_at = start + timedelta(hours=plan.open_hour)
            curve = Curve(opened_at=opened_at, merged_at=merged_at, amounts=tuple(amounts[plan.branch]))
            histories[plan.repository].pulls[quarter * PULLS + number] = curve
    return histories


def _sessions(
    rng: random.Random, planned: list[Plan], start: datetime
) -> Iterator[tuple[datetime, Plan | int, Micros]]:
    """When each ended, what it worked on (a repository alone for loose ones), and what it cost."""
    for hour, what, plan in timeline(rng, planned, round(SESSIONS * 0.08), REPOSITORIES):
        if what in ("work", "loose"):
            ends_at = start + timedelta(hours=hour)
            usages = session(rng, "s", to_ms(ends_at), repository="", branch="", author="")
            yield ends_at, plan, sum(charge(usage).list_micros or 0 for usage in usages)


def ordinary(sigma: float, count: int, seed: int) -> list[SessionRecord]:
    """Sessions whose cost is log-normal around $3, all of which shipped: whatever is said of them is a false alarm."""
    rng, start = random.Random(seed), datetime(2026, 1, 1, tzinfo=UTC)
    records = []
    for i in range(count):
        micros = int(3_000_000 * rng.lognormvariate(0, sigma))
        request = Request(at=start + timedelta(hours=i), micros=micros, has_effect=True)
        records.append(
            SessionRecord(tool="codex", session_id=str(i), requests=(request,), shipped_micros=micros, open_micros=0)
        )
    return records
