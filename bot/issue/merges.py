"""The merges of the week, dearest first: by pull request, never by person."""

from attribution.cost import ZERO, Cost
from attribution.money import cents_that_sum
from attribution.outcome import State
from attribution.week_report import Merge
from bot.issue.kinds import pull
from bot.issue.view import WeekView
from bot.markdown import LONGEST_NAME, folded, share_of, table, text

COLUMNS = ("Pull request", ">Cost", ">This week", ">Build", ">Review", ">CI", ">Tied by commits")
MOST_ROWS = 50
MOST_ISSUES = 5
NONE = "–"
NOTE = (
    "The cost is that of a pull request's whole life; *This week* is the part that is in the table above. What is tied by commits "
    "(or by people) is surest; the rest was found by branch and files."
)

# Costs and their cents: in all, in this week, build, review, CI.
Figures = list[tuple[Cost, int]]


def render(view: WeekView) -> str:
    merges = view.cost.merges
    if not merges:
        return ""
    figures = _figures(merges)
    rows = [_line(view, *pair) for pair in zip(merges, figures, strict=True)]
    first, rest = rows[:MOST_ROWS], figures[MOST_ROWS:]
    if rest:
        first.append((f"{len(rest):,} more", *_sums(rest), ""))
    first.append(("**All**", *(f"**{amount}**" if amount != NONE else NONE for amount in _sums(figures)), ""))
    title = "The merge" if len(merges) == 1 else f"The {len(merges):,} merges"
    return folded(title, f"{table(COLUMNS, first)}\n\n{NOTE}")


def _figures(merges: tuple[Merge, ...]) -> list[Figures]:
    """Cents whose columns sum to what they come to together, and whose stages sum to the cost of their row."""
    in_all = cents_that_sum([merge.total.cost.priced_micros for merge in merges])
    in_week = cents_that_sum([merge.in_week.priced_micros for merge in merges])
    return [
        [(merge.total.cost, cents), (merge.in_week, week_cents), *_stages(merge, cents)]
        for merge, cents, week_cents in zip(merges, in_all, in_week, strict=True)
    ]


def _stages(merge: Merge, cents: int) -> Figures:
    stages = (merge.total.build, merge.total.review, merge.total.ci)
    micros = [stage.priced_micros for stage in stages]
    parts = cents_that_sum(micros)
    parts[micros.index(max(micros))] += cents - sum(parts)
    return list(zip(stages, parts, strict=True))


def _sums(rows: list[Figures]) -> list[str]:
    columns = zip(*rows, strict=True)
    return [_amount(sum((cost for cost, _ in column), ZERO), sum(cents for _, cents in column)) for column in columns]


def _line(view: WeekView, merge: Merge, figures: Figures) -> tuple[str, ...]:
    total = merge.total
    name = f"{pull(view, merge.number)} {text(merge.title, LONGEST_NAME)}"
    note = " · reverted" if merge.state == State.REVERTED else ""
    return (
        f"{name}{_closes(view, merge)}{note}{total.cost.note('<br>without ')}",
        *(_amount(*figure) for figure in figures),
        share_of(total.by_commit.priced_micros, total.cost.priced_micros) if total.cost.priced_micros else "",
    )


def _amount(cost: Cost, cents: int) -> str:
    """What was not there is a dash."""
    return cost.show_as(cents) if cost.requests else NONE


def _closes(view: WeekView, merge: Merge) -> str:
    if not merge.closes:
        return ""
    names = [pull(view, number) for number in merge.closes[:MOST_ISSUES]]
    rest = len(merge.closes) - len(names)
    return f"<br>closes {', '.join(names)}{f' and {rest:,} more' if rest else ''}"
