"""The weekly issue of one repository: gather what a week came to, render it, publish it if it differs."""

import logging
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Row

from attribution.periods import (
    Week,
    last_published,
    name_of,
    published_at,
    week_named,
    week_number,
    week_of,
    weeks_later,
)
from attribution.totals import pull_totals
from attribution.week_report import WeekCost
from attribution.week_sums import BEFORE_WEEKS, LINE_WEEKS, WeekFacts, pulls_that_count, week_cost
from bot.clock import Clock, from_ms, to_ms
from bot.context import Bot, settings_of
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.github.write_comment import IssueText, put_issue
from bot.issue import WeekView, render, title
from bot.repository_settings import OperatorSettings, RepositorySettings
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import totals as total_store
from bot.store import weeks as week_store
from bot.store.database import Database
from bot.store.weeks import WeekKey
from bot.work import queue
from bot.work.queue import Claimed, Wanted

log = logging.getLogger(__name__)

# After an outage, at most so many weeks are caught up with.
_MOST_LATE = 8
# Late data comes in pieces: a rebuild waits for more of it, so many times as long as a comment does.
_PATIENCE = 30


async def issue(bot: Bot, claimed: Claimed) -> None:
    """Make or mend the issue of one week, and close it once there is a later one. Raises `NotYet` for the worker."""
    installation_id, repository_id, number = claimed.ids
    key = (installation_id, repository_id, name_of(number))
    with bot.database.write() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
        row = week_store.week(connection, key)
    if repository is None or row is None:
        return
    settings, problem = bot.repository_settings(repository)
    with bot.database.read() as connection:
        place = place_of(connection, settings, repository, row)
    if isinstance(place, str):
        log.info("no issue about %s of %s: %s", key[2], repository.full_name, place)
        with bot.database.write() as connection:
            week_store.note(connection, key, state="live" if row.issue_number else "off")
        return
    with bot.database.read() as connection:
        cost = cost_of(connection, settings, key, bot.clock())
        before, after = week_store.neighbours(connection, key)
    if cost is None or (cost.is_quiet and row.issue_number is None):
        with bot.database.write() as connection:
            week_store.note(connection, key, state="quiet")
        return
    view = WeekView(
        cost=cost,
        full_name="" if place.repository_id == repository_id else repository.full_name,
        time_zone=settings.time_zone,
        settings_problem=str(problem or ""),
        before_number=before.issue_number if before and before.in_repository_id == place.repository_id else None,
        after_number=after.issue_number if after and after.in_repository_id == place.repository_id else None,
    )
    made = await put_issue(bot, claimed, key, place, IssueText(title(view), render(view), after is not None))
    if not made:
        return
    with bot.database.write() as connection:
        is_new = row.issue_number is None
        to_close = [before.week] if before is not None and not before.is_closed else []
        to_close += [key[2]] if is_new and after is not None else []  # made late
        queue.want(bot.database, connection, queue.once(wanted((*key[:2], name)) for name in to_close), bot.clock())
        if is_new:  # by time alone, what was open may be abandoned, and what stood have survived
            want_since(bot, connection, settings, key[:2], [0])


def cost_of(connection: Connection, settings: RepositorySettings, key: WeekKey, now_ms: int) -> WeekCost | None:
    """What a week came to by what is known now; None if there is no such week."""
    installation_id, repository_id, name = key
    week = week_named(name, settings.zone)
    if week is None:
        return None
    repository = (installation_id, repository_id)
    line = [weeks_later(week, -i, settings.zone) for i in range(LINE_WEEKS - 1, 0, -1)] + [week]
    first_ms, (start_ms, end_ms) = to_ms(line[-1 - BEFORE_WEEKS].from_at), _span(week)
    amounts = total_store.spent_in(connection, repository, [to_ms(one.from_at) for one in line], end_ms)
    weeks = tuple((one, tuple(spent)) for one, spent in zip(line, amounts, strict=True))
    pulls, details = pull_store.known_pulls(connection, installation_id, repository_id)
    issues = issue_store.known_issues(connection, installation_id, repository_id)
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


def want_due(database: Database, operator: OperatorSettings, clock: Clock) -> None:
    """Have every issue made that is due: each replica asks, and the rows in the database decide."""
    now_ms = clock()
    with database.write() as connection:
        for row in week_store.due_repositories(connection, now_ms):
            _want_of(database, connection, row, settings_of(operator, row)[0], now_ms)
        for row in week_store.waiting(connection):
            one = wanted((row.installation_id, row.repository_id, row.week))
            if queue.next_due_at_ms(connection, one) is None:
                queue.want(database, connection, {one: 1}, now_ms)


def want_since(
    bot: Bot, connection: Connection, settings: RepositorySettings, repository: tuple[int, int], times_ms: list[int]
) -> None:
    """Figures changed at these times: have the issues about those weeks, and those after that compare with them, built anew, as
    far back as an issue's line goes."""
    if not times_ms:
        return
    zone, now = settings.zone, from_ms(bot.clock())
    first = max(week_of(from_ms(min(times_ms)), zone), weeks_later(week_of(now, zone), -LINE_WEEKS, zone))
    found = week_store.since(connection, *repository, first.name)
    at_ms = bot.clock() + settings.settle_seconds * 1000 * _PATIENCE
    queue.want(bot.database, connection, queue.once(wanted((*repository, name)) for name in found), at_ms)


def wanted(key: WeekKey) -> Wanted:
    return Wanted("week", f"{key[0]}/{key[1]}/{week_number(key[2])}")


def _want_of(
    database: Database, connection: Connection, row: Row[Any], settings: RepositorySettings, now_ms: int
) -> None:
    zone, day = settings.zone, settings.weekly_day
    last = last_published(from_ms(now_ms), day, zone)
    done = week_named(row.week_done, zone) if row.week_done else None
    if settings.weekly:
        for week in _missing(done, last, zone):
            week_store.add(database, connection, (row.installation_id, row.repository_id, week.name))
    newest = max(last.name, row.week_done)
    due_ms = to_ms(published_at(weeks_later(last, 1, zone), day, zone))
    repository_store.note_repository(
        connection, row.installation_id, row.repository_id, week_done=newest, week_due_at_ms=due_ms
    )


def _missing(done: Week | None, last: Week, zone: ZoneInfo) -> list[Week]:
    """The weeks since then that are due, oldest first. Of the time before the App came there is no issue."""
    found: list[Week] = []
    week = last
    while done is not None and week.name > done.name and len(found) < _MOST_LATE:
        found.append(week)
        week = weeks_later(week, -1, zone)
    return found[::-1]


def place_of(
    connection: Connection, settings: RepositorySettings, repository: Row[Any], week: Row[Any] | None
) -> Row[Any] | str:
    """The repository that has or receives the issue about a week, or why none does."""
    if not settings.weekly:
        return "weekly issues are switched off here: `weekly` in the settings"
    if week is not None and week.issue_number is not None:
        place = repository_store.repository(connection, week.installation_id, week.in_repository_id)
    elif settings.weekly_repository:
        place = repository_store.repository_named(connection, repository.installation_id, settings.weekly_repository)
    else:
        place = repository
    if place is None:
        name = f"`{settings.weekly_repository}`" if settings.weekly_repository else "where it was made"
        return f"the App is not installed on {name}, which is to have the weekly issue"
    if not place.private and not settings.weekly_on_public:
        return f"`{place.full_name}` is public, and `weekly_on_public` is not set"
    return place


def _span(week: Week) -> tuple[int, int]:
    return to_ms(week.from_at), to_ms(week.to_at)
