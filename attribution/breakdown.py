"""Spend cut by one thing at a time: repository, pull request, issue, label, tool, model, stage or day. Complete however it is cut.

By name and number, never by amount, and never by person.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from attribution.issues import Issue
from attribution.money import Micros, split
from attribution.outcome import Details
from attribution.totals import labels_of

By = Literal["repository", "pull", "issue", "label", "tool", "model", "stage", "day"]
WAYS: tuple[By, ...] = get_args(By)

# Spend that a cut has no name for: in no pull request, for no issue, without a label.
NONE = ""
QUARTER_MS = 15 * 60_000


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What the database sums up, cut as finely as a way of cutting needs. `quarter` counts quarters of an hour since 1970: every
    time zone's days begin on one."""

    repository: str = ""
    pull_number: int | None = None
    stage: str = ""
    tool: str = ""
    model: str = ""
    quarter: int = 0
    micros: Micros
    requests: int
    unpriced_requests: int


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Spend at list price under one name; an empty one means none. `number` is that of a pull request or issue. `micros` leaves
    out `unpriced_requests`. A request that several bear is counted with each of them, its money is shared."""

    repository: str
    name: str
    number: int | None
    micros: Micros
    requests: int
    unpriced_requests: int


class Tied(msgspec.Struct, frozen=True):
    """What a repository's pull requests are tied to: issues by pull request, and what both say of themselves."""

    links: Mapping[int, tuple[int, ...]]
    details: Mapping[int, Details]
    issues: Mapping[int, Issue]


Name = tuple[str, str, int | None]


def slices(by: By, pieces: Iterable[Piece], tied: Mapping[str, Tied], zone: ZoneInfo) -> list[Slice]:
    """The pieces under the names that `by` gives them, in order of name. `tied` is by repository."""
    found: defaultdict[Name, list[int]] = defaultdict(lambda: [0, 0, 0])
    for piece in pieces:
        names = _names(by, piece, tied.get(piece.repository), zone)
        for name, micros in zip(names, split(piece.micros, [1] * len(names)), strict=True):
            sums = found[name]
            sums[0] += micros
            sums[1] += piece.requests
            sums[2] += piece.unpriced_requests
    return [
        Slice(
            repository=repository, name=name, number=number, micros=sums[0], requests=sums[1], unpriced_requests=sums[2]
        )
        for (repository, name, number), sums in sorted(found.items(), key=lambda item: _order(item[0]))
    ]


def local_day(quarter: int, zone: ZoneInfo) -> date:
    """The day by the clock on the wall that a quarter of an hour, counted since 1970, is in."""
    return datetime.fromtimestamp(quarter * QUARTER_MS // 1000, UTC).astimezone(zone).date()


def _names(by: By, piece: Piece, tied: Tied | None, zone: ZoneInfo) -> Sequence[Name]:
    """What a piece is called; several names share it evenly."""
    match by:
        case "repository":
            return [(piece.repository, piece.repository, None)]
        case "tool" | "model" | "stage":
            return [("", getattr(piece, by), None)]
        case "day":
            return [("", local_day(piece.quarter, zone).isoformat(), None)]
        case "pull" | "issue" | "label":
            return _names_of_pull(by, piece, tied)


def _names_of_pull(by: By, piece: Piece, tied: Tied | None) -> Sequence[Name]:
    number, repository = piece.pull_number, piece.repository
    if number is None or tied is None:
        return [(repository if by != "label" else "", NONE, None)]
    issues = tied.links.get(number, ())
    if by == "pull":
        details = tied.details.get(number)
        return [(repository, details.title if details else "", number)]
    if by == "issue":
        return [(repository, tied.issues[one].title, one) for one in issues] or [(repository, NONE, None)]
    closed = (label for one in issues for label in tied.issues[one].labels)
    return [("", label, None) for label in labels_of(tied.details.get(number), closed) or (NONE,)]


def _order(name: Name) -> tuple[str, bool, int, str]:
    repository, text, number = name
    return repository, not text and number is None, number or 0, text
