"""From the ledger's sums and the facts of pull requests and issues to a `WeekCost`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import quantiles

import msgspec

from attribution.evidence import Evidence, PullRequest, Stage
from attribution.issues import Issue, issues_of_pulls, shares_of_issues
from attribution.money import Micros
from attribution.outcome import SURVIVES_AFTER, Details, Outcome, State, outcomes, taking_back
from attribution.periods import Week
from attribution.report import Row
from attribution.totals import PullTotal, Spent, labels_of, split_evenly
from attribution.week_report import NOTHING, Coverage, Figure, Kind, KindRow, LabelRow, Merge, Point, WeekCost


class WeekFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a week is made from. `weeks` are those of the line with what was spent in each, oldest first, the last of them the
    one in question; `totals` are those of `pulls_that_count`; `rows` are that week's tools and models, `before_rows` those of the
    eight weeks before. `senders` are digests of the people whose sessions reach us. `known_at` says until when it
    is known what became of pull requests."""

    weeks: tuple[tuple[Week, tuple[Spent, ...]], ...]
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


def pulls_that_count(
    weeks: Sequence[tuple[Week, Iterable[Spent]]],
    pulls: Mapping[int, PullRequest],
    details: Mapping[int, Details],
    issues: Mapping[int, Issue],
) -> set[int]:
    """The pull requests whose `totals` a week needs: worked on or merged in its line, or serving an issue closed in it."""
    from_at, to_at = weeks[0][0].from_at, weeks[-1][0].to_at
    worked_on = {one.pull_number for _, spent in weeks for one in spent if one.pull_number is not None}
    merged = {number for number, one in pulls.items() if one.merged_at and from_at <= one.merged_at < to_at}
    closed = {number for number, one in issues.items() if one.closed_at and from_at <= one.closed_at < to_at}
    links = issues_of_pulls(pulls, details, issues)
    return worked_on | merged | {number for number, served in links.items() if closed.intersection(served)}


def week_cost(facts: WeekFacts) -> WeekCost:
    (week, spent), before = facts.weeks[-1], facts.weeks[-1 - BEFORE_WEEKS : -1]
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
        micros=sum(one.micros for one in spent),
        requests=sum(row.requests for row in facts.rows),
        unpriced_requests=sum(row.unpriced_requests for row in facts.rows),
        kinds=_kinds(spent, states, facts.totals),
        merges=_merges(seen, facts, states, links, _by_pull(spent)),
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
        labels=_labels(spent, facts, links),
        points=tuple(_point(facts, one, amounts, states, shipped) for one, amounts in facts.weeks),
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
    return Figure(median_micros=median, low_micros=low, high_micros=high, count=len(ordered))


def _kinds(
    spent: Sequence[Spent], states: Mapping[int, Outcome], totals: Mapping[int, PullTotal]
) -> tuple[KindRow, ...]:
    groups: defaultdict[Kind, list[Spent]] = defaultdict(list)
    for one in spent:
        groups[_kind(one, states, totals)].append(one)
    return tuple(_kind_row(kind, groups[kind]) for kind in Kind if groups[kind])


def _kind(one: Spent, states: Mapping[int, Outcome], totals: Mapping[int, PullTotal]) -> Kind:
    if one.evidence == Evidence.IMPLAUSIBLE:
        return Kind.IMPLAUSIBLE
    if one.pull_number is None:
        return Kind.SHARED if one.evidence == Evidence.SEVERAL else Kind.NO_PULL
    total = totals.get(one.pull_number)
    if one.stage == Stage.REVIEW and total is not None and not total.build_requests:
        return Kind.REVIEW
    state = states.get(one.pull_number)
    return _KIND_OF[state.state] if state else Kind.OPEN


_KIND_OF = {
    State.OPEN: Kind.OPEN,
    State.MERGED: Kind.MERGED,
    State.SURVIVING: Kind.MERGED,
    State.REVERTED: Kind.REVERTED,
    State.ABANDONED: Kind.ABANDONED,
}


