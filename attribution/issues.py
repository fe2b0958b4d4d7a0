"""Issues, the pull requests that served them, and what they cost. A pull request that closes several is shared between them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from attribution.cost import ZERO, Cost
from attribution.evidence import PullRequest
from attribution.links import issues_of_branch
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
    """What one pull request brings to an issue: `cost` of its whole `pull_cost`, since it serves `issues` of them. `through` is the
    sub-issue that it closes, where it is not the issue itself."""

    pull_number: int
    title: str
    through: int | None
    issues: int
    cost: Cost
    pull_cost: Cost


class IssueCost(msgspec.Struct, frozen=True, kw_only=True):
    """What an issue cost over all its pull requests and those of its sub-issues. The requests of a pull request count once in
    `total`. `unseen` are pull requests that serve it and of which no AI work is known."""

    number: int
    title: str
    is_closed: bool
    parent: int | None
    total: Cost
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
    links: dict[int, tuple[int, ...]] = {}
    for number, pull in pulls.items():
        own = details.get(number)
        closes = (linked[number] | set(own.closes if own else ())) & issues.keys()
        numbers = closes or {
            issue for issue in issues_of_branch(pull.head_branch) if _is_open(issues.get(issue), pull.created_at)
        }
        if numbers:
            links[number] = tuple(sorted(numbers))
    return links


def shares_of_issues(links: Links, totals: Mapping[int, PullTotal]) -> dict[int, dict[int, Cost]]:
    """By issue, what each of its pull requests brings to it. Shared evenly between the issues of a pull request."""
    shares: defaultdict[int, dict[int, Cost]] = defaultdict(dict)
    for number, issues in links.items():
        total = totals.get(number)
        if total is not None:
            for issue, cost in zip(issues, total.cost.split(len(issues)), strict=True):
                shares[issue][number] = cost
    return dict(shares)


def family(number: int, issues: Mapping[int, Issue]) -> list[int]:
    """An issue and all below it."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for issue in issues.values():
        if issue.parent is not None:
            children[issue.parent].append(issue.number)
    members, waiting = list[int](), [number]
    while waiting:
        member = waiting.pop()
        if member not in members:
            members.append(member)
            waiting += sorted(children[member])
    return members


def lineage(number: int, issues: Mapping[int, Issue]) -> list[int]:
    """An issue and all above it, whose cost holds its own."""
    line: list[int] = []
    above: int | None = number
    while above is not None and above not in line:
        line.append(above)
        above = issues[above].parent if above in issues else None
    return line


def issue_cost(
    number: int,
    issues: Mapping[int, Issue],
    links: Links,
    totals: Mapping[int, PullTotal],
    details: Mapping[int, Details],
) -> IssueCost:
    """What an issue cost, its sub-issues included: every part of a pull request once."""
    shares = shares_of_issues(links, totals)
    members = family(number, issues)
    parts = [
        IssuePart(
            pull_number=pull_number,
            title=details[pull_number].title if pull_number in details else "",
            through=None if member == number else member,
            issues=len(links[pull_number]),
            cost=cost,
            pull_cost=totals[pull_number].cost,
        )
        for member in members
        for pull_number, cost in shares.get(member, {}).items()
    ]
    serving = {pull for pull, served in links.items() if set(members).intersection(served)}
    issue = issues[number]
    return IssueCost(
        number=number,
        title=issue.title,
        is_closed=issue.closed_at is not None,
        parent=issue.parent,
        total=_whole(parts),
        parts=tuple(sorted(parts, key=lambda part: (-part.cost.priced_micros, part.pull_number, part.through or 0))),
        unseen=tuple(sorted(serving - totals.keys())),
    )


def _whole(parts: Sequence[IssuePart]) -> Cost:
    """The money of all parts, and the requests of each pull request once."""
    money = sum((part.cost for part in parts), ZERO)
    pulls = sum({part.pull_number: part.pull_cost for part in parts}.values(), ZERO)
    return pulls.with_money(money.list_micros or 0, money.reported_micros)


def _is_open(issue: Issue | None, at: datetime) -> bool:
    return issue is not None and issue.created_at <= at and (issue.closed_at is None or issue.closed_at >= at)
