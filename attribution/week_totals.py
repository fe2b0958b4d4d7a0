"""Computes a `WeekCost` from the sums of the ledger and the facts of pull requests and issues."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import quantiles

import msgspec

from attribution.cost import ZERO, Cost
from attribution.evidence import Evidence, PullRequest, Stage
from attribution.issues import Issue, issues_of_pulls, shares_of_issues
from attribution.money import Micros
from attribution.outcome import SURVIVES_AFTER, Details, Outcome, State, outcomes, taking_back
from attribution.periods import Week
from attribution.report import Row
from attribution.totals import PullTotal, Spend, labels_of
from attribution.week_report import (
    Coverage,
    Figure,
    Kind,
    KindRow,
    LabelRow,
    Merge,
    Point,
    PullPart,
    WeekCost,
    cost_of_nothing,
)


class WeekFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a week is computed from. `weeks` are those of the line with the spend of each, oldest first; the last is the week
    itself. `rows` are that week's tools and models, `before_rows` those of the eight weeks before, without what is unconfirmed.
    `senders` are digests of the people whose sessions reach us. `known_at` is the time of the facts about pull requests.

    Pull requests with `totals`: those worked on or merged in the line, and those that may serve an issue closed in it. Without:
    those that they take back or are taken back by. Issues: those closed in the line, and those that these pull requests may serve.
    More of either changes nothing."""

    weeks: tuple[tuple[Week, tuple[Spend, ...]], ...]
    rows: tuple[Row, ...]
    before_rows: tuple[Row, ...]
    cache_saving_micros: Micros
    totals: Mapping[int, PullTotal]
    pulls: Mapping[int, PullRequest]
    details: Mapping[int, Details]
    issues: Mapping[int, Issue]
    senders: frozenset[str]
    known_at: datetime
    window: timedelta = SURVIVES_AFTER


BEFORE_WEEKS = 8
LINE_WEEKS = 12


def week_cost(facts: WeekFacts) -> WeekCost:
    """The week's figures; every request of the week is in one of `kinds`."""
    (week, whole_spend), before = facts.weeks[-1], facts.weeks[-1 - BEFORE_WEEKS : -1]
    spend = [part for part in whole_spend if not _is_unconfirmed(part)]
    states = outcomes(facts.pulls, facts.details, facts.known_at, window=facts.window)
    links = issues_of_pulls(facts.pulls, facts.details, facts.issues)
    shipped = _shipped(facts)
    merged = _within(shipped, week.from_at, week.to_at)
    seen = [number for number in merged if _is_built(facts, number)]
    first_at = before[0][0].from_at if before else week.from_at
    seen_before = [number for number in _within(shipped, first_at, week.from_at) if _is_built(facts, number)]

    def lasting(numbers: Iterable[int]) -> list[int]:
        return [number for number in numbers if states[number].state != State.REVERTED]

    return WeekCost(
        week=week,
        total=_whole(spend, facts.rows),
        kinds=_kinds(whole_spend, states, facts.totals),
        merges=_merges(seen, facts, states, links, _by_pull(spend)),
        unseen_merges=tuple(number for number in merged if number not in seen),
        per_merge=_figure(facts, seen),
        per_surviving=_figure(facts, lasting(seen)),
        per_issue=_per_issue(facts, links, week.from_at, week.to_at),
        before_merge=_figure(facts, seen_before),
        before_surviving=_figure(facts, lasting(seen_before)),
        before_issue=_per_issue(facts, links, first_at, week.from_at),
        requests_per_merge=_requests_per_merge(facts, seen, seen_before),
        rows=facts.rows,
        before_rows=facts.before_rows,
        cache_saving_micros=facts.cache_saving_micros,
        no_pull=sum((part.cost for part in spend if part.pull_number is None), ZERO),
        labels=_labels(spend, facts, links),
        points=tuple(_point(facts, states, shipped, *pair) for pair in facts.weeks),
        coverage=_coverage(facts, merged),
        is_settled=facts.known_at - week.to_at >= facts.window,
    )


