"""The numbers of charges, which begin with the time: charges of one month are neighbours, in every key and index.

A number is the minute of the request, since 1970, and 22 bits that tell the requests of a minute apart. It stays what it was when
another copy of the request says an earlier time, so what was requested since a moment has a number from `first_id` on. Until
2033 it has 47 bits, which SQLite stores in 6 bytes instead of 8.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import count

from sqlalchemy import Connection, select, union

from attribution.usage import Usage
from bot.clock import MINUTE_MS, to_ms
from bot.store.among import among
from bot.store.database import of_account, rows_in
from bot.store.ledger_tables import charges, shares, since
from bot.store.request_names import name_hash

_WITHIN_MINUTE = 22

# Shares outlive a charge that turned out to be a part of another one.
_TAKEN = union(
    *(select(of.c.charge_id).where(of_account(of), among(of.c.charge_id, "ids"), since(of)) for of in (charges, shares))
)


def first_id(at: datetime) -> int:
    """The least number that a request of this minute can have."""
    return first_id_ms(to_ms(at))


def first_id_ms(at_ms: int) -> int:
    """The same of a time in milliseconds."""
    return at_ms // MINUTE_MS << _WITHIN_MINUTE


def minute_of(charge_id: int) -> int:
    return charge_id >> _WITHIN_MINUTE


def new_ids(connection: Connection, account_id: int, usages: Iterable[Usage]) -> list[int]:
    """A number for each of these requests. Whoever calls it holds the lock of the account."""
    return free(
        connection,
        account_id,
        [first_id(usage.at) + (name_hash(usage.key) >> (31 - _WITHIN_MINUTE)) for usage in usages],
    )


def free(connection: Connection, account_id: int, wanted: Iterable[int]) -> list[int]:
    """These numbers, or the next ones that no charge of the account has."""
    ids: dict[int, None] = {}
    for first in wanted:
        ids[next(charge_id for charge_id in count(first) if charge_id not in ids)] = None
    taken = {row.charge_id for row in rows_in(connection, _TAKEN, {"of_account": account_id}, "ids", ids)}
    return free(connection, account_id, [charge_id + (charge_id in taken) for charge_id in ids]) if taken else list(ids)
