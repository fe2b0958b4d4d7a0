"""What finds a charge by the ids of its request: hashes of them.

Whoever finds a charge compares the ids: a hash stands for any id that has it.
"""

import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import zip_longest

from sqlalchemy import Connection, delete, literal_column, select, union_all

from attribution.ledger import Charge
from attribution.usage import RequestKey
from bot.store.among import among
from bot.store.database import of_account, rows_in, table
from bot.store.inserts import insert_values
from bot.store.tables import RequestName

names = table(RequestName)

_COLUMNS = ("account_id", "name_hash", "charge_id", "record_digest", "alias_hash")
_IS_FIRST = (of_account(names), among(names.c.name_hash, "hashes"))
_IS_ALIAS = (
    of_account(names),
    among(names.c.alias_hash, "hashes"),
    names.c.alias_hash != literal_column("0"),  # as the index says
)
_NAMED = union_all(select(names.c.charge_id).where(*_IS_FIRST), select(names.c.charge_id).where(*_IS_ALIAS))
_DIGESTS = select(names.c.record_digest).where(*_IS_FIRST, names.c.record_digest.is_not(None))
_FORGET = delete(names).where(*_IS_FIRST, among(names.c.charge_id, "ids"))
_OR_NOTE = """
    ON CONFLICT (account_id, name_hash, charge_id) DO UPDATE SET
        record_digest = coalesce(excluded.record_digest, request_name.record_digest),
        alias_hash = CASE WHEN excluded.alias_hash = 0 THEN request_name.alias_hash ELSE excluded.alias_hash END"""


# A batch asks for those of its records several times.
@lru_cache(maxsize=8192)
def name_hash(key: RequestKey) -> int:
    """31 bits, not 0: what is looked up by it is compared with the id."""
    return zlib.crc32(key.request_id.encode(), _start(key.tool)) >> 1 or 1


@lru_cache(maxsize=1024)
def _start(tool: str) -> int:
    return zlib.crc32(f"{tool}\n".encode())


def charge_ids(connection: Connection, account_id: int, keys: Iterable[RequestKey]) -> set[int]:
    """The charges that may have one of these ids."""
    hashes = {name_hash(key) for key in keys}
    return {charge_id for (charge_id,) in rows_in(connection, _NAMED, {"of_account": account_id}, "hashes", hashes)}


def known(connection: Connection, account_id: int, digests: Mapping[int, RequestKey]) -> set[int]:
    """Those digests that are of records all of which is in the ledger: they were merged, and what is merged stays. A charge that
    leaves the account or becomes part of another one is not found by its names any more, and its digests are gone with them."""
    hashes = {name_hash(key) for key in digests.values()}
    rows = rows_in(connection, _DIGESTS, {"of_account": account_id}, "hashes", hashes)
    return digests.keys() & {digest for (digest,) in rows}


def add(
    connection: Connection, account_id: int, by_id: Mapping[int, Charge], digests: Mapping[RequestKey, int]
) -> None:
    """What finds new charges by each of their ids, and the digests of records by these ids."""
    insert_values(connection, names, _COLUMNS, _rows(account_id, by_id, digests))


def change(
    connection: Connection, account_id: int, by_id: Mapping[int, Charge], digests: Mapping[RequestKey, int]
) -> None:
    """The same of charges that may have names already."""
    insert_values(connection, names, _COLUMNS, _rows(account_id, by_id, digests), _OR_NOTE)


def forget(connection: Connection, account_id: int, by_id: Mapping[int, Charge]) -> None:
    hashes = {name_hash(key) for charge in by_id.values() for key in charge.usage.keys}
    if hashes:
        connection.execute(_FORGET, {"of_account": account_id, "hashes": sorted(hashes), "ids": list(by_id)})


def _rows(
    account_id: int, by_id: Mapping[int, Charge], digests: Mapping[RequestKey, int]
) -> list[tuple[int, int, int, int | None, int]]:
    """All ids of the charges in twos; and those second ones once more by which a record came, whose digest needs a row."""
    rows: dict[tuple[int, int], tuple[int, int, int, int | None, int]] = {}
    for charge_id, charge in by_id.items():
        two = iter(charge.usage.keys)
        for first, second in zip_longest(two, two):
            name, alias = name_hash(first), name_hash(second) if second else 0
            if second in digests:
                rows[charge_id, alias] = (account_id, alias, charge_id, digests[second], 0)
            rows[charge_id, name] = (account_id, name, charge_id, digests.get(first), alias)
    return list(rows.values())
