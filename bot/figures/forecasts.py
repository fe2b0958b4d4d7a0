"""What months and open pull requests are likely to cost in the end, from the ledger. No forecast where the history is too thin
or such forecasts were far off."""

from collections import defaultdict
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from attribution import forecast, pull_forecast
from attribution.budget import Budget
from attribution.evidence import PullRequest
from attribution.forecast import Forecast
from attribution.money import Micros
from attribution.periods import day_of
from attribution.pull_forecast import Curve
from bot.keys import RepositoryKey
from bot.repository_settings import RepositorySettings
from bot.store import accounts as account_store
from bot.store import pulls as pull_store
from bot.store import recount
from bot.store import totals as total_store

# Half a year of days, to try a forecast on.
_HISTORY = timedelta(days=190)
# So many of the newest merged pull requests are compared with.
_MOST_PULLS = 200
MOST_ERROR_PERCENT = 50
_DAY = timedelta(days=1)
_INSTANT = timedelta(milliseconds=1)


def of_month(
    connection: Connection, settings: RepositorySettings, repository: RepositoryKey, until: datetime
) -> Forecast | None:
    """The month that is going on at `until`, by what was used before; None too where it has just ended."""
    today = day_of(until, settings.zone)
    if today.day == 1:
        return None
    return _worth_saying(forecast.month(_daily(connection, settings, repository, until), today))


def used_up_on(
    connection: Connection, settings: RepositorySettings, repository: RepositoryKey, budget: Budget, now: datetime
) -> date | None:
    """The day on which the budget of a week or month is used up at the present rate; None if it lasts, or is used up or over."""
    if budget.from_at is None or budget.to_at is None or not budget.from_at <= now < budget.to_at or budget.is_over:
        return None
    first, today, end = (day_of(moment, settings.zone) for moment in (budget.from_at, now, budget.to_at))
    daily = _daily(connection, settings, repository, now)
    return forecast.pace(daily, first, end - _DAY, today, budget.budget_micros)


def of_pull(connection: Connection, repository: RepositoryKey, pull: PullRequest, now: datetime) -> Forecast | None:
    """An open pull request, by the newest merged ones of its repository."""
    merges = pull_store.newest_merges(connection, repository, _MOST_PULLS)
    if len(merges) < pull_forecast.LEAST_PULLS:
        return None
    kept_from_ms = account_store.kept_from_ms(connection, repository.account_id)
    days = total_store.first_days(connection, repository, {pull.number, *merges})
    whole = {number: day for number, day in days.items() if recount.is_kept(day, kept_from_ms)}
    if pull.number not in whole:
        return None
    spent: defaultdict[int, list[tuple[datetime, Micros]]] = defaultdict(list)
    for number, at, micros in total_store.spent_at(connection, repository, whole, min(whole.values())):
        spent[number].append((at, micros))
    curves = {
        number: Curve(opened_at=opened_at, merged_at=merged_at, amounts=tuple(spent[number]))
        for number, (opened_at, merged_at) in merges.items()
        if number in spent
    }
    own = Curve(opened_at=pull.created_at, merged_at=None, amounts=tuple(spent[pull.number]))
    return _worth_saying(pull_forecast.pull(own, curves.values(), now))


def _worth_saying(estimate: Forecast | None) -> Forecast | None:
    """One that was off by more than half the last times helps nobody."""
    return estimate if estimate and estimate.track_record.error_percent <= MOST_ERROR_PERCENT else None


def _daily(
    connection: Connection, settings: RepositorySettings, repository: RepositoryKey, until: datetime
) -> dict[date, Micros]:
    """What each day came to, by the clock on the repository's wall."""
    end = day_of(until - _INSTANT, settings.zone) + _DAY
    return total_store.by_day(connection, repository, end - _HISTORY, end)