def figure(amounts: Iterable[Micros]) -> Figure | None:
    """The median and the middle half of amounts, in whole micro-dollars; of fewer than four amounts the whole range."""
    ordered = sorted(amounts)
    if not ordered:
        return None
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2
    low, high = ordered[0], ordered[-1]
    if len(ordered) >= 4:
        first, _, third = quantiles(ordered, n=4, method="inclusive")
        low, high = int(first), int(third)
    return Figure(median_micros=median, low_micros=low, high_micros=high, total_micros=sum(ordered), count=len(ordered))


def figure_of(costs: Iterable[Cost]) -> Figure | None:
    """The median of what things cost."""
    several = list(costs)
    whole = figure(cost.priced_micros for cost in several)
    own = sum(cost.reported_micros for cost in several)
    return whole and msgspec.structs.replace(whole, reported_micros=own)


def _whole(spend: Iterable[Spend], rows: Iterable[Row]) -> Cost:
    """The money of all shares. Requests are those of the rows, each once: a shared one has several shares."""
    money = sum((part.cost for part in spend), ZERO)
    requests = sum((row.cost for row in rows), ZERO)
    return requests.with_money(money.list_micros or 0, money.reported_micros)


def _kinds(
    spend: Sequence[Spend], states: Mapping[int, Outcome], totals: Mapping[int, PullTotal]
) -> tuple[KindRow, ...]:
    by_kind: defaultdict[Kind, list[Spend]] = defaultdict(list)
    for part in spend:
        by_kind[_kind(part, states, totals)].append(part)
    return tuple(_kind_row(kind, by_kind[kind]) for kind in Kind if by_kind[kind])


def _kind(part: Spend, states: Mapping[int, Outcome], totals: Mapping[int, PullTotal]) -> Kind:
    if part.pull_number is None:
        return Kind.SHARED if part.evidence == Evidence.SEVERAL else Kind.NO_PULL
    total = totals.get(part.pull_number)
    if part.stage == Stage.REVIEW and total is not None and not total.build.requests:
        return Kind.REVIEW
    state = states.get(part.pull_number)
    return _KIND_OF[state.state] if state else Kind.OPEN


_KIND_OF = {
    State.OPEN: Kind.OPEN,
    State.MERGED: Kind.MERGED,
    State.SURVIVING: Kind.MERGED,
    State.REVERTED: Kind.REVERTED,
    State.ABANDONED: Kind.ABANDONED,
}


def _is_unconfirmed(part: Spend) -> bool:
    return part.evidence == Evidence.IMPLAUSIBLE


def _kind_row(kind: Kind, spend: list[Spend]) -> KindRow:
    confirmed = [part for part in spend if not _is_unconfirmed(part)]
    pulls = [PullPart(number=number, cost=cost) for number, cost in _by_pull(confirmed).items()]
    return KindRow(
        kind=kind,
        cost=sum((part.cost for part in confirmed), ZERO),
        pulls=tuple(sorted(pulls, key=lambda pull: (-pull.cost.priced_micros, pull.number))),
        unconfirmed_cost=sum((part.cost for part in spend if _is_unconfirmed(part)), ZERO),
    )


def _by_pull(spend: Iterable[Spend]) -> dict[int, Cost]:
    costs: defaultdict[int, Cost] = defaultdict(Cost)
    for part in spend:
        if part.pull_number is not None:
            costs[part.pull_number] += part.cost
    return dict(costs)


def _shipped(facts: WeekFacts) -> dict[int, datetime]:
    """When each pull request was merged: but what was made to take another back ships nothing."""
    back = taking_back(facts.pulls, facts.details)
    return {number: pull.merged_at for number, pull in facts.pulls.items() if pull.merged_at and number not in back}


