"""Time as the bot needs it: UTC milliseconds, handed in so that a test can set the clock."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]

MINUTE_MS = 60_000
DAY_MS = 24 * 3_600_000
# GitHub's clock and ours may differ by so much.
CLOCKS_MS = 5 * 60_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> int:
    return time.time_ns() // 1_000_000


def to_ms(at: datetime) -> int:
    since = at - _EPOCH
    return since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000


def from_ms(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)
