"""Predicted shares against recorded labels, in dollars. The only reader of labels.

A share is right when its pull request is one of the acceptable ones: for work labelled `pr` its merged ones, for `unshipped`
its open ones, for `direct` none. Work labelled `unknown` is left out, and with `gold` what is labelled weakly as well.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from attribution.evidence import Claim
from benchmarks.attribution.groundtruth import rows

Shares = dict[int, float]

# Dollars for a million tokens (input, output), the same for all methods: this compares methods, not bills.
_PRICES = (("opus", 5.0, 25.0), ("sonnet", 3.0, 15.0), ("haiku", 1.0, 5.0), ("fable", 5.0, 25.0), ("gpt", 1.25, 10.0))
WITHIN = 0.1


class Label(msgspec.Struct):
    """One request: what it cost, what it was for, and which pull requests are right for it."""

    request_id: str
    usd: float
    label: str
    right: frozenset[int]
    primary: int | None


class Score(msgspec.Struct):
    """Sums in dollars. `totals` is per pull request (true, predicted); add up those of several repositories by `+`."""

    right: float = 0.0
    wrong: float = 0.0
    missing: float = 0.0
    on_pulls: float = 0.0
    right_on_pulls: float = 0.0
    totals: list[tuple[float, float]] = msgspec.field(default_factory=list)

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))

    @property
    def precision(self) -> float:
        return self.right / max(1e-9, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right_on_pulls / max(1e-9, self.on_pulls)

    @property
    def within(self) -> float:
        return sum(abs(got - true) <= WITHIN * true for true, got in self.totals) / max(1, len(self.totals))


def labels(folder: Path, gold: bool) -> Iterator[Label]:
    by_request = {rid: request for request in rows(folder / "truth.jsonl") for rid in request["records"]}
    for request in rows(folder / "sessions.jsonl"):
        row_label = by_request[request["rid"]]
        if row_label["label"] != "unknown" and not (gold and row_label["weak"]):
            right = row_label["prs"] if row_label["label"] == "pr" else row_label["open_prs"]
            yield Label(request["rid"], _usd(request), row_label["label"], frozenset(right), row_label["primary_pr"])


def _usd(row: dict[str, Any]) -> float:
    model = row["model"] or ""
    rates = ((into, out) for name, into, out in _PRICES if name in model)
    into, out = next(rates, (1.25, 10.0))
    tokens = row["input"] + row["cache_read"] * 0.1 + row["cache_write_5m"] * 1.25 + row["cache_write_1h"] * 2.0
    return (tokens * into + row["output"] * out) / 1e6


def shares(claim: Claim) -> Shares:
    whole = sum(weight for _, weight in claim.weights)
    return {number: weight / whole for number, weight in claim.weights if number is not None}


def score(requests: list[Label], predicted: Mapping[str, Shares]) -> Score:
    result, true, got = Score(), defaultdict[int, float](float), defaultdict[int, float](float)
    for request in requests:
        parts = predicted.get(request.request_id, {})
        is_merged = request.label == "pr"
        if is_merged and request.primary is not None:
            true[request.primary] += request.usd
            result.on_pulls += request.usd
            result.missing += request.usd * max(0.0, 1 - sum(parts.values()))
        for number, weight in parts.items():
            if number not in request.right:
                result.wrong += request.usd * weight
                got[number] += request.usd * weight
                continue
            result.right += request.usd * weight
            if is_merged and request.primary is not None:
                result.right_on_pulls += request.usd * weight
                got[request.primary] += request.usd * weight
    result.totals = [(usd, got[number]) for number, usd in true.items()]
    return result


def calibration(requests: list[Label], claims: Mapping[str, Claim]) -> tuple[Counter[str], Counter[str]]:
    """Dollars by evidence level, and how many of them were right. No pull request is right where there is none."""
    dollars, right = Counter[str](), Counter[str]()
    for request in requests:
        claim = claims[request.request_id]
        parts = shares(claim)
        dollars[claim.evidence] += request.usd  # type: ignore[assignment]
        correct = sum(weight for number, weight in parts.items() if number in request.right)
        right[claim.evidence] += request.usd * (correct if parts else request.label != "pr")  # type: ignore[assignment]
    return dollars, right
