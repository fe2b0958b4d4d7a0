"""Issues, the pull requests that served them, and what they cost. A pull request that closes several is shared between them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import msgspec

from attribution.evidence import PullRequest
from attribution.links import issues_of_branch
from attribution.money import Micros, split
from attribution.outcome import Details
from attribution.totals import PullTotal


class Issue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An issue that is no pull request. `parent` is the issue that it is a sub-issue of, `pulls` are the pull requests that
    GitHub or a person linked to it; both of the same repository."""

    number: int
    title: str = ""
    labels: tuple[str, ...] = ()
    created_at: datetime
    closed_at: datetime | None = None
    parent: int | None = None
    pulls: tuple[int, ...] = ()


class IssuePart(msgspec.Struct, frozen=True, kw_only=True):
    """What one pull request brings to an issue: `micros` of its `pull_micros`, since it serves `issues` of them. `through` is
    the sub-issue that it closes, where it is not the issue itself."""

    pull_number: int
    title: str
    through: int | None
    issues: int
    micros: Micros
    pull_micros: Micros
    unpriced_requests: int


class IssueCost(msgspec.Struct, frozen=True, kw_only=True):
    """What an issue cost over all its pull requests and those of its sub-issues, at list price. `unseen` are pull requests that
    serve it and of which no AI work is known."""

    number: int
    title: str
    is_closed: bool
    parent: int | None
    micros: Micros
    unpriced_requests: int
    parts: tuple[IssuePart, ...]
    unseen: tuple[int, ...]


Links = Mapping[int, tuple[int, ...]]


def issues_of_pulls(
    pulls: Mapping[int, PullRequest], details: Mapping[int, Details], issues: Mapping[int, Issue]
) -> dict[int, tuple[int, ...]]:
    """The issues that each pull request serves: closed by keyword or linked; else the one its branch is named after, if it was
    open when the pull request began."""
    linked: defaultdict[int, set[int]] = defaultdict(set)
    for issue in issues.values():
        for number in issue.pulls:
            linked[number].add(issue.number)
    found: dict[int, tuple[int, ...]] = {}
    for number, pull in pulls.items():
        own = details.get(number)
        told = (linked[number] | set(own.closes if own else ())) & issues.keys()
        named = told or {
            one for one in issues_of_branch(pull.head_branch) if _is_open(issues.get(one), pull.created_at)
        }
        if named:
            found[number] = tuple(sorted(named))
    return found


def shares_of_issues(links: Links, totals: Mapping[int, PullTotal]) -> dict[int, dict[int, Micros]]:
    """By issue, what each of its pull requests brings to it. Shared evenly between the issues of a pull request."""
    found: defaultdict[int, dict[int, Micros]] = defaultdict(dict)
    for number, issues in links.items():
        total = totals.get(number)
        if total is not None:
            for issue, micros in zip(issues, split(total.micros, [1] * len(issues)), strict=True):
                found[issue][number] = micros
    return dict(found)


def family(number: int, issues: Mapping[int, Issue]) -> list[int]:
    """An issue and all below it."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for issue in issues.values():
        if issue.parent is not None:
            children[issue.parent].append(issue.number)
    found, todo = list[int](), [number]
    while todo:
        one = todo.pop()
        if one not in found:
            found.append(one)
            todo += sorted(children[one])
    return found


def lineage(number: int, issues: Mapping[int, Issue]) -> list[int]:
    """An issue and all above it, whose cost holds its own."""
    found: list[int] = []
    above: int | None = number
    while above is not None and above not in found:
        found.append(above)
        above = issues[above].parent if above in issues else None
    return found


def issue_cost(
    number: int,
    issues: Mapping[int, Issue],
    links: Links,
    totals: Mapping[int, PullTotal],
    details: Mapping[int, Details],
) -> IssueCost:
    """What an issue cost, its sub-issues included: every part of a pull request once."""
    shares = shares_of_issues(links, totals)
    parts: list[IssuePart] = []
    for one in family(number, issues):
        for pull_number, micros in shares.get(one, {}).items():
            total = totals[pull_number]
            own = details.get(pull_number)
            parts.append(
                IssuePart(
                    pull_number=pull_number,
                    title=own.title if own else "",
                    through=None if one == number else one,
                    issues=len(links[pull_number]),
                    micros=micros,
                    pull_micros=total.micros,
                    unpriced_requests=total.unpriced_requests,
                )
            )
    below = set(family(number, issues))
    serving = {pull for pull, served in links.items() if below.intersection(served)}
    issue = issues[number]
    return IssueCost(
        number=number,
        title=issue.title,
        is_closed=issue.closed_at is not None,
        parent=issue.parent,
        micros=sum(part.micros for part in parts),
        unpriced_requests=sum({part.pull_number: part.unpriced_requests for part in parts}.values()),
        parts=tuple(sorted(parts, key=lambda part: (-part.micros, part.pull_number, part.through or 0))),
        unseen=tuple(sorted(serving - totals.keys())),
    )


def _is_open(issue: Issue | None, at: datetime) -> bool:
    return issue is not None and issue.created_at <= at and (issue.closed_at is None or issue.closed_at >= at)
