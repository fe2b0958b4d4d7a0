"""Recorded history as what the runaway rule and the forecasts take."""

from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import msgspec

from attribution import runaway_backtest
from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import PullRequest
from attribution.ledger import Charge, Share, charge, share_out
from attribution.money import Micros
from attribution.pull_forecast import Curve
from attribution.runaway_backtest import Recorded
from benchmarks.attribution.groundtruth import folders, read, rows


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
    index = RepositoryIndex(found.pulls, found.default_branch)
    sub_agents = {row["rid"] for row in rows(folder / "sessions.jsonl") if row["is_sidechain"]}
    booked: list[tuple[Charge, Share]] = []
    for usages in found.sessions.values():
        claims = attribute(usages, index)
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
        runaway_backtest.recorded(booked, found.pulls),
        dict(daily),
        {number: _curve(index.by_number[number], amounts) for number, amounts in spent.items()},
    )


def _curve(pull: PullRequest, spent: list[tuple[datetime, Micros]]) -> Curve:
    return Curve(opened_at=pull.created_at, merged_at=pull.merged_at, spent=tuple(spent))
