"""The ledger as it is checked and explained: in batches of what changed, and every revision of shares."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, case, func, literal, select, union, union_all

from attribution.cost import Cost
from attribution.evidence import PENDING
from attribution.ledger import Charge, Share, share_out
from attribution.usage import RequestKey
from bot.clock import MINUTE_MS, from_ms
from bot.keys import PullKey, RepositoryKey, Sender
from bot.store import accounts as account_store
from bot.store import ledger
from bot.store import shares as share_store
from bot.store.among import among
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_account
from bot.store.ledger import charge_of
from bot.store.ledger_tables import (
    FOR_PULL,
    OF_IDS,
    OWN,
    charge_columns,
    charges,
    made_by,
    of_charge,
    origins,
    part_because,
    reasons,
    rows_of_ids,
    share_columns,
    share_of,
    shares,
    since,
    whole_because,
)
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
    select(*charge_columns())
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
_HISTORY = union_all(
    select(*share_columns(shares.c.revision, shares.c.micros), shares.c.position.label("position"))
    .select_from(shares.join(charges, of_charge()).outerjoin(origins, made_by()).outerjoin(reasons, part_because()))
    .where(of_account(shares), among(shares.c.charge_id, "ids"), since(shares), since(charges)),
    select(*share_columns(micros=charges.c.list_micros), literal(0))
    .select_from(charges.outerjoin(origins, made_by()).outerjoin(reasons, whole_because()))
    .where(of_account(charges), OF_IDS, charges.c.reason_id != 0),
)
_CHARGES_OF_PULL = union(
    select(charges.c.charge_id).select_from(reasons.join(charges, whole_because())).where(FOR_PULL, since(charges)),
    select(shares.c.charge_id).select_from(reasons.join(shares, part_because())).where(FOR_PULL, since(shares)),
)
_OF_ORIGIN = (origins.c.basis, origins.c.tool, origins.c.session_id, origins.c.sender, origins.c.token_id)
_OF_REASON = (reasons.c.pull_number, reasons.c.why)
# Also of charges that were taken back. What became a part of another charge is not shown.
_ORIGIN_ID = func.coalesce(charges.c.origin_id, withdrawn.c.origin_id)
_SHARES_OF_PULL = union_all(
    select(shares.c.decided_at_minute, shares.c.revision, shares.c.micros.label("micros"), *_OF_ORIGIN, *_OF_REASON)
    .select_from(shares)
    .outerjoin(charges, of_charge() & since(charges))
    .outerjoin(
        withdrawn, (withdrawn.c.account_id == shares.c.account_id) & (withdrawn.c.charge_id == shares.c.charge_id)
    )
    .outerjoin(origins, (origins.c.account_id == shares.c.account_id) & (origins.c.origin_id == _ORIGIN_ID))
    .outerjoin(reasons, part_because())
    .where(of_account(shares), shares.c.charge_id.in_(_CHARGES_OF_PULL), _ORIGIN_ID.is_not(None), since(shares)),
    select(charges.c.decided_at_minute, charges.c.revision, charges.c.list_micros, *_OF_ORIGIN, *_OF_REASON)
    .select_from(charges.outerjoin(origins, made_by()).outerjoin(reasons, whole_because()))
    .where(of_account(charges), charges.c.charge_id.in_(_CHARGES_OF_PULL), charges.c.reason_id != 0, since(charges)),
).subquery()
_DECISION = tuple(
    _SHARES_OF_PULL.c[name]
    for name in ("decided_at_minute", "tool", "session_id", "revision", "pull_number", "why", "sender", "token_id")
)
_HISTORY_OF_PULL = (
    select(
        *_DECISION,
        func.sum(_SHARES_OF_PULL.c.micros).label("micros"),
        func.count().label("requests"),
        func.sum(case((_SHARES_OF_PULL.c.micros.is_(None), 1), else_=0)).label("unpriced_requests"),
        func.sum(case((_SHARES_OF_PULL.c.basis == OWN, _SHARES_OF_PULL.c.micros), else_=0)).label("reported_micros"),
    )
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
        current_shares = list(chain.from_iterable(share_store.current_shares(connection, account_id, ids).values()))
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
    rows = rows_of_ids(connection, _HISTORY, account_id, ids)
    return [share_of(row) for row in sorted(rows, key=attrgetter("share_charge_id", "share_revision", "position"))]


def history_of_pull(connection: Connection, key: PullKey) -> list[Revision]:
    """What a pull request bears or bore, and where else that work was booked: by decision and session, oldest first, of what is
    kept."""
    from_id = first_id_ms(account_store.kept_from_ms(connection, key.account_id))
    return [
        Revision(
            at=from_ms(row.decided_at_minute * MINUTE_MS),
            tool=row.tool,
            session_id=row.session_id,
            revision=row.revision,
            pull_number=row.pull_number,
            why=row.why,
            cost=_cost(row),
            sender=Sender(key.account_id, row.sender, row.token_id),
        )
        for row in connection.execute(_HISTORY_OF_PULL, key.params | {"from_id": from_id})
    ]


def _cost(row: Any) -> Cost:
    own = int(row.reported_micros or 0)
    return Cost(int(row.micros or 0) - own, row.requests, int(row.unpriced_requests), own)
