"""What merges of a repository usually cost: the yardstick beside a pull request's own figure."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from attribution.evidence import PullRequest
from attribution.money import Micros
from attribution.outcome import Details, taking_back
from attribution.totals import PullTotal
from attribution.week_totals import figure

SPAN = timedelta(weeks=12)
LEAST_MERGES = 10


class Usual(msgspec.Struct, frozen=True):
    """The middle half of what `merges` merges cost, each in its whole life."""

    low_micros: Micros
    high_micros: Micros
    merges: int


def usual(
    totals: Mapping[int, PullTotal], pulls: Mapping[int, PullRequest], details: Mapping[int, Details]
) -> Usual | None:
    """Of the merges among `totals`; None of fewer than ten, of which a half says little. A merge without building of known price
    tells no cost, and what was made to take another back ships nothing: as in the weekly issue."""
    back = taking_back(pulls, details)
    amounts = [
        total.cost.priced_micros
        for number, total in totals.items()
        if total.is_built and number not in back and number in pulls and pulls[number].merged_at
    ]
    middle = figure(amounts)
    if middle is None or middle.count < LEAST_MERGES:
        return None
    return Usual(middle.low_micros, middle.high_micros, middle.count)
