"""The period that a question is about, from its days."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from attribution.periods import day_of
from bot.clock import from_ms

_DAY = timedelta(days=1)
# Nothing is older; and Python's calendar ends in 9999, in some zones earlier.
_EARLIEST, _LATEST = date(2000, 1, 1), date(2999, 12, 31)


class BadDay(ValueError):
    """A day that cannot be read; the message says how to write one."""


def span(since: str, until: str, zone: ZoneInfo, now_ms: int) -> tuple[date, date]:
    """From the day `since` (30 days ago) to the one after `until`, which is not included. Without `until` up to now, which
    somewhere else is tomorrow already. Raises `BadDay`."""
    first, last, today = _day(since), _day(until), day_of(from_ms(now_ms), zone)
    return first or (last or today) - 30 * _DAY, (last or today + _DAY) + _DAY


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise BadDay("a day is written like 2026-11-23") from None
    if day and not _EARLIEST <= day <= _LATEST:
        raise BadDay(f"a day is from {_EARLIEST} to {_LATEST}")
    return day
