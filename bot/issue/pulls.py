"""The week by pull request, the dearest first; what belongs to none is there too, so that the column sums to the week."""

from attribution.cost import Cost, column
from attribution.week_report import Kind
from bot.issue.kinds import NAMES, pull
from bot.issue.view import WeekView
from bot.markdown import folded, share_of, table

COLUMNS = ("Pull request", ">This week", ">Share", "What became of it")
MOST_ROWS = 20
_WITHOUT = (Kind.SHARED, Kind.NO_PULL)


def render(view: WeekView) -> str:
    """Merges alone have a table of their own."""
    cost = view.cost
    parts = cost.in_week
    if not any(kind != Kind.MERGED for kind, _ in parts):
        return ""
    lines: list[tuple[str, Cost, str]] = [
        (pull(view, part.number), part.cost, NAMES[kind]) for kind, part in parts[:MOST_ROWS]
    ]
    if rest := parts[MOST_ROWS:]:
        lines.append((f"{len(rest):,} more", sum((part.cost for _, part in rest), Cost()), ""))
    lines += [("–", row.cost, NAMES[row.kind]) for row in cost.kinds if row.kind in _WITHOUT and row.cost.requests]
    whole = cost.total.priced_micros
    amounts = column([amount for _, amount, _ in lines])
    rows = [
        (name, amount, share_of(of.priced_micros, whole) if of.is_known and whole else "", became)
        for (name, of, became), amount in zip(lines, amounts, strict=True)
    ]
    rows.append(("**All**", f"**{cost.total.show()}**", "**100%**" if whole else "", ""))
    return folded("The week by pull request", table(COLUMNS, rows))
