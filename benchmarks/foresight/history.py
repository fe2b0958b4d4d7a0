"""Recorded history as what the runaway rule and the forecasts take."""

from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import msgspec

from attribution import runaway_backtest
from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import PullRequest
from attribution.ledger import Charge, Share, share_out
from attribution.ledger import charge as price_charge
from attribution.money import Micros
from attribution.pull_forecast import Curve
from attribution.runaway_backtest import SessionRecord
from benchmarks.attribution.groundtruth import folders, read, rows


class History(msgspec.Struct):
    """One repository. `daily` is by UTC."""

    name: str
    sessions: list[SessionRecord]
    daily: dict[date, Micros]
    pulls: dict[int, Curve]


def histories(root: Path) -> list[History]:
    return [_history(folder) for folder in folders(root)]


def _history(folder: Path) -> History:
    recording = read(folder)
    index = RepositoryIndex(recording.pulls, recording.default_branch)
    sub_agents = {row["rid"] for row in rows(folder / "sessions.jsonl") if row["is_sidechain"]}
    ledger: list[tuple[Charge, Share]] = []
    for usages in recording.sessions.values():
        claims = attribute(usages, index)
        for usage in usages:
            # The recording says which requests are sub-agents', not whose.
            agent_id = "not known" if usage.request_id in sub_agents else usage.agent_id
            charge = price_charge(msgspec.structs.replace(usage, agent_id=agent_id))
            ledger += [(charge, share) for share in share_out(charge, claims[usage.key], 1)]
    daily: defaultdict[date, Micros] = defaultdict(int)
    amounts_by_pull: defaultdict[int, list[tuple[datetime, Micros]]] = defaultdict(list)
    for charge, share in ledger:
        daily[charge.usage.at.date()] += share.micros or 0
        if share.pull_number is not None:
            amounts_by_pull[share.pull_number].append((charge.usage.at, share.micros or 0))
    return History(
        recording.name,
        runaway_backtest.session_records(ledger, recording.pulls),
        dict(daily),
        {number: _curve(index.by_number[number], amounts) for number, amounts in amounts_by_pull.items()},
    )


def _curve(pull: PullRequest, amounts: list[tuple[datetime, Micros]]) -> Curve:
    return Curve(opened_at=pull.created_at, merged_at=pull.merged_at, amounts=tuple(amounts))
