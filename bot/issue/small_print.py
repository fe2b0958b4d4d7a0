"""What kind of money this is, which time it covers, and the weeks beside it."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from attribution.cost import Cost
from attribution.week_report import Kind
from bot.issue.view import WeekView
from bot.markdown import small, text


def render(view: WeekView) -> str:
    zone = ZoneInfo(view.time_zone)
    first = view.cost.week.from_at.astimezone(zone).date()
    last = first + timedelta(days=6)
    beside = [
        f"Before: #{view.before_number}." if view.before_number else "",
        f"Next: #{view.after_number}." if view.after_number else "",
    ]
    # Open work may change at any time, the rest until it has survived.
    is_final = view.cost.is_settled and all(row.kind != Kind.OPEN for row in view.cost.kinds)
    parts = [
        f"{_money(view).basis}: plans and discounts are not in it.",
        f"{first:%a %-d %b} to {last:%a %-d %b %Y}, {text(view.time_zone)}, as far as it is known by now.",
        _unseen_commits(view),
        "" if is_final else "Late sessions, and what becomes of the work, change it in place.",
        *beside,
        f"`/mergecost week {view.cost.week.name}` in a comment rebuilds it.",
        f"[How it is counted]({view.how_url})",
    ]
    return small(" ".join(part for part in parts if part))


def _money(view: WeekView) -> Cost:
    """All that an amount here may be of: the week, the weeks before it, and the whole lives of its merges."""
    cost = view.cost
    merges, weeks = (merge.total.cost for merge in cost.merges), (point.cost for point in cost.points)
    return sum((*merges, *weeks), cost.total + cost.unconfirmed)


def _unseen_commits(view: WeekView) -> str:
    """Work that they ended may be elsewhere."""
    if view.is_default_shown or all(row.kind != Kind.NO_PULL for row in view.cost.kinds):
        return ""
    return (
        "Commits without a pull request are known from developers' machines alone: the App may not read them on GitHub."
    )
