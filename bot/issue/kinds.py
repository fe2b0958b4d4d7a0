"""What became of the week's spend: each kind a row, and the rows sum to the week to the cent."""

from attribution.cost import Cost, column
from attribution.week_report import NOTHING, Kind, KindRow
from bot.issue.view import WeekView
from bot.markdown import share_of, small, table

NAMES = {
    Kind.MERGED: "Merged",
    Kind.OPEN: "Still open",
    Kind.REVIEW: "Review alone",
    Kind.ABANDONED: "Abandoned",
    Kind.REVERTED: "Reverted",
    Kind.SHARED: "Fits several",
    Kind.NO_PULL: "No pull request",
}
# Below the sum of a table, in no share and no sum of it.
BESIDE = "Unconfirmed, not in the sum"
COLUMNS = ("What became of it", ">Cost", ">Share", ">PRs")


def render(view: WeekView) -> str:
    cost = view.cost
    if not cost.total.requests:
        return ""
    kinds = [row for row in cost.kinds if row.cost.requests]
    amounts = column([row.cost for row in kinds])
    rows = [_line(row, amount, cost.total) for row, amount in zip(kinds, amounts, strict=True)]
    whole = "**100%**" if cost.total.priced_micros else ""
    rows.append((f"**Week {cost.week.number}**", f"**{cost.total.show()}**", whole, ""))
    nothing = [row for row in kinds if row.kind in NOTHING]
    if len(nothing) > 1:
        rows.append(("Of it shipped nothing", cost.nothing.show(), _share(cost.nothing, cost.total), "–"))
    if cost.unconfirmed.requests:
        rows.append((BESIDE, cost.unconfirmed.show(), "–", "–"))
    notes = ["Every request of the week is in one of the rows; they sum to the week's spend to the cent."]
    if cost.total.unpriced_requests:
        notes.append(f"In no amount: {cost.total.note()}.")
    return f"{table(COLUMNS, rows)}\n\n{small(' '.join(notes))}"


def pull(view: WeekView, number: int) -> str:
    """A pull request or issue by number; in another repository with its name."""
    return f"{view.full_name}#{number}"


def _line(row: KindRow, amount: str, total: Cost) -> tuple[str, ...]:
    return NAMES[row.kind], amount, _share(row.cost, total), f"{len(row.pulls):,}" if row.pulls else "–"


def _share(part: Cost, total: Cost) -> str:
    return share_of(part.priced_micros, total.priced_micros) if part.is_known and total.priced_micros else ""
