"""The weekly issue of one repository: gather what a week came to, render it, publish it if it differs."""

import logging
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from attribution.periods import Week, last_published, name_of, published_at, week_named, weeks_later
from bot.clock import Clock, from_ms, to_ms
from bot.context import Bot, settings_of
from bot.figures import week as week_figures
from bot.github.write_issue import IssueText, put_issue
from bot.issue import WeekView, render, title
from bot.keys import RepositoryKey, WeekKey
from bot.repository_settings import OperatorSettings, RepositorySettings
from bot.store import repositories as repository_store
from bot.store import weeks as week_store
from bot.store.database import Database
from bot.store.tables import Repository, WeekRow
from bot.time_zone import is_outdated
from bot.work import queue
from bot.work.queue import Kind, Lease, Work
from bot.work.stale import Change, Fact, week_work

log = logging.getLogger(__name__)

# After an outage, at most so many weeks are caught up with.
_MOST_LATE = 8


async def issue(bot: Bot, lease: Lease) -> None:
    """Create or update the issue of one week, and close it once there is a later one. Raises `NotYet` for the worker."""
    key = lease.repository.week(name_of(lease.work.number))
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, key.repository)
        row = week_store.week(connection, key)
        if repository is None or row is None:
            return
        settings, problem = bot.repository_settings(repository)
        place = place_of(connection, bot.operator, repository, row)
    if isinstance(place, str):
        log.info("no issue about %s of %s: %s", key.week, repository.full_name, place)
        _note(bot, key, "live" if row.issue_number else "off")
        return
    with bot.database.read() as connection:
        cost = week_figures.cost_of(connection, settings, key, bot.clock())
        before, after = week_store.neighbours(connection, key)
    if cost is None or (cost.is_quiet and row.issue_number is None):
        _note(bot, key, "quiet")
        return
    view = WeekView(
        cost=cost,
        full_name="" if place.repository_id == key.repository_id else repository.full_name,
        time_zone=settings.time_zone,
        how_url=bot.settings.how_url,
        settings_problem=str(problem or ""),
        before_number=before.issue_number if before and before.in_repository_id == place.repository_id else None,
        after_number=after.issue_number if after and after.in_repository_id == place.repository_id else None,
        is_default_shown=repository.default_sha is not None,
    )
    if await put_issue(bot, lease, key, place, IssueText(title(view), render(view), after is not None)):
        _close_earlier(bot, repository, row, before, after)


def _close_earlier(
    bot: Bot, repository: Repository, row: WeekRow, before: WeekRow | None, after: WeekRow | None
) -> None:
    """The newest issue alone stays open."""
    key = repository.key
    is_new = row.issue_number is None
    names = [before.week] if before is not None and not before.is_closed else []
    names += [row.week] if is_new and after is not None else []  # created late
    with bot.database.write() as connection:
        work = [week_work(key.week(name)) for name in names]
        queue.request(connection, work, bot.clock())
        if is_new:  # by time alone, what was open may be abandoned, and what stood have survived
            bot.stale(repository).note(connection, Fact.WEEK_ISSUE, Change(repository=key, times_ms=[0]))


def _note(bot: Bot, key: WeekKey, state: str) -> None:
    with bot.database.write() as connection:
        week_store.note(connection, key, state=state)


def request_due(database: Database, operator: OperatorSettings, clock: Clock) -> None:
    """Have every issue created that is due: each replica asks, and the rows in the database decide."""
    now_ms = clock()
    with database.read() as connection:
        repositories = repository_store.due_for_a_week(connection, now_ms)
    for repository in repositories:  # one at a time: other replicas do the same
        with database.write() as connection:
            if is_outdated(operator, repository):  # the operator's settings are another since the server started
                _request(connection, Work(Kind.TIME_ZONE, *repository.key), now_ms)
                continue
            _add_weeks(database, connection, repository, settings_of(operator, repository)[0], now_ms)
    with database.write() as connection:
        for row in week_store.due(connection):
            _request(connection, week_work(WeekKey(row.account_id, row.repository_id, row.week)), now_ms)


def _request(connection: Connection, work: Work, now_ms: int) -> None:
    """Unless it waits already."""
    if queue.next_due_at_ms(connection, work) is None:
        queue.request(connection, [work], now_ms)


def _add_weeks(
    database: Database, connection: Connection, repository: Repository, settings: RepositorySettings, now_ms: int
) -> None:
    zone, day = settings.zone, settings.weekly_day
    key = repository.key
    last = last_published(from_ms(now_ms), day, zone)
    newest = week_named(repository.newest_week, zone) if repository.newest_week else None
    if settings.weekly:
        for week in _missing(newest, last, zone):
            week_store.add(database, connection, key.week(week.name))
    due_ms = to_ms(published_at(weeks_later(last, 1, zone), day, zone))
    state = {"newest_week": max(last.name, repository.newest_week), "week_due_at_ms": due_ms}
    repository_store.note(connection, key, **state)


def _missing(newest: Week | None, last: Week, zone: ZoneInfo) -> list[Week]:
    """The weeks after the newest that are due, oldest first. Of the time before the App came there is no issue."""
    weeks: list[Week] = []
    week = last
    while newest is not None and week.name > newest.name and len(weeks) < _MOST_LATE:
        weeks.append(week)
        week = weeks_later(week, -1, zone)
    return weeks[::-1]


def place_of(
    connection: Connection, operator: OperatorSettings, repository: Repository, week: WeekRow | None
) -> Repository | str:
    """The repository that has or receives the issue about a week, or why none does. Another one decides itself what it takes."""
    settings, _ = settings_of(operator, repository)
    if not settings.weekly:
        return "weekly issues are switched off here: `weekly` in the settings"
    if week is not None and week.issue_number is not None:
        place = repository_store.repository(connection, RepositoryKey(week.account_id, week.in_repository_id))
    elif settings.weekly_repository:
        place = repository_store.repository_named(connection, repository.account_id, settings.weekly_repository)
    else:
        place = repository
    if place is None:
        name = f"`{settings.weekly_repository}`" if settings.weekly_repository else "where it was created"
        return f"the App is not installed on {name}, which is to have the weekly issue"
    own, _ = settings_of(operator, place)
    if place.key != repository.key and repository.full_name.lower() not in own.weekly_sources:
        return f"`{place.full_name}` does not take it: `weekly_from` in its settings does not name `{repository.full_name}`"
    if not place.private and not own.weekly_on_public:
        return f"`{place.full_name}` is public, and `weekly_on_public` is not set in its settings"
    return place


def problem(connection: Connection, operator: OperatorSettings, repository: Repository) -> str:
    """Why the repository that is to have the weekly issue does not; empty where it does, or none is wanted elsewhere."""
    settings, _ = settings_of(operator, repository)
    if not settings.weekly or not settings.weekly_repository:
        return ""
    place = place_of(connection, operator, repository, None)
    return place if isinstance(place, str) else ""