def _kind_row(kind: Kind, group: list[Spent]) -> KindRow:
    by_pull = _by_pull(group)
    return KindRow(
        kind=kind,
        micros=sum(one.micros for one in group),
        requests=sum(one.requests for one in group),
        unpriced_requests=sum(one.unpriced_requests for one in group),
        pulls=tuple(sorted(by_pull.items(), key=lambda item: (-item[1], item[0]))),
    )


def _by_pull(spent: Iterable[Spent]) -> dict[int, Micros]:
    found: defaultdict[int, Micros] = defaultdict(int)
    for one in spent:
        if one.pull_number is not None:
            found[one.pull_number] += one.micros
    return dict(found)


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
    return figure(facts.totals[number].micros for number in numbers)


def _merges(
    numbers: Iterable[int],
    facts: WeekFacts,
    states: Mapping[int, Outcome],
    links: Mapping[int, tuple[int, ...]],
    in_week: Mapping[int, Micros],
) -> tuple[Merge, ...]:
    found = [
        Merge(
            number=number,
            title=facts.details[number].title if number in facts.details else "",
            state=states[number].state,
            closes=links.get(number, ()),
            total=facts.totals[number],
            week_micros=in_week.get(number, 0),
        )
        for number in numbers
    ]
    return tuple(sorted(found, key=lambda one: (-one.total.micros, one.number)))


def _per_issue(
    facts: WeekFacts, links: Mapping[int, tuple[int, ...]], from_at: datetime, to_at: datetime
) -> Figure | None:
    """Splitting a change into ten pull requests that close one issue changes nothing here."""
    shares = shares_of_issues(links, facts.totals)
    closed = [one.number for one in facts.issues.values() if one.closed_at and from_at <= one.closed_at < to_at]
    amounts = [sum(shares[number].values()) for number in closed if number in shares]
    return figure(amount for amount in amounts if amount > 0)


def _requests_per_merge(facts: WeekFacts, now: Sequence[int], before: Sequence[int]) -> tuple[int, int] | None:
    """The median number of requests of a merge, of the week and of the weeks before."""
    medians = [figure(facts.totals[number].requests for number in numbers) for numbers in (now, before)]
    counts = [one.median_micros for one in medians if one]
    return (counts[0], counts[1]) if len(counts) == 2 else None


def _labels(spent: Sequence[Spent], facts: WeekFacts, links: Mapping[int, tuple[int, ...]]) -> tuple[LabelRow, ...]:
    micros: defaultdict[str, Micros] = defaultdict(int)
    unpriced, pulls = Counter[str](), Counter[str]()
    unpriced_of = Counter[int]()
    for one in spent:
        if one.pull_number is not None:
            unpriced_of[one.pull_number] += one.unpriced_requests
    for number, amount in _by_pull(spent).items():
        closed = (label for issue in links.get(number, ()) for label in facts.issues[issue].labels)
        labels = labels_of(facts.details.get(number), closed) or ("",)
        for label, part in split_evenly(amount, labels).items():
            micros[label] += part
            unpriced[label] += unpriced_of[number]
            pulls[label] += 1
    rows = [
        LabelRow(label=label or None, micros=amount, unpriced_requests=unpriced[label], pulls=pulls[label])
        for label, amount in micros.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.label is None, -row.micros, row.label or "")))


def _point(
    facts: WeekFacts,
    week: Week,
    spent: Sequence[Spent],
    states: Mapping[int, Outcome],
    shipped: Mapping[int, datetime],
) -> Point:
    merged = [number for number in _within(shipped, week.from_at, week.to_at) if _is_built(facts, number)]
    per_merge = _figure(facts, merged)
    kinds = _kinds(spent, states, facts.totals)
    return Point(
        week=week.name,
        per_merge_micros=per_merge.median_micros if per_merge else None,
        merges=len(merged),
        micros=sum(one.micros for one in spent),
        nothing_micros=sum(row.micros for row in kinds if row.kind in NOTHING),
    )


def _coverage(facts: WeekFacts, merged: Iterable[int]) -> Coverage:
    people = {author for number in merged if number in facts.details for author in facts.details[number].authors}
    return Coverage(people=len(people), seen_people=len(people & facts.senders))
