"""The merges of the week, dearest first: by pull request, never by person."""

from attribution.money import Micros, cents_that_sum, show_cents
from attribution.outcome import State
from attribution.week_report import Merge
from bot.issue.kinds import pull
from bot.issue.view import WeekView
from bot.markdown import LONGEST_NAME, folded, share_of, table, text

COLUMNS = ("Pull request", ">Cost", ">This week", ">Build", ">Review", ">CI", ">Tied by commits")
MOST_ROWS = 50
MOST_ISSUES = 5
NOTE = (
    "The cost is that of a pull request's whole life; *This week* is the part that is in the table above. What is tied by commits "
    "(or by people) is surest; the rest was found by branch and files."
)

# Cents: cost, this week, build, review, CI.
Figures = tuple[int, ...]


def render(view: WeekView) -> str:
    merges = view.cost.merges
    if not merges:
        return ""
    figures = _figures(merges)
    rows = [_line(view, *pair) for pair in zip(merges, figures, strict=True)]
    shown, hidden = rows[:MOST_ROWS], figures[MOST_ROWS:]
    if hidden:
        shown.append((f"{len(hidden):,} more", *map(show_cents, _sums(hidden)), ""))
    shown.append(("**All**", *(f"**{show_cents(cents)}**" if cents else "–" for cents in _sums(figures)), ""))
    title = "The merge" if len(merges) == 1 else f"The {len(merges):,} merges"
    return folded(title, f"{table(COLUMNS, shown)}\n\n{NOTE}")


def _figures(merges: tuple[Merge, ...]) -> list[Figures]:
    """Cents whose columns sum to what they come to together, and whose stages sum to the cost of their row."""
    costs = cents_that_sum([one.total.micros for one in merges])
    weeks = cents_that_sum([one.week_micros for one in merges])
    return [(cost, week, *_stages(one, cost)) for one, cost, week in zip(merges, costs, weeks, strict=True)]


def _stages(one: Merge, cents: int) -> list[int]:
    micros = _stage_micros(one)
    split = cents_that_sum(micros)
    split[micros.index(max(micros))] += cents - sum(split)
    return split


def _stage_micros(one: Merge) -> list[Micros]:
    return [one.total.build_micros, one.total.review_micros, one.total.ci_micros]


def _sums(figures: list[Figures]) -> list[int]:
    return [sum(column) for column in zip(*figures, strict=True)]


def _line(view: WeekView, one: Merge, figures: Figures) -> tuple[str, ...]:
    total = one.total
    cost, *parts = map(_shown, (total.micros, one.week_micros, *_stage_micros(one)), figures)
    reverted = " · reverted" if one.state == State.REVERTED else ""
    return (
        f"{pull(view, one.number)} {text(one.title, LONGEST_NAME)}{_closes(view, one)}{reverted}",
        f"{cost} and more at no known price" if total.unpriced_requests else cost,
        *parts,
        share_of(total.by_commit_micros, total.micros) if total.micros else "",
    )


def _shown(micros: Micros, cents: int) -> str:
    """What was not there is a dash, and what rounds to nothing is not nothing."""
    if not micros:
        return "–"
    return show_cents(cents) if cents else "under $0.01"


def _closes(view: WeekView, one: Merge) -> str:
    if not one.closes:
        return ""
    names = [pull(view, number) for number in one.closes[:MOST_ISSUES]]
    hidden = len(one.closes) - len(names)
    return f"<br>closes {', '.join(names)}{f' and {hidden:,} more' if hidden else ''}"
