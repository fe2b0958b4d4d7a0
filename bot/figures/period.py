"""The period that a question is about, from its days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.clock import from_ms, to_ms

# Nothing is older; and Python's calendar ends in 9999, in some zones earlier.
_EARLIEST, _LATEST = date(2000, 1, 1), date(2999, 12, 31)


class BadDay(ValueError):
    """A day that cannot be read; the message says how to write one."""


def span_ms(since: str, until: str, zone: ZoneInfo, now_ms: int) -> tuple[int, int]:
    """From the first moment of the day `since` (30 days ago) to the last of `until` (now). Raises `BadDay`."""
    first, last = _day(since), _day(until)
    first = first or (last or from_ms(now_ms).astimezone(zone).date()) - timedelta(days=30)
    end = to_ms(_midnight(last + timedelta(days=1), zone)) if last else now_ms + 3_600_000
    return to_ms(_midnight(first, zone)), end


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise BadDay("a day is written like 2026-11-23") from None
    if day and not _EARLIEST <= day <= _LATEST:
        raise BadDay(f"a day is from {_EARLIEST} to {_LATEST}")
    return day


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
