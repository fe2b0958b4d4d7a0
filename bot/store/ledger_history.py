"""The ledger as it is checked and explained: in batches of what changed, and every revision of shares."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, case, func, select

from attribution.cost import Cost
from attribution.evidence import PENDING
from attribution.ledger import Charge, Share, share_out
from attribution.usage import RequestKey
from bot.clock import from_ms
from bot.keys import PullKey, RepositoryKey, Sender
from bot.store import accounts as account_store
from bot.store import ledger
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_account, of_repository, rows_in
from bot.store.ledger import because, charge_of, charges, made_by, origins, reasons, share_columns, share_of, shares
from bot.store.sessions import sessions
from bot.store.withdrawals import withdrawn


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision on requests of one session and token: `pull_number` bears them from `at` on, None is unattributed."""

    at: datetime
    tool: str
    session_id: str
    revision: int
    pull_number: int | None
    why: str
    cost: Cost
    sender: Sender


_PAGE = (
    select(*ledger.charge_columns())
    .outerjoin(origins, made_by())
    .where(of_account(charges), charges.c.charge_id > bindparam("after_id"))
    .order_by(charges.c.charge_id)
    .limit(1000)
)
_CHANGED_SESSIONS = select(sessions.c.repository_id, sessions.c.tool, sessions.c.session_id).where(
    of_account(sessions), sessions.c.changed_at_ms >= bindparam("since_ms")
)
_OF_SESSIONS = ledger.IN_ORDER.where(ledger.OF_SESSIONS)
_AT_ONCE = 20
_CURRENT_SHARES = select(*share_columns()).select_from(ledger.CURRENT).where(of_account(charges), ledger.OF_IDS)
_HISTORY = (
    select(*share_columns())
    .join(charges, ledger.of_charge())
    .outerjoin(origins, made_by())
    .outerjoin(reasons, because())
    .where(of_account(shares), shares.c.charge_id.in_(bindparam("ids", expanding=True)))
    .order_by(shares.c.charge_id, shares.c.revision, shares.c.position)
)
_OF_PULL = shares.alias()
_CHARGES_OF_PULL = select(_OF_PULL.c.charge_id).where(
    of_repository(_OF_PULL), _OF_PULL.c.pull_number == bindparam("of_number"), ledger.since(_OF_PULL)
)
_DECISION = (
    shares.c.decided_at_ms,
    origins.c.tool,
    origins.c.session_id,
    shares.c.revision,
    shares.c.pull_number,
    reasons.c.why,
    origins.c.sender,
    origins.c.token_id,
)
# Also of charges that were taken back. What became a part of another charge is not shown.
_ORIGIN_ID = func.coalesce(charges.c.origin_id, withdrawn.c.origin_id)
_HISTORY_OF_PULL = (
    select(
        *_DECISION,
        func.sum(shares.c.micros).label("micros"),
        func.count().label("requests"),
        func.sum(case((shares.c.micros.is_(None), 1), else_=0)).label("unpriced_requests"),
    )
    .select_from(shares)
    .outerjoin(charges, ledger.of_charge())
    .outerjoin(
        withdrawn, (withdrawn.c.account_id == shares.c.account_id) & (withdrawn.c.charge_id == shares.c.charge_id)
    )
    .outerjoin(origins, (origins.c.account_id == shares.c.account_id) & (origins.c.origin_id == _ORIGIN_ID))
    .outerjoin(reasons, because())
    .where(of_account(shares), shares.c.charge_id.in_(_CHARGES_OF_PULL), _ORIGIN_ID.is_not(None), ledger.since(shares))
    .group_by(*_DECISION)
    .order_by(*_DECISION[:-1])
)


def everything(connection: Connection, account_id: int) -> tuple[list[Charge], list[Share]]:
    """The whole ledger of an account with its current shares, for `ledger.check`. What no rule has seen is unattributed."""
    parts = list(batches(connection, account_id))
    return [charge for part, _ in parts for charge in part], [share for _, part in parts for share in part]


def batches(connection: Connection, account_id: int, since_ms: int = 0) -> Iterator[tuple[list[Charge], list[Share]]]:
    """The ledger of an account with its current shares, a part at a time: all charges, or those of the sessions where something
    changed since then."""
    for rows in _changes(connection, account_id, since_ms) if since_ms else _pages(connection, account_id):
        charges = [charge_of(row) for row in rows]
        ids = [row.charge_id for row in rows]
        params = {"of_account": account_id, "from_id": min(ids, default=0)}
        shared = rows_in(connection, _CURRENT_SHARES, params, "ids", ids)
        current_shares = [share_of(row) for row in shared]
        keys = {share.charge_key for share in current_shares}
        pending = [share for charge in charges if charge.key not in keys for share in share_out(charge, PENDING, 0)]
        yield charges, current_shares + pending


def _pages(connection: Connection, account_id: int) -> Iterator[Sequence[Any]]:
    after_id = first_id_ms(account_store.kept_from_ms(connection, account_id)) - 1
    while rows := connection.execute(_PAGE, {"of_account": account_id, "after_id": after_id}).all():
        yield rows
        after_id = rows[-1].charge_id


def _changes(connection: Connection, account_id: int, since_ms: int) -> Iterator[Sequence[Any]]:
    changed = connection.execute(_CHANGED_SESSIONS, {"of_account": account_id, "since_ms": since_ms}).all()
    # Sorted here: for the sake of an order, a database would read all sessions.
    for repository_id, its in groupby(sorted(changed), key=attrgetter("repository_id")):
        names = [(row.tool, row.session_id) for row in its]
        key = RepositoryKey(account_id, repository_id)
        for start in range(0, len(names), _AT_ONCE):
            yield list(ledger.rows_of_sessions(connection, _OF_SESSIONS, key, names[start : start + _AT_ONCE]))


def history(connection: Connection, account_id: int, tool: str, request_id: str) -> list[Share]:
    """Every share that a request ever had, oldest revision first."""
    ids = [entry.charge_id for entry in ledger.named(connection, account_id, [RequestKey(tool, request_id)])]
    params = {"of_account": account_id, "from_id": min(ids, default=0)}
    return [share_of(row) for row in rows_in(connection, _HISTORY, params, "ids", ids)]


def history_of_pull(connection: Connection, key: PullKey) -> list[Revision]:
    """What a pull request bears or bore, and where else that work was booked: by decision and session, oldest first, of what is
    kept."""
    from_id = first_id_ms(account_store.kept_from_ms(connection, key.account_id))
    return [
        Revision(
            at=from_ms(row.decided_at_ms),
            tool=row.tool,
            session_id=row.session_id,
            revision=row.revision,
            pull_number=row.pull_number,
            why=row.why,
            cost=Cost(None if row.micros is None else int(row.micros), row.requests, row.unpriced_requests),
            sender=Sender(key.account_id, row.sender, row.token_id),
        )
        for row in connection.execute(_HISTORY_OF_PULL, key.params | {"from_id": from_id})
    ]
