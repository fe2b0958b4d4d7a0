"""Recorded and simulated history as what the runaway rule and the forecasts take."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from attribution import hindsight
from attribution.evidence import PullRequest
from attribution.hindsight import Recorded
from attribution.ledger import Charge, Share, charge, share_out
from attribution.money import Micros
from attribution.pull_forecast import Curve
from attribution.share import Pulls, place
from benchmarks.attribution.groundtruth import folders, read, rows
from benchmarks.quarter.plan import FIRST_DAY, WEEKS, Plan, drawn, plans, session


class History(msgspec.Struct):
    """One repository. `daily` is by UTC."""

    name: str
    sessions: list[Recorded]
    daily: dict[date, Micros]
    pulls: dict[int, Curve]


def recorded(root: Path) -> list[History]:
    return [_history(folder) for folder in folders(root)]


def _history(folder: Path) -> History:
    found = read(folder)
    index = Pulls(found.pulls, found.default_branch)
    sub_agents = {row["rid"] for row in rows(folder / "sessions.jsonl") if row["is_sidechain"]}
    booked: list[tuple[Charge, Share]] = []
    for usages in found.sessions.values():
        claims = place(usages, index)
        for usage in usages:
            # The recording says which requests are sub-agents', not whose.
            named = msgspec.structs.replace(usage, agent_id="not known") if usage.request_id in sub_agents else usage
            one = charge(named)
            booked += [(one, share) for share in share_out(one, claims[usage.key], 1)]
    daily: defaultdict[date, Micros] = defaultdict(int)
    spent: defaultdict[int, list[tuple[datetime, Micros]]] = defaultdict(list)
    for one, share in booked:
        daily[one.usage.at.date()] += share.micros or 0
        if share.pull_number is not None:
            spent[share.pull_number].append((one.usage.at, share.micros or 0))
    return History(
        found.name,
        hindsight.recorded(booked, found.pulls),
        dict(daily),
        {number: _curve(index.by_number[number], amounts) for number, amounts in spent.items()},
    )


def _curve(pull: PullRequest, spent: list[tuple[datetime, Micros]]) -> Curve:
    return Curve(opened_at=pull.created_at, merged_at=pull.merged_at, spent=tuple(spent))


def simulated(quarters: int, seed: int = 47, repositories: int = 12, sessions: int = 60_000) -> list[History]:
    """Quarters of benchmarks.quarter one after another, each with a seed of its own. There is no session worth an alert in it."""
    found = [History(f"simulated {i + 1}", [], {}, {}) for i in range(repositories)]
    for quarter in range(quarters):
        rng = random.Random(seed + quarter)
        planned = plans(rng, repositories, 1500, sessions)
        start = FIRST_DAY + timedelta(weeks=WEEKS * quarter)
        of_plan: defaultdict[int, list[tuple[datetime, Micros]]] = defaultdict(list)
        numbers = {id(plan): number for number, plan in enumerate(planned)}
        for at, plan, micros in _amounts(rng, planned, sessions, repositories, start):
            daily = found[plan.repository if isinstance(plan, Plan) else plan].daily
            daily[at.date()] = daily.get(at.date(), 0) + micros
            if isinstance(plan, Plan):
                of_plan[numbers[id(plan)]].append((at, micros))
        for number, amounts in of_plan.items():
            plan = planned[number]
            merged_at = start + timedelta(hours=plan.ended) if plan.ends == "merge" else None
            curve = Curve(opened_at=start + timedelta(hours=plan.opened), merged_at=merged_at, spent=tuple(amounts))
            found[plan.repository].pulls[quarter * 10_000 + number] = curve
    return found


def _amounts(
    rng: random.Random, planned: list[Plan], sessions: int, repositories: int, start: datetime
) -> Iterator[tuple[datetime, Plan | int, Micros]]:
    for hour, what, plan in drawn(rng, planned, round(sessions * 0.08), repositories):
        if what in ("work", "loose"):
            ended = start + timedelta(hours=hour)
            usages = session(rng, "s", int(ended.timestamp() * 1000), repository="", branch="", author="")
            yield ended, plan, sum(charge(usage).list_micros or 0 for usage in usages)
