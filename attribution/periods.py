"""ISO weeks (Monday 00:00 to Monday 00:00) and calendar months in a time zone, by local time whatever daylight saving does."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PUBLISHED_AT = time(6)
# Every time zone's days begin on a quarter of an hour.
QUARTER_MS = 15 * 60_000

_WEEK_NAME = re.compile(r"(2[0-9]{3})-W([0-9]{2})")


class Week(msgspec.Struct, frozen=True, order=True):
    """`name` is ISO 8601's, such as `2026-W47`. It lasts from `from_at` to `to_at` (not included), both UTC."""

    name: str
    from_at: datetime
    to_at: datetime

    @property
    def number(self) -> int:
        return int(self.name[-2:])

    @property
    def year(self) -> int:
        """ISO's year, to which the week belongs: 28 December is always in it."""
        return int(self.name[:4])


class Month(msgspec.Struct, frozen=True, order=True):
    """`name` is such as `2026-11`. It lasts from `from_at` to `to_at` (not included), both UTC."""

    name: str
    from_at: datetime
    to_at: datetime


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """The day that a moment is in, by the clock on the wall there."""
    return at.astimezone(zone).date()


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins there, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def week_of(at: datetime, zone: ZoneInfo) -> Week:
    """The week that a moment is in."""
    return _week(day_of(at, zone), zone)


def week_named(name: str, zone: ZoneInfo) -> Week | None:
    """`2026-W47`, or None if there is no such week."""
    match = _WEEK_NAME.fullmatch(name)
    try:
        return _week(date.fromisocalendar(int(match[1]), int(match[2]), 1), zone) if match else None
    except ValueError:
        return None


def week_number(name: str) -> int:
    """`2026-W47` -> `202647`, for keys that are numbers."""
    return int(name.replace("-W", ""))


def name_of(number: int) -> str:
    """`202647` -> `2026-W47`."""
    return f"{number // 100}-W{number % 100:02d}"


def weeks_later(week: Week, count: int, zone: ZoneInfo) -> Week:
    """The week so many weeks later; earlier if `count` is negative."""
    return _week(date.fromisocalendar(week.year, week.number, 1) + timedelta(weeks=count), zone)


def published_at(week: Week, day: str, zone: ZoneInfo) -> datetime:
    """When the issue of a week is due, in UTC: at six in the morning of the first such day after it."""
    monday = date.fromisocalendar(week.year, week.number, 1) + timedelta(weeks=1)
    return datetime.combine(monday + timedelta(days=DAYS.index(day)), PUBLISHED_AT, zone).astimezone(UTC)


def last_published(at: datetime, day: str, zone: ZoneInfo) -> Week:
    """The newest week whose issue is due."""
    week = week_of(at, zone)
    while published_at(week, day, zone) > at:
        week = weeks_later(week, -1, zone)
    return week


def month_of(at: datetime, zone: ZoneInfo) -> Month:
    """The month that a moment is in."""
    return _month(day_of(at, zone), zone)


def months_later(month: Month, by: int, zone: ZoneInfo) -> Month:
    """So many months later, or earlier."""
    first = date.fromisoformat(f"{month.name}-01")
    return _month(_shifted(first, by), zone)


def _week(day: date, zone: ZoneInfo) -> Week:
    monday = day - timedelta(days=day.weekday())
    year, number, _ = monday.isocalendar()
    return Week(f"{year}-W{number:02d}", midnight(monday, zone), midnight(monday + timedelta(weeks=1), zone))


def _month(day: date, zone: ZoneInfo) -> Month:
    first = day.replace(day=1)
    return Month(f"{first:%Y-%m}", midnight(first, zone), midnight(_shifted(first, 1), zone))


def _shifted(first: date, by: int) -> date:
    months = first.year * 12 + first.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)
