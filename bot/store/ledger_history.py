"""The ledger as it is checked and explained: in batches of what changed, and every revision of shares."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Text, and_, bindparam, case, exists, func, select, tuple_

from attribution.cost import Cost
from attribution.evidence import PENDING
from attribution.ledger import Charge, Share, share_out
from bot.clock import from_ms
from bot.keys import PullKey
from bot.store.database import of_account
from bot.store.ledger import charge_of, charges, current, share_columns, share_of, shares


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision on requests of one session: `pull_number` bears them from `at` on, None is unattributed."""

    at: datetime
    tool: str
    session_id: str
    revision: int
    pull_number: int | None
    why: str
    cost: Cost


_KEY = tuple_(charges.c.tool, charges.c.request_id)
_IN_RANGE = and_(
    of_account(charges),
    charges.c.changed_at_ms >= bindparam("since_ms"),
    tuple_(bindparam("tool", type_=Text), bindparam("request_id", type_=Text)) < _KEY,
)
_CHANGES = select(charges).where(_IN_RANGE).order_by(charges.c.tool, charges.c.request_id).limit(1000)
_UNTIL = tuple_(bindparam("last_tool", type_=Text), bindparam("last_request_id", type_=Text))
_SHARES_OF_CHANGES = select(*share_columns()).join(charges, current()).where(_IN_RANGE, _KEY <= _UNTIL)
_HISTORY = (
    select(*share_columns())
    .where(of_account(shares), shares.c.tool == bindparam("of_tool"), shares.c.request_id == bindparam("of_request"))
    .order_by(shares.c.revision, shares.c.position)
)
_OF_PULL = shares.alias()
_HISTORY_OF_PULL = (
    select(
        shares.c.decided_at_ms,
        charges.c.tool,
        charges.c.session_id,
        shares.c.revision,
        shares.c.pull_number,
        shares.c.why,
        func.sum(shares.c.micros).label("micros"),
        func.count().label("requests"),
        func.sum(case((shares.c.micros.is_(None), 1), else_=0)).label("unpriced_requests"),
    )
    .join(
        charges,
        and_(
            charges.c.account_id == shares.c.account_id,
            charges.c.tool == shares.c.tool,
            charges.c.request_id == shares.c.request_id,
        ),
    )
    .where(
        exists().where(
            _OF_PULL.c.account_id == bindparam("of_account"),
            _OF_PULL.c.repository_id == bindparam("of_repository"),
            _OF_PULL.c.pull_number == bindparam("of_number"),
            _OF_PULL.c.account_id == shares.c.account_id,
            _OF_PULL.c.tool == shares.c.tool,
            _OF_PULL.c.request_id == shares.c.request_id,
        )
    )
    .group_by(
        shares.c.decided_at_ms,
        charges.c.tool,
        charges.c.session_id,
        shares.c.revision,
        shares.c.pull_number,
        shares.c.why,
    )
    .order_by(shares.c.decided_at_ms, charges.c.tool, charges.c.session_id, shares.c.revision, shares.c.pull_number)
)


def everything(connection: Connection, account_id: int) -> tuple[list[Charge], list[Share]]:
    """The whole ledger of an account with its current shares, for `ledger.check`. What no rule has seen is unattributed."""
    parts = list(batches(connection, account_id))
    return [charge for part, _ in parts for charge in part], [share for _, part in parts for share in part]


def batches(connection: Connection, account_id: int, since_ms: int = 0) -> Iterator[tuple[list[Charge], list[Share]]]:
    """The ledger of an account, a thousand charges at a time: those that changed since then, with their current shares."""
    params: dict[str, Any] = {"of_account": account_id, "since_ms": since_ms, "tool": "", "request_id": ""}
    while rows := connection.execute(_CHANGES, params).all():
        until = {"last_tool": rows[-1].tool, "last_request_id": rows[-1].request_id}
        part = [charge_of(row) for row in rows]
        current_shares = [share_of(row) for row in connection.execute(_SHARES_OF_CHANGES, params | until)]
        keys = {share.charge_key for share in current_shares}
        pending = [share for charge in part if charge.key not in keys for share in share_out(charge, PENDING, 0)]
        yield part, current_shares + pending
        params |= {"tool": rows[-1].tool, "request_id": rows[-1].request_id}


def history(connection: Connection, account_id: int, tool: str, request_id: str) -> list[Share]:
    """Every share that a request ever had, oldest revision first."""
    params = {"of_account": account_id, "of_tool": tool, "of_request": request_id}
    return [share_of(row) for row in connection.execute(_HISTORY, params)]


def history_of_pull(connection: Connection, key: PullKey) -> list[Revision]:
    """What a pull request bears or bore, and where else that work was booked: by decision and session, oldest first."""
    return [
        Revision(
            at=from_ms(row.decided_at_ms),
            tool=row.tool,
            session_id=row.session_id,
            revision=row.revision,
            pull_number=row.pull_number,
            why=row.why,
            cost=Cost(None if row.micros is None else int(row.micros), row.requests, row.unpriced_requests),
        )
        for row in connection.execute(_HISTORY_OF_PULL, key.params)
    ]
