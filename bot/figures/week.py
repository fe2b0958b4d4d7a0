"""The figures of one week of a repository, as its weekly issue, the report and the API show them."""

import msgspec
from sqlalchemy import Connection

from attribution.periods import Week, day_of, week_named, weeks_later
from attribution.totals import pull_totals
from attribution.week_report import WeekCost
from attribution.week_totals import BEFORE_WEEKS, LINE_WEEKS, WeekFacts, week_cost
from bot.clock import from_ms, to_ms
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.keys import RepositoryKey, WeekKey
from bot.repository_settings import RepositorySettings
from bot.store import commands as command_store
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import totals as total_store


def cost_of(connection: Connection, settings: RepositorySettings, key: WeekKey, now_ms: int) -> WeekCost | None:
    """The figures of a week by what is stored now; None if there is no such week."""
    week = week_named(key.week, settings.zone)
    if week is None:
        return None
    cost = week_cost(facts_of(connection, settings, key.repository, week, now_ms))
    return msgspec.structs.replace(
        cost,
        budgets=budget_figures.at_end_of(connection, settings, key.repository, cost),
        month=forecasts.of_month(connection, settings, key.repository, week.to_at)
        if week.to_at <= from_ms(now_ms)
        else None,
        unconfirmed_sessions=tuple(
            command_store.unconfirmed_without_pull(connection, key.repository, to_ms(week.from_at), to_ms(week.to_at))
        )
        if cost.unconfirmed.requests
        else (),
    )


def facts_of(
    connection: Connection, settings: RepositorySettings, repository: RepositoryKey, week: Week, now_ms: int
) -> WeekFacts:
    """What the figures are computed from: only what the weeks of the line concern."""
    line = [weeks_later(week, -i, settings.zone) for i in range(LINE_WEEKS - 1, 0, -1)] + [week]
    line_ms = to_ms(line[0].from_at), to_ms(week.to_at)
    starts, end = [day_of(point.from_at, settings.zone) for point in line], day_of(week.to_at, settings.zone)
    first, start = starts[-1 - BEFORE_WEEKS], starts[-1]
    amounts = total_store.spent_in(connection, repository, starts, end)
    worked_on = {part.pull_number for spend in amounts for part in spend if part.pull_number is not None}
    merged = pull_store.merged_between(connection, repository, *line_ms)
    closed = issue_store.closed_between(connection, repository, *line_ms)
    numbers = worked_on | merged | pull_store.serving(connection, repository, closed.values())
    pulls, details = pull_store.with_reverts(connection, repository, numbers)
    rows, saving = total_store.used_between(connection, repository, start, end)
    before_rows, _ = total_store.used_between(connection, repository, first, start)
    return WeekFacts(
        weeks=tuple((point, tuple(spend)) for point, spend in zip(line, amounts, strict=True)),
        rows=rows,
        before_rows=before_rows,
        cache_saving_micros=saving,
        totals=pull_totals(total_store.spent_on(connection, repository, numbers)),
        pulls=pulls,
        details=details,
        issues=closed | issue_store.served_by(connection, repository, (pulls, details)),
        senders=total_store.senders_between(connection, repository, first, end),
        known_at=from_ms(now_ms),
        window=settings.survives_after,
    )
