"""Times that no clock can have meant: after a clock was set back, what waits for one of them would wait for hours.

Each time in the queue is at most so far ahead of the moment that wrote it. What is further ahead was written by a clock that was
wrong, and is due now: leases and fencing tokens, not times, keep two workers apart.
"""

from sqlalchemy import Connection, bindparam, update

from bot.store.accounts import LONGEST_PAUSE_MS, WRITE_BURST, WRITE_INTERVAL_MS, accounts
from bot.work.queue import LEASE_MS, Kind, jobs

# Clocks of replicas, and a transaction's own time.
_SLACK_MS = 60_000
# The longest `settle_seconds`, and until the next hourly sweep. Those of `_PATIENT_KINDS` are days ahead for a reason.
_LONGEST_WAIT_MS = 3_600_000
_PATIENT_KINDS = (Kind.SURVIVAL.value, Kind.WEEK.value)

_NOW = bindparam("now_ms")
_LEASES = update(jobs).where(jobs.c.lease_until_ms > bindparam("lease_ms")).values(lease_until_ms=0)
_WAITS = (
    update(jobs)
    .where(
        jobs.c.done_count < jobs.c.request_count,
        jobs.c.run_at_ms > bindparam("wait_ms"),
        jobs.c.kind.not_in(_PATIENT_KINDS),
    )
    .values(run_at_ms=_NOW)
)
_ACCOUNT_MS = {
    "next_write_at_ms": WRITE_INTERVAL_MS,
    "writes_spread_until_ms": (WRITE_BURST + 1) * WRITE_INTERVAL_MS,
    "not_before_ms": LONGEST_PAUSE_MS,
}
_ACCOUNTS = [
    update(accounts).where(accounts.c[name] > bindparam("latest_ms")).values({name: _NOW}) for name in _ACCOUNT_MS
]


def cut(connection: Connection, now_ms: int) -> None:
    """Make everything due now that no right clock would have put off for so long."""
    latest_ms = now_ms + _SLACK_MS
    connection.execute(_LEASES, {"lease_ms": latest_ms + 2 * LEASE_MS})
    connection.execute(_WAITS, {"wait_ms": latest_ms + _LONGEST_WAIT_MS, "now_ms": now_ms})
    for statement, ahead_ms in zip(_ACCOUNTS, _ACCOUNT_MS.values(), strict=True):
        connection.execute(statement, {"latest_ms": latest_ms + ahead_ms, "now_ms": now_ms})
