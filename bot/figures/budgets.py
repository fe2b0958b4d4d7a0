"""What pull requests, weeks and months have cost of their budgets."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from attribution.budget import Budget, Scope
from attribution.cost import ZERO
from attribution.money import from_usd
from attribution.periods import Month, Week, day_of, month_of, months_later, week_of, weeks_later
from attribution.week_report import BudgetRow, WeekCost
from bot.clock import from_ms, to_ms
from bot.keys import PullKey, RepositoryKey
from bot.repository_settings import RepositorySettings
from bot.store import budgets as budget_store
from bot.store import totals as total_store


def of_pull(connection: Connection, settings: RepositorySettings, key: PullKey) -> Budget | None:
    """None where pull requests have no budget."""
    if settings.budget_pull_usd is None:
        return None
    spend = total_store.spent_on(connection, key.repository, [key.number])
    return Budget(
        scope=Scope.PULL,
        name=str(key.number),
        budget_micros=from_usd(settings.budget_pull_usd),
        spend=sum((part.cost for part in spend), ZERO),
        approvals=budget_store.approvals(connection, key),
    )


def of_week(
    connection: Connection, settings: RepositorySettings, repository: RepositoryKey, week: Week
) -> Budget | None:
    return _of_period(connection, settings, repository, week)


def of_month(
    connection: Connection,
    settings: RepositorySettings,
    repository: RepositoryKey,
    month: Month,
    until: datetime | None = None,
) -> Budget | None:
    """A month's budget and what was spent of it: until then, which is the beginning of a day, or in all."""
    return _of_period(connection, settings, repository, month, until)


def running(
    connection: Connection, settings: RepositorySettings, repository: RepositoryKey, now: datetime
) -> list[Budget]:
    """The budgets of this week and month, and of those before, to which late data may still add."""
    zone = settings.zone
    week, month = week_of(now, zone), month_of(now, zone)
    weeks = [of_week(connection, settings, repository, each) for each in (weeks_later(week, -1, zone), week)]
    months = [of_month(connection, settings, repository, each) for each in (months_later(month, -1, zone), month)]
    return [budget for budget in (*weeks, *months) if budget is not None]


def at_end_of(
    connection: Connection, settings: RepositorySettings, repository: RepositoryKey, cost: WeekCost
) -> tuple[BudgetRow, ...]:
    """The budgets of a week, of the month that it ends in, and of the pull requests over theirs that cost something in it."""
    week = cost.week
    month = month_of(week.to_at - timedelta(milliseconds=1), settings.zone)
    budgets = [
        of_week(connection, settings, repository, week),
        of_month(connection, settings, repository, month, week.to_at),
        *(of_pull(connection, settings, repository.pull(number)) for number in cost.pull_numbers),
    ]
    noted = budget_store.notices_between(connection, repository, to_ms(week.from_at), to_ms(week.to_at))
    return tuple(
        BudgetRow(
            budget=budget,
            reached=tuple(
                (row.level, from_ms(row.at_ms))
                for row in noted
                if row.kind == f"budget_{budget.scope}" and row.about == about(budget)
            ),
        )
        for budget in budgets
        if budget is not None and (budget.scope != Scope.PULL or budget.is_over)
    )


def about(budget: Budget) -> str:
    """What notices of it are filed under. Another amount is another budget."""
    return f"{budget.name} {budget.budget_micros}"


def _of_period(
    connection: Connection,
    settings: RepositorySettings,
    repository: RepositoryKey,
    period: Week | Month,
    until: datetime | None = None,
) -> Budget | None:
    is_week = isinstance(period, Week)
    budget_usd = settings.budget_week_usd if is_week else settings.budget_month_usd
    if budget_usd is None:
        return None
    first, end = (day_of(at, settings.zone) for at in (period.from_at, min(until or period.to_at, period.to_at)))
    return Budget(
        scope=Scope.WEEK if is_week else Scope.MONTH,
        name=period.name,
        budget_micros=from_usd(budget_usd),
        spend=total_store.total_between(connection, repository, first, end),
        from_at=period.from_at,
        to_at=period.to_at,
    )
