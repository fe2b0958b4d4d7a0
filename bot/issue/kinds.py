"""What became of the week's spend: each kind a row, and the rows sum to the week to the cent."""

from attribution.money import cents_that_sum, show_cents, to_cents
from attribution.week_report import Kind, KindRow, WeekCost
from bot.issue.view import WeekView
from bot.markdown import count, share_of, small, table

NAMES = {
    Kind.MERGED: "Merged",
    Kind.OPEN: "Still open",
    Kind.REVIEW: "Review alone",
    Kind.ABANDONED: "Abandoned",
    Kind.REVERTED: "Reverted",
    Kind.SHARED: "Fits several",
    Kind.NO_PULL: "No pull request",
    Kind.IMPLAUSIBLE: "Questioned",
}
COLUMNS = ("What became of it", ">Cost", ">Share", ">PRs")


def render(view: WeekView) -> str:
    cost = view.cost
    if not cost.requests:
        return ""
    told = "Every request of the week is in one of the rows; they sum to the week's spend to the cent."
    cents = cents_that_sum([row.micros for row in cost.kinds])
    rows = [_line(row, amount, cost.micros) for row, amount in zip(cost.kinds, cents, strict=True)]
    rows.append((f"**Week {cost.week.number}**", f"**{whole(cost)}**", "**100%**" if cost.micros else "", ""))
    if cost.unpriced_requests:
        rows.append((f"Not priced, in no amount: {count(cost.unpriced_requests, 'request')}", "not known", "", ""))
    return f"{table(COLUMNS, rows)}\n\n{small(told)}"


def whole(cost: WeekCost) -> str:
    """The week's spend, where any of it has a known price."""
    return show_cents(to_cents(cost.micros)) if cost.unpriced_requests < cost.requests else "not known"


def pull(view: WeekView, number: int) -> str:
    """A pull request or issue by number; in another repository with its name."""
    return f"{view.full_name}#{number}"


def _line(row: KindRow, cents: int, whole: int) -> tuple[str, ...]:
    is_known = row.unpriced_requests < row.requests
    amount = show_cents(cents) if is_known else "not known"
    part = share_of(row.micros, whole) if is_known and whole else ""
    return NAMES[row.kind], amount, part, f"{len(row.pulls):,}" if row.pulls else "–"