def _within(shipped: Mapping[int, datetime], from_at: datetime, to_at: datetime) -> list[int]:
    return sorted(number for number, at in shipped.items() if from_at <= at < to_at)


def _is_built(facts: WeekFacts, number: int) -> bool:
    total = facts.totals.get(number)
    return total is not None and total.is_built


def _figure(facts: WeekFacts, numbers: Iterable[int]) -> Figure | None:
    return figure_of(facts.totals[number].cost for number in numbers)


def _merges(
    numbers: Iterable[int],
    facts: WeekFacts,
    states: Mapping[int, Outcome],
    links: Mapping[int, tuple[int, ...]],
    in_week: Mapping[int, Cost],
) -> tuple[Merge, ...]:
    merges = [
        Merge(
            number=number,
            title=facts.details[number].title if number in facts.details else "",
            state=states[number].state,
            closes=links.get(number, ()),
            total=facts.totals[number],
            in_week=in_week.get(number, ZERO),
        )
        for number in numbers
    ]
    return tuple(sorted(merges, key=lambda merge: (-merge.total.cost.priced_micros, merge.number)))


def _per_issue(
    facts: WeekFacts, links: Mapping[int, tuple[int, ...]], from_at: datetime, to_at: datetime
) -> Figure | None:
    """Splitting a change into ten pull requests that close one issue changes nothing here."""
    shares = shares_of_issues(links, facts.totals)
    closed = [issue.number for issue in facts.issues.values() if issue.closed_at and from_at <= issue.closed_at < to_at]
    costs = [sum(shares[number].values(), ZERO) for number in closed if number in shares]
    return figure_of(cost for cost in costs if cost.priced_micros)


def _requests_per_merge(facts: WeekFacts, now: Sequence[int], before: Sequence[int]) -> tuple[int, int] | None:
    """The median number of requests of a merge, of the week and of the weeks before."""
    medians = [figure(facts.totals[number].cost.requests for number in numbers) for numbers in (now, before)]
    counts = [median.median_micros for median in medians if median]
    return (counts[0], counts[1]) if len(counts) == 2 else None


def _labels(spend: Sequence[Spend], facts: WeekFacts, links: Mapping[int, tuple[int, ...]]) -> tuple[LabelRow, ...]:
    costs: defaultdict[str, Cost] = defaultdict(Cost)
    pulls = Counter[str]()
    for number, cost in _by_pull(spend).items():
        closed = (label for issue in links.get(number, ()) for label in facts.issues[issue].labels)
        labels = labels_of(facts.details.get(number), closed) or ("",)
        for label, part in zip(labels, cost.split(len(labels)), strict=True):
            costs[label] += part
            pulls[label] += 1
    rows = [LabelRow(label=label or None, cost=cost, pulls=pulls[label]) for label, cost in costs.items()]
    return tuple(sorted(rows, key=lambda row: (row.label is None, -row.cost.priced_micros, row.label or "")))


def _point(
    facts: WeekFacts,
    states: Mapping[int, Outcome],
    shipped: Mapping[int, datetime],
    week: Week,
    spend: Sequence[Spend],
) -> Point:
    merged = [number for number in _within(shipped, week.from_at, week.to_at) if _is_built(facts, number)]
    per_merge = _figure(facts, merged)
    return Point(
        week=week.name,
        per_merge_micros=per_merge.median_micros if per_merge else None,
        reported_micros=per_merge.reported_micros if per_merge else 0,
        merges=len(merged),
        cost=sum((part.cost for part in spend if not _is_unconfirmed(part)), ZERO),
        nothing=cost_of_nothing(_kinds(spend, states, facts.totals)),
    )


def _coverage(facts: WeekFacts, merged: Iterable[int]) -> Coverage:
    people = {author for number in merged if number in facts.details for author in facts.details[number].authors}
    return Coverage(people=len(people), seen_people=len(people & facts.senders))
