"""Spend cut by one thing at a time: repository, pull request, issue, label, tool, model, stage or day. Complete however it is cut.

By name and number, never by amount, and never by person.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, get_args

import msgspec

from attribution.cost import ZERO, Cost
from attribution.issues import Issue
from attribution.outcome import Details
from attribution.totals import labels_of

By = Literal["repository", "pull", "issue", "label", "tool", "model", "stage", "day"]
WAYS: tuple[By, ...] = get_args(By)

# Spend without a name: in no pull request, for no issue, without a label.
NONE = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A sum of the database, as fine as a breakdown needs."""

    repository: str = ""
    pull_number: int | None = None
    stage: str = ""
    tool: str = ""
    model: str = ""
    day: date | None = None
    is_unconfirmed: bool = False
    cost: Cost


class BreakdownRow(msgspec.Struct, frozen=True, kw_only=True):
    """Spend under one name; an empty name means none. `number` is that of a pull request or issue. A request that several bear is
    counted with each of them, its money is shared. `unconfirmed_cost` looks invented and is not in `cost`."""

    repository: str
    name: str
    number: int | None
    cost: Cost
    unconfirmed_cost: Cost = ZERO


class PullFacts(msgspec.Struct, frozen=True):
    """What names the pull requests of a repository: `links` to issues by pull request, titles and labels of both."""

    links: Mapping[int, tuple[int, ...]]
    details: Mapping[int, Details]
    issues: Mapping[int, Issue]


Name = tuple[str, str, int | None]


def breakdown(by: By, cells: Iterable[Cell], facts: Mapping[str, PullFacts]) -> list[BreakdownRow]:
    """The cells under the names that `by` gives them, in order of name. `facts` are by repository."""
    costs: defaultdict[Name, Cost] = defaultdict(Cost)
    unconfirmed: defaultdict[Name, Cost] = defaultdict(Cost)
    for cell in cells:
        names = _names(by, cell, facts.get(cell.repository))
        for name, part in zip(names, cell.cost.split(len(names)), strict=True):
            (unconfirmed if cell.is_unconfirmed else costs)[name] += part
    return [
        BreakdownRow(
            repository=name[0], name=name[1], number=name[2], cost=costs[name], unconfirmed_cost=unconfirmed[name]
        )
        for name in sorted(costs.keys() | unconfirmed.keys(), key=_order)
    ]


def _names(by: By, cell: Cell, facts: PullFacts | None) -> Sequence[Name]:
    """The names of a cell; several share it evenly."""
    match by:
        case "repository":
            return [(cell.repository, cell.repository, None)]
        case "tool" | "model" | "stage":
            return [("", getattr(cell, by), None)]
        case "day":
            return [("", cell.day.isoformat() if cell.day else NONE, None)]
        case "pull" | "issue" | "label":
            return _names_of_pull(by, cell, facts)


def _names_of_pull(by: By, cell: Cell, facts: PullFacts | None) -> Sequence[Name]:
    number, repository = cell.pull_number, cell.repository
    if number is None or facts is None:
        return [(repository if by != "label" else "", NONE, None)]
    issues = facts.links.get(number, ())
    if by == "pull":
        details = facts.details.get(number)
        return [(repository, details.title if details else "", number)]
    if by == "issue":
        return [(repository, facts.issues[issue].title, issue) for issue in issues] or [(repository, NONE, None)]
    labels = (label for issue in issues for label in facts.issues[issue].labels)
    return [("", label, None) for label in labels_of(facts.details.get(number), labels) or (NONE,)]


def _order(name: Name) -> tuple[str, bool, int, str]:
    repository, text, number = name
    return repository, not text and number is None, number or 0, text
