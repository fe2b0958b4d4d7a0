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


class Labelled(msgspec.Struct):
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
    missed: float = 0.0
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


def labelled(folder: Path, gold: bool) -> Iterator[Labelled]:
    labels = {rid: row for row in rows(folder / "truth.jsonl") for rid in row["records"]}
    for row in rows(folder / "sessions.jsonl"):
        label = labels[row["rid"]]
        if label["label"] != "unknown" and not (gold and label["weak"]):
            right = label["prs"] if label["label"] == "pr" else label["open_prs"]
            yield Labelled(row["rid"], _usd(row), label["label"], frozenset(right), label["primary_pr"])


def _usd(row: dict[str, Any]) -> float:
    model = row["model"] or ""
    rates = ((into, out) for name, into, out in _PRICES if name in model)
    into, out = next(rates, (1.25, 10.0))
    tokens = row["input"] + row["cache_read"] * 0.1 + row["cache_write_5m"] * 1.25 + row["cache_write_1h"] * 2.0
    return (tokens * into + row["output"] * out) / 1e6


def shares(claim: Claim) -> Shares:
    whole = sum(weight for _, weight in claim.weights)
    return {number: weight / whole for number, weight in claim.weights if number is not None}


def score(requests: list[Labelled], predicted: Mapping[str, Shares]) -> Score:
    result, true, got = Score(), defaultdict[int, float](float), defaultdict[int, float](float)
    for one in requests:
        given = predicted.get(one.request_id, {})
        is_merged = one.label == "pr"
        if is_merged and one.primary is not None:
            true[one.primary] += one.usd
            result.on_pulls += one.usd
            result.missed += one.usd * max(0.0, 1 - sum(given.values()))
        for number, weight in given.items():
            if number not in one.right:
                result.wrong += one.usd * weight
                got[number] += one.usd * weight
                continue
            result.right += one.usd * weight
            if is_merged and one.primary is not None:
                result.right_on_pulls += one.usd * weight
                got[one.primary] += one.usd * weight
    result.totals = [(usd, got[number]) for number, usd in true.items()]
    return result


def calibration(requests: list[Labelled], claims: Mapping[str, Claim]) -> tuple[Counter[str], Counter[str]]:
    """Dollars by evidence level, and how many of them were right. No pull request is right where there is none."""
    dollars, right = Counter[str](), Counter[str]()
    for one in requests:
        claim = claims[one.request_id]
        given = shares(claim)
        dollars[claim.evidence] += one.usd  # type: ignore[assignment]
        correct = sum(weight for number, weight in given.items() if number in one.right)
        right[claim.evidence] += one.usd * (correct if given else one.label != "pr")  # type: ignore[assignment]
    return dollars, right
