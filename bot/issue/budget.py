"""What is used of the budgets, which levels people were notified of, and what the month is likely to come to."""

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
    budgets = view.cost.budgets
    if not budgets:
        return ""
    rows = [_line(view, row) for row in budgets[:MOST_ROWS]]
    if rest := budgets[MOST_ROWS:]:
        rows.append((f"{count(len(rest), 'more pull request')} over budget", "", "", "", ""))
    return table(COLUMNS, rows)


def _line(view: WeekView, row: BudgetRow) -> tuple[str, ...]:
    budget = row.budget
    spend_micros, whole = budget.spend.priced_micros, budget.budget_micros
    state = _approved(budget) if budget.scope == Scope.PULL else _levels(view, row)
    notes = [state, budget.spend.note("without ")]
    return (
        f"{bar(spend_micros, whole, 10)} {_what(view, budget)}",
        share_of(spend_micros, whole) if budget.spend.is_known else "",
        budget.spend.show(),
        show(whole),
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
    approval = budget.approval
    return f"approved: {text(approval.reason)}" if approval else "not approved"


def _levels(view: WeekView, row: BudgetRow) -> str:
    zone = ZoneInfo(view.time_zone)
    return ", ".join(f"{level}% on {at.astimezone(zone):%a %-d %b}" for level, at in row.reached)


def _month(view: WeekView) -> str:
    """A forecast never stands without the error that it made before."""
    forecast = view.cost.month
    if forecast is None:
        return ""
    last = (view.cost.week.to_at - timedelta(milliseconds=1)).astimezone(ZoneInfo(view.time_zone))
    record = forecast.track_record
    return (
        f"**{last:%B} is likely to come to {show(forecast.micros)}**, between {show(forecast.low_micros)} and "
        f"{show(forecast.high_micros)}; so far {show(forecast.spent_micros)}. The median miss of this forecast was "
        f"{record.error_percent}%, over the last {count(record.cases, 'month')}."
    )


def _month_name(name: str) -> str:
    return f"{date.fromisoformat(f'{name}-01'):%B %Y}"
