"""What moved the cost of a merge, and what needs a decision: a sentence each."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from attribution.budget import Scope
from attribution.cost import PRICE_NOT_KNOWN, Cost
from attribution.money import show
from attribution.report import Row, cache_read_part
from attribution.week_report import NOTHING, Figure, Kind, KindRow, WeekCost
from bot.issue.kinds import NAMES, pull
from bot.issue.view import WeekView
from bot.markdown import code, count, listed, share_of

# Below this a difference of medians says nothing.
_SAME = Fraction(1, 10)
# A part of the week worth a decision, and the least amount.
_WORTH = Fraction(1, 10)
_LEAST_MICROS = 5_000_000
# So much of the week is large for one pull request; of fewer than so many, no part and no cost is unusual.
_LARGE = Fraction(1, 3)
_FEW = 4
_MOST_NAMED = 3
# Cache reads that differ by less explain nothing.
_CACHE_POINTS = Fraction(3, 100)
_MIX_POINTS = Fraction(15, 100)


def change(now: Figure, before: Figure) -> int:
    """1, 0 or -1: whether the median rose, stayed about the same, or fell."""
    if not before.median_micros:
        return 0
    ratio = Fraction(now.median_micros, before.median_micros)
    return (ratio > 1 + _SAME) - (ratio < 1 - _SAME)


def largest_change(cost: WeekCost) -> str:
    """Cost of a merge = requests of a merge times cost of a request: which of the two moved more, and why."""
    now, before = cost.per_merge, cost.before_merge
    direction = change(now, before) if now and before else 0
    if now is None or before is None or not direction or cost.requests_per_merge is None:
        return ""
    verb = "It rose" if direction > 0 else "It fell"
    took, took_before = cost.requests_per_merge
    requests = Fraction(took, max(took_before, 1))
    each = Fraction(now.median_micros, before.median_micros) / (requests or 1)
    if (requests > each) if direction > 0 else (requests < each):
        word = "more" if direction > 0 else "fewer"
        return f"{verb} mostly because a merge took {word} requests."
    word = "more" if direction > 0 else "less"
    return f"{verb} mostly because a request cost {word}{_why_each(cost, direction)}."


def _why_each(cost: WeekCost, direction: int) -> str:
    now, before = _cache(cost.rows), _cache(cost.before_rows)
    if now is not None and before is not None and (before - now) * direction >= _CACHE_POINTS:
        return f": {'less' if direction > 0 else 'more'} of the input came from cache"
    growth = [
        (_part(cost.rows, model) - _part(cost.before_rows, model), model) for model in {row.model for row in cost.rows}
    ]
    if growth and (most := max(growth))[0] >= _MIX_POINTS:
        return f": more of the spend went to {code(most[1])} than before"
    return ""


def _cache(rows: Sequence[Row]) -> Fraction | None:
    read, whole = cache_read_part(rows)
    return Fraction(read, whole) if whole else None


def _part(rows: Sequence[Row], model: str) -> Fraction:
    whole = sum(row.cost.priced_micros for row in rows)
    part = sum(row.cost.priced_micros for row in rows if row.model == model)
    return Fraction(part, whole) if whole else Fraction(0)


def to_decide(view: WeekView) -> str:
    """A budget that is used up or will be; what shipped nothing, if it is worth anybody's time, else what is missing from the
    figures; what is unusually dear; or that nothing needs a decision."""
    findings = (_over_budget(view.cost), _unshipped(view), _large_part(view), _dear_merges(view))
    reasons = " ".join(part for part in findings if part)
    if reasons or view.cost.unconfirmed.requests:
        return f"**To decide:** {reasons}" if reasons else ""
    return "Nothing needs a decision."


def _over_budget(cost: WeekCost) -> str:
    for budget in (row.budget for row in cost.budgets):
        if budget.scope == Scope.PULL:
            continue
        name = "The week" if budget.scope == Scope.WEEK else f"{date.fromisoformat(f'{budget.name}-01'):%B}"
        whole = f"its budget of {show(budget.budget_micros)}"
        if budget.is_over:
            return f"{name} is over {whole}, with {budget.spend.show()}."
        if budget.scope == Scope.MONTH and cost.month and cost.month.micros > budget.budget_micros:
            return f"{name} is likely to end over {whole}, at {show(cost.month.micros)}."
    return ""


def _unshipped(view: WeekView) -> str:
    cost = view.cost
    nothing, week = cost.nothing, cost.total.priced_micros
    micros = nothing.priced_micros
    if micros >= max(_LEAST_MICROS, week * _WORTH):
        most = max((row for row in cost.kinds if row.kind in NOTHING), key=lambda row: row.cost.priced_micros)
        return f"{nothing.show()}, {share_of(micros, week)} of the week, shipped nothing. {_most(view, most, nothing)}."
    if cost.total.unpriced_requests * 10 > cost.total.requests:
        requests = f"{cost.total.unpriced_requests:,} of {count(cost.total.requests, 'request')}"
        return f"{requests} are {PRICE_NOT_KNOWN}, so the figures are too low."
    coverage = cost.coverage
    if coverage.people and coverage.seen_people * 10 < coverage.people * 8:
        people = f"{coverage.people - coverage.seen_people:,} of {count(coverage.people, 'person', 'people')}"
        return f"{people} whose commits were merged send no sessions, so the figures are too low."
    return ""


def _large_part(view: WeekView) -> str:
    """One pull request that is a third of the week, among several."""
    parts, whole = view.cost.in_week, view.cost.total.priced_micros
    if len(parts) < _FEW:
        return ""
    kind, most = parts[0]
    if kind in NOTHING or most.cost.priced_micros < max(_LEAST_MICROS, whole * _LARGE):
        return ""
    share = share_of(most.cost.priced_micros, whole)
    return (
        f"{most.cost.show()}, {share} of the week, went into {pull(view, most.number)} alone: its comment says where."
    )


def _dear_merges(view: WeekView) -> str:
    """Merges of at least twice the usual cost."""
    before = view.cost.before_merge
    if before is None or before.count < _FEW:
        return ""
    least = max(_LEAST_MICROS, 2 * before.median_micros)
    dear = [merge for merge in view.cost.merges if merge.total.cost.priced_micros >= least]
    if not dear:
        return ""
    names = [f"{pull(view, merge.number)} for {merge.total.cost.show()}" for merge in dear[:_MOST_NAMED]]
    rest = [count(len(dear) - _MOST_NAMED, "other")] if len(dear) > _MOST_NAMED else []
    return f"{count(len(dear), 'merge')} cost at least twice what is usual: {listed([*names, *rest])}."


def _most(view: WeekView, row: KindRow, nothing: Cost) -> str:
    """The largest piece of what shipped nothing, and what can be done about it."""
    if row.pulls:
        dearest = row.pulls[0]
        way, way_of_several = _WAYS_ON[row.kind]
        if 2 * dearest.cost.priced_micros > row.cost.priced_micros:
            much = _how_much(dearest.cost, nothing)
            return f"{much} went into {pull(view, dearest.number)}, which was {NAMES[row.kind].lower()}: {way}"
        pulls = count(len(row.pulls), "pull request")
        return f"{_how_much(row.cost, nothing)} went into {pulls} that were {NAMES[row.kind].lower()}: {way_of_several}"
    return f"{_how_much(row.cost, nothing)} {_WAYS_ON[row.kind][0]}"


# Of one and of several pull requests.
_WAYS_ON = {
    Kind.ABANDONED: ("take it up again, or let it go", "take them up again, or let them go"),
    Kind.REVERTED: ("fix it and bring it back, or let it go", "fix them and bring them back, or let them go"),
    Kind.SHARED: ("fits several pull requests alike: `/mergecost link` in one of them decides",) * 2,
    Kind.NO_PULL: ("fits no pull request: `/mergecost link` puts it where it belongs, or it came to nothing",) * 2,
}


def _how_much(part: Cost, whole: Cost) -> str:
    if part.priced_micros == whole.priced_micros:
        return "All of it"
    is_most = 2 * part.priced_micros > whole.priced_micros
    return f"{'Most of it' if is_most else 'The largest part'}, {part.show()},"
