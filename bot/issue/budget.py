"""What is used of the budgets, which of them people were told of, and what the month is likely to come to."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from attribution.budget import Budget, Scope
from attribution.money import show
from attribution.week_report import BudgetRow
from bot.issue.kinds import pull
from bot.issue.view import WeekView
from bot.markdown import bar, count, share_of, table, text

COLUMNS = ("Budget", ">Used", ">Cost", ">Of", "")
MOST_ROWS = 12


def render(view: WeekView) -> str:
    return "\n\n".join(part for part in (_table(view), _month(view)) if part)


def _table(view: WeekView) -> str:
    held = view.cost.budgets
    if not held:
        return ""
    rows = [_line(view, one) for one in held[:MOST_ROWS]]
    if hidden := held[MOST_ROWS:]:
        rows.append((f"{count(len(hidden), 'more pull request')} over budget", "", "", "", ""))
    return table(COLUMNS, rows)


def _line(view: WeekView, row: BudgetRow) -> tuple[str, ...]:
    budget = row.budget
    used = share_of(budget.spent_micros, budget.budget_micros)
    gauge = bar(budget.spent_micros, budget.budget_micros, 10)
    notes = [_approved(budget)] if budget.scope == Scope.PULL else [_told(view, row)]
    if budget.unpriced_requests:
        notes.append(f"without {count(budget.unpriced_requests, 'request')} at no known price")
    what = _what(view, budget)
    return (
        f"{gauge} {what}",
        used,
        show(budget.spent_micros),
        show(budget.budget_micros),
        "; ".join(filter(None, notes)),
    )


def _what(view: WeekView, budget: Budget) -> str:
    match budget.scope:
        case Scope.PULL:
            return pull(view, int(budget.name))
        case Scope.WEEK:
            return f"Week {view.cost.week.number}"
        case Scope.MONTH:
            return f"{_month_name(budget.name)} so far"


def _approved(budget: Budget) -> str:
    given = budget.approval
    return f"approved: {text(given.reason)}" if given else "not approved"


def _told(view: WeekView, row: BudgetRow) -> str:
    zone = ZoneInfo(view.time_zone)
    return ", ".join(f"{level}% on {at.astimezone(zone):%a %-d %b}" for level, at in row.reached)


def _month(view: WeekView) -> str:
    """A forecast never stands without the error that it made before."""
    likely = view.cost.month
    if likely is None:
        return ""
    last = (view.cost.week.to_at - timedelta(milliseconds=1)).astimezone(ZoneInfo(view.time_zone))
    record = likely.track_record
    return (
        f"**{last:%B} is likely to come to {show(likely.micros)}**, between {show(likely.low_micros)} and "
        f"{show(likely.high_micros)}; so far {show(likely.spent_micros)}. The median miss of this forecast was "
        f"{record.error_percent}%, over the last {count(record.cases, 'month')}."
    )


def _month_name(name: str) -> str:
    return f"{date.fromisoformat(f'{name}-01'):%B %Y}"
