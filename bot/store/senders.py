"""Who reports: the senders of an account, when each was heard of last, and what arrives by tool. For the operator, and in numbers
for who may read the account's figures; never in public."""

from datetime import date

import msgspec
from sqlalchemy import Connection, bindparam, func, or_, select

from bot.clock import DAY_MS
from bot.store.database import of_account, table
from bot.store.tables import DaySum
from bot.store.tokens import tokens

# A weekend is no silence.
SILENT_MS = 3 * DAY_MS
_ARRIVED_DAYS = 30

sums = table(DaySum)


class SenderSeen(msgspec.Struct, frozen=True):
    """A sender with a token that is valid, when one of its tokens was used last (0: never), and who logged in for it."""

    sender: str
    login: str
    first_ms: int
    last_used_at_ms: int


class Reporting(msgspec.Struct, frozen=True):
    """Of `everybody` so many `report`; others are `silent`, the first of them since `silent_since_ms`, or were `never` heard of."""

    everybody: int
    report: int
    silent: int
    never: int
    silent_since_ms: int | None = None


class Arrival(msgspec.Struct, frozen=True):
    """What came of a tool's requests lately."""

    tool: str
    first: date
    last: date
    requests: int


_SENDERS = (
    select(
        tokens.c.sender,
        func.max(tokens.c.user_login).label("login"),
        func.min(tokens.c.created_at_ms).label("first_ms"),
        func.max(func.coalesce(tokens.c.last_used_at_ms, 0)).label("last_used_at_ms"),
    )
    .where(
        of_account(tokens),
        tokens.c.may == "ingest",
        tokens.c.revoked_at_ms.is_(None),
        or_(tokens.c.expires_at_ms.is_(None), tokens.c.expires_at_ms > bindparam("now_ms")),
    )
    .group_by(tokens.c.sender)
    .order_by(tokens.c.sender)
)
_ARRIVALS = (
    select(
        sums.c.tool,
        func.min(sums.c.day).label("first"),
        func.max(sums.c.day).label("last"),
        func.sum(sums.c.requests).label("requests"),
    )
    .where(of_account(sums), sums.c.day >= bindparam("since"))
    .group_by(sums.c.tool)
    .order_by(sums.c.tool)
)


def senders(connection: Connection, account_id: int, now_ms: int) -> list[SenderSeen]:
    """By name."""
    rows = connection.execute(_SENDERS, {"of_account": account_id, "now_ms": now_ms})
    return [SenderSeen(row.sender, row.login, row.first_ms, row.last_used_at_ms) for row in rows]


def is_silent(seen: SenderSeen, now_ms: int) -> bool:
    return now_ms - max(seen.last_used_at_ms, seen.first_ms) > SILENT_MS


def reporting(connection: Connection, account_id: int, now_ms: int) -> Reporting:
    """The same in numbers."""
    everybody = senders(connection, account_id, now_ms)
    silent = [seen for seen in everybody if is_silent(seen, now_ms) and seen.last_used_at_ms]
    never = [seen for seen in everybody if not seen.last_used_at_ms]
    return Reporting(
        everybody=len(everybody),
        report=len(everybody) - len(silent) - len(never),
        silent=len(silent),
        never=len(never),
        silent_since_ms=min((seen.last_used_at_ms for seen in silent), default=None),
    )


def arrivals(connection: Connection, account_id: int, today: date) -> list[Arrival]:
    """Of the last 30 days, by tool."""
    since = date.fromordinal(today.toordinal() - _ARRIVED_DAYS)
    rows = connection.execute(_ARRIVALS, {"of_account": account_id, "since": since})
    return [Arrival(row.tool, row.first, row.last, int(row.requests)) for row in rows]
