"""Details that are not kept any more, removed a piece at a time: charges, shares, and what nothing else refers to. Sums stay.

On PostgreSQL charges and shares go with their month, at once (`months.drop_before`), and here only what stands elsewhere.
"""

from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, exists, or_, select

from bot.keys import RepositoryKey
from bot.store import ledger
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_account, of_repository, table
from bot.store.ledger_tables import charges, origins, shares
from bot.store.sessions import sessions
from bot.store.tables import SessionClue
from bot.store.withdrawals import withdrawn

clues = table(SessionClue)

# In one transaction: some hundredths of a second.
AT_ONCE = 500


def _in_range(of: Any) -> Any:
    return and_(of_account(of), of.c.charge_id >= bindparam("from_id"), of.c.charge_id < bindparam("end_id"))


_NUMBERED = (charges, shares, withdrawn)
_NEXT = [
    select(of.c.charge_id).where(_in_range(of)).order_by(of.c.charge_id).limit(1).offset(AT_ONCE) for of in _NUMBERED
]
_IDS = select(charges.c.charge_id).where(_in_range(charges))
_ORIGINS = [select(of.c.origin_id).where(_in_range(of)).distinct() for of in (charges, withdrawn)]
_DELETE = {of: delete(of).where(_in_range(of)) for of in _NUMBERED}


def _is_needed(by: Table) -> Any:
    return exists(
        select(by.c.charge_id).where(
            by.c.account_id == origins.c.account_id,
            by.c.origin_id == origins.c.origin_id,
            by.c.charge_id >= bindparam("end_id"),
        )
    )


_DELETE_ORIGINS = delete(origins).where(
    of_account(origins),
    origins.c.origin_id.in_(bindparam("ids", expanding=True)),
    ~or_(_is_needed(charges), _is_needed(withdrawn)),
)
_OLD_SESSIONS = (
    select(sessions.c.tool, sessions.c.session_id)
    .where(of_repository(sessions), sessions.c.last_at_ms < bindparam("before_ms"))
    .limit(AT_ONCE)
)
_DELETE_SESSIONS = [
    delete(of).where(of_repository(of), of.c.tool == bindparam("of_tool"), of.c.session_id == bindparam("of_session"))
    for of in (clues, sessions)
]


def remove_charges(connection: Connection, account_id: int, from_id: int, before_ms: int) -> int | None:
    """Remove some of an account's charges from that number on that were requested before then. Returns the number where the next
    ones begin; None where none are left."""
    params = {"of_account": account_id, "from_id": from_id, "end_id": first_id_ms(before_ms)}
    nexts = [next_id for of in _NEXT if (next_id := connection.execute(of, params).scalar()) is not None]
    params["end_id"] = min([*nexts, params["end_id"]])
    ids = connection.execute(_IDS, params).scalars().all()
    ledger.forget_names(connection, account_id, ledger.by_id(connection, account_id, ids))
    origin_ids = {origin_id for of in _ORIGINS for origin_id in connection.execute(of, params).scalars()}
    goes_with_its_month = (charges, shares) if connection.dialect.name == "postgresql" else ()
    for of in _NUMBERED:
        if of not in goes_with_its_month:
            connection.execute(_DELETE[of], params)
    if origin_ids:
        connection.execute(_DELETE_ORIGINS, params | {"ids": sorted(origin_ids)})
    return params["end_id"] if nexts else None


def remove_sessions(connection: Connection, key: RepositoryKey, before_ms: int) -> bool:
    """Remove some of a repository's sessions that ended before then, with what they were attributed by. False where none are
    left."""
    rows = connection.execute(_OLD_SESSIONS, key.params | {"before_ms": before_ms}).all()
    names = [key.params | {"of_tool": row.tool, "of_session": row.session_id} for row in rows]
    for statement in _DELETE_SESSIONS if names else ():
        connection.execute(statement, names)
    return len(rows) == AT_ONCE
