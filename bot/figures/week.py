"""The figures of one week of a repository, as its weekly issue, the report and the API show them."""

import msgspec
from sqlalchemy import Connection

from attribution.periods import week_named, weeks_later
from attribution.totals import pull_totals
from attribution.week_report import WeekCost
from attribution.week_totals import BEFORE_WEEKS, LINE_WEEKS, WeekFacts, pulls_that_count, week_cost
from bot.clock import from_ms, to_ms
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.keys import WeekKey
from bot.repository_settings import RepositorySettings
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import totals as total_store


def cost_of(connection: Connection, settings: RepositorySettings, key: WeekKey, now_ms: int) -> WeekCost | None:
    """The figures of a week by what is stored now; None if there is no such week."""
    week = week_named(key.week, settings.zone)
    if week is None:
        return None
    repository = key.repository
    line = [weeks_later(week, -i, settings.zone) for i in range(LINE_WEEKS - 1, 0, -1)] + [week]
    first_ms, (start_ms, end_ms) = to_ms(line[-1 - BEFORE_WEEKS].from_at), (to_ms(week.from_at), to_ms(week.to_at))
    amounts = total_store.spent_in(connection, repository, [to_ms(point.from_at) for point in line], end_ms)
    weeks = tuple((point, tuple(spend)) for point, spend in zip(line, amounts, strict=True))
    pulls, details = pull_store.all_pulls(connection, repository)
    issues = issue_store.all_issues(connection, repository)
    totals = pull_totals(total_store.spent_on(connection, repository, pulls_that_count(weeks, pulls, details, issues)))
    rows, saving = total_store.used_between(connection, repository, start_ms, end_ms)
    before_rows, _ = total_store.used_between(connection, repository, first_ms, start_ms)
    cost = week_cost(
        WeekFacts(
            weeks=weeks,
            rows=rows,
            before_rows=before_rows,
            cache_saving_micros=saving,
            totals=totals,
            pulls=pulls,
            details=details,
            issues=issues,
            senders=total_store.senders_between(connection, repository, first_ms, end_ms),
            known_at=from_ms(now_ms),
            window=settings.survives_after,
        )
    )
    return msgspec.structs.replace(
        cost,
        budgets=budget_figures.at_end_of(connection, settings, repository, cost),
        month=forecasts.of_month(connection, settings, repository, week.to_at)
        if week.to_at <= from_ms(now_ms)
        else None,
    )
