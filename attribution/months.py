"""Calendar months in a time zone, from midnight to midnight by the clock on the wall."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import msgspec


class Month(msgspec.Struct, frozen=True, order=True):
    """`name` is such as `2026-11`. It lasts from `from_at` to `to_at` (not included), both UTC."""

    name: str
    from_at: datetime
    to_at: datetime


def month_of(at: datetime, zone: ZoneInfo) -> Month:
    """The month that a moment is in."""
    return _month(at.astimezone(zone).date(), zone)


def months_later(month: Month, by: int, zone: ZoneInfo) -> Month:
    """So many months later, or earlier."""
    first = date.fromisoformat(f"{month.name}-01")
    return _month(_shifted(first, by), zone)


def _month(day: date, zone: ZoneInfo) -> Month:
    first = day.replace(day=1)
    start, end = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (first, _shifted(first, 1)))
    return Month(f"{first:%Y-%m}", start, end)


def _shifted(first: date, by: int) -> date:
    months = first.year * 12 + first.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)
