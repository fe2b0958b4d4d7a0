"""A repository that goes to another account takes everything of its own along: ledger, sessions, comments, weeks, waiting work.

https://docs.github.com/en/repositories/creating-and-managing-repositories/transferring-a-repository
"""

from bisect import bisect_left

from sqlalchemy import Connection, and_, bindparam, delete, exists, select, union, update

from bot.keys import RepositoryKey
from bot.store import accounts, charge_ids, ledger, once, recount, request_names
from bot.store.among import among
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_account, of_repository
from bot.store.day_sums import add, day_senders, day_sums
from bot.store.ledger import LedgerEntry
from bot.store.ledger_tables import (
    charges,
    made_by,
    origins,
    part_because,
    reasons,
    rows_of_ids,
    shares,
    since,
    whole_because,
)
from bot.store.withdrawals import withdrawn

_AT_ONCE = 1000

_IDS = select(charges.c.charge_id).join(origins, made_by()).where(of_repository(origins)).order_by(charges.c.charge_id)
_DELETE = delete(charges).where(ledger.OF_CHARGE)
_SUMS = {of: select(of).where(of_repository(of)) for of in (day_sums, day_senders)}
_DELETE_SUMS = {of: delete(of).where(of_repository(of)) for of in _SUMS}
_REASONS = union(
    *(
        select(reasons).join(of, because).where(of_account(of), among(of.c.charge_id, "ids"), since(of))
        for of, because in ((shares, part_because()), (charges, whole_because()))
    )
)
_TO = {"account_id": bindparam("to_account"), "charge_id": bindparam("to_charge")}
_MOVES = [
    update(of).where(of_account(of), of.c.charge_id == bindparam("of_charge")).values(_TO) for of in (shares, charges)
]
# Moved by themselves.
_OF_LEDGER = (charges, withdrawn, origins, reasons, day_sums, day_senders)


def move(connection: Connection, key: RepositoryKey, account_id: int) -> None:
    """Give the rows of a repository to `account_id`. A request that the account reported itself stays one charge: the copy that
    another account paid for remains in that account's history."""
    both = sorted((key, RepositoryKey(account_id, key.repository_id)))
    for of in both:
        recount.lock(connection, of)
    # What one of them does not keep, the other does not have: neither can tell what is new from what it knew.
    kept_from_ms = max(accounts.kept_from_ms(connection, of.account_id) for of in both)
    accounts.keep_from(connection, account_id, kept_from_ms)
    with recount.again(connection, both, kept_from_ms):
        _move(connection, key, account_id, kept_from_ms)


def _move(connection: Connection, key: RepositoryKey, account_id: int, kept_from_ms: int) -> None:
    """All but what is older than both accounts keep, of which sums go along."""
    for table in charges.metadata.sorted_tables:
        if "repository_id" in table.c and table not in _OF_LEDGER:
            there = table.alias()
            same = and_(*(there.c[c.name] == c for c in table.primary_key if c.name != "account_id"))
            is_taken = exists().where(there.c.account_id == bindparam("to_account"), same)
            rows = update(table).where(of_repository(table), ~is_taken).values(account_id=bindparam("to_account"))
            connection.execute(rows, key.params | {"to_account": account_id})
    accounts.lock(connection, account_id)
    _move_sums(connection, key, account_id)
    ids = list(connection.execute(_IDS, key.params).scalars())
    kept = bisect_left(ids, first_id_ms(kept_from_ms))
    for start in range(0, kept, _AT_ONCE):
        old = ids[start : min(start + _AT_ONCE, kept)]
        ledger.forget_names(connection, key.account_id, ledger.by_id(connection, key.account_id, old))
        connection.execute(_DELETE, [{"of_account": key.account_id, "of_charge": charge_id} for charge_id in old])
    for start in range(kept, len(ids), _AT_ONCE):
        entries = ledger.by_id(connection, key.account_id, ids[start : start + _AT_ONCE])
        known = ledger.named(connection, account_id, [own for entry in entries for own in entry.charge.usage.keys])
        taken = {own for entry in known for own in entry.charge.usage.keys}
        moving = [entry for entry in entries if taken.isdisjoint(entry.charge.usage.keys)]
        _move_charges(connection, key.account_id, moving, account_id)


def _move_sums(connection: Connection, key: RepositoryKey, account_id: int) -> None:
    for of, sums in _SUMS.items():
        places = [column.name for column in of.primary_key if column.name != "account_id"]
        measures = [column.name for column in of.c if not column.primary_key]
        rows = [row._mapping for row in connection.execute(sums, key.params)]
        add(
            connection, of, account_id,
            ((tuple(row[name] for name in places), [row[name] for name in measures]) for row in rows),
        )  # fmt: skip
        connection.execute(_DELETE_SUMS[of], key.params)


def _move_charges(connection: Connection, from_id: int, entries: list[LedgerEntry], to_id: int) -> None:
    """With their shares and names. Where a number is taken there, the charge gets the next one."""
    if not entries:
        return
    ids = [entry.charge_id for entry in entries]
    there = charge_ids.free(connection, to_id, ids)
    ledger.save_origins(connection, to_id, [(entry.charge, entry.sender) for entry in entries])
    why = rows_of_ids(connection, _REASONS, from_id, ids)
    once.save(connection, reasons, [{**row._mapping, "account_id": to_id} for row in why])
    params = [
        {"of_account": from_id, "of_charge": before, "to_account": to_id, "to_charge": after}
        for before, after in zip(ids, there, strict=True)
    ]
    for statement in _MOVES:
        connection.execute(statement, params)
    ledger.forget_names(connection, from_id, entries)
    named = {after: entry.charge for after, entry in zip(there, entries, strict=True)}
    request_names.add(connection, to_id, named, {})
