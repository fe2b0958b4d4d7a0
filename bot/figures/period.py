"""The period that a question is about, from its days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.clock import from_ms, to_ms


class BadDay(ValueError):
    """A day that cannot be read; the message says how to write one."""


def span_ms(since: str, until: str, zone: ZoneInfo, now_ms: int) -> tuple[int, int]:
    """From the first moment of the day `since` (30 days ago) to the last of `until` (now). Raises `BadDay`."""
    try:
        last = date.fromisoformat(until) if until else None
        first = (
            date.fromisoformat(since)
            if since
            else (last or from_ms(now_ms).astimezone(zone).date()) - timedelta(days=30)
        )
    except ValueError:
        raise BadDay("a day is written like 2026-11-23") from None
    end = to_ms(_midnight(last + timedelta(days=1), zone)) if last else now_ms + 3_600_000
    return to_ms(_midnight(first, zone)), end


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
