"""The ledger in the database: charges, by their numbers, sessions and requests."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, Row, and_, bindparam, select, update

from attribution.ledger import Charge
from attribution.usage import RequestKey
from bot.keys import RepositoryKey, Sender
from bot.store import months, once, request_names
from bot.store import sessions as session_store
from bot.store.charge_ids import first_id_ms
from bot.store.database import of_account, of_names, rows_named
from bot.store.inserts import insert_values
from bot.store.ledger_tables import OF_IDS, charge_columns, charges, made_by, origins, rows_of_ids, since
from bot.store.sessions import SessionKey
from bot.store.usage_columns import ORIGIN_COLUMNS, USAGE_COLUMNS, origin_of, usage_of, values_of


class LedgerEntry(msgspec.Struct, frozen=True):
    """A charge in the ledger: its number there, its repository, its current revision of shares (0: none yet), and who sent what it
    says."""

    charge_id: int
    charge: Charge
    repository_id: int
    revision: int
    sender: Sender


_MONEY = ("list_micros", "cache_saving_micros")
# Part of the origin.
_PRICING = ("billing_mode", "basis", "price_book", "unpriced")
_ORIGIN = (*ORIGIN_COLUMNS, *_PRICING, "sender", "token_id")
_ENTRY = ("origin_id", *USAGE_COLUMNS, *_MONEY)
_NOT_SHARED_OUT = {"revision": 0, "reason_id": 0, "decided_at_minute": 0}
_MONEY_OF, _PRICING_OF = attrgetter(*_MONEY), attrgetter(*_PRICING)

IN_ORDER = (
    select(*charge_columns())
    .select_from(charges.join(origins, made_by()))
    .order_by(origins.c.tool, charges.c.request_id)
)
OF_SESSIONS = and_(
    of_account(origins),
    of_names(origins.c.tool, origins.c.session_id),
    origins.c.repository_id == bindparam("of_repository"),
    since(charges),
)
_CHARGES_OF_SESSIONS = IN_ORDER.where(OF_SESSIONS).with_for_update(of=charges)
_SENDERS = (
    select(origins.c.tool, origins.c.session_id, origins.c.sender)
    .where(of_account(origins), of_names(origins.c.tool, origins.c.session_id))
    .distinct()
)
_BY_ID = IN_ORDER.where(of_account(charges), OF_IDS)
_LOCKED_BY_ID = _BY_ID.with_for_update(of=charges)
OF_CHARGE = and_(of_account(charges), charges.c.charge_id == bindparam("of_charge"))
_CHANGE = update(charges).where(OF_CHARGE)


def charges_of(
    connection: Connection, key: RepositoryKey, sessions: Sequence[SessionKey]
) -> dict[SessionKey, list[LedgerEntry]]:
    """What the requests of these sessions in one repository cost. Locks them until the commit."""
    entries: dict[SessionKey, list[LedgerEntry]] = {session: [] for session in sessions}
    for row in rows_of_sessions(connection, _CHARGES_OF_SESSIONS, key, sessions):
        entries[row.tool, row.session_id].append(_entry(row))
    return entries


def rows_of_sessions(
    connection: Connection, statement: Executable, key: RepositoryKey, sessions: Iterable[SessionKey]
) -> Iterator[Row[Any]]:
    """The rows of a statement with `OF_SESSIONS`, of these sessions in a repository."""
    names = list(sessions)
    from_id = first_id_ms(session_store.beginning_ms(connection, key, names))
    yield from rows_named(connection, statement, key.params | {"from_id": from_id}, names)


def senders_of(connection: Connection, account_id: int, sessions: Iterable[SessionKey]) -> dict[SessionKey, set[str]]:
    """Who reported sessions of these names, in any repository."""
    senders: dict[SessionKey, set[str]] = {}
    for row in rows_named(connection, _SENDERS, {"of_account": account_id}, sessions):
        senders.setdefault((row.tool, row.session_id), set()).add(row.sender)
    return senders


def by_id(connection: Connection, account_id: int, ids: Collection[int]) -> list[LedgerEntry]:
    """Locks them until the commit."""
    return [_entry(row) for row in rows_of_ids(connection, _LOCKED_BY_ID, account_id, ids)]


def named(
    connection: Connection, account_id: int, keys: Iterable[RequestKey], *, lock: bool = False
) -> list[LedgerEntry]:
    """The charges that have one of these ids."""
    wanted = set(keys)
    # Apart from the charges: most hashes of a batch are new, and PostgreSQL, which expects the contrary, would begin with charges.
    ids = request_names.charge_ids(connection, account_id, wanted)
    entries = map(_entry, rows_of_ids(connection, _LOCKED_BY_ID if lock else _BY_ID, account_id, ids))
    return [entry for entry in entries if not wanted.isdisjoint(entry.charge.usage.keys)]


def forget_names(connection: Connection, account_id: int, entries: Iterable[LedgerEntry]) -> None:
    request_names.forget(connection, account_id, {entry.charge_id: entry.charge for entry in entries})


def save_origins(connection: Connection, account_id: int, charges: Iterable[tuple[Charge, Sender]]) -> list[int]:
    """What charges have in common with their neighbours, once. Returns the `origin_id` of each."""
    values = [
        (*origin_of(charge.usage), *_PRICING_OF(charge), sender.name, sender.token_id) for charge, sender in charges
    ]
    rows = {own: dict(zip(_ORIGIN, own, strict=True)) for own in set(values)}
    ids = {own: once.digest(row) for own, row in rows.items()}
    once.save(connection, origins, [{"account_id": account_id, "origin_id": ids[own], **rows[own]} for own in rows])
    return [ids[own] for own in values]


def add(
    connection: Connection,
    account_id: int,
    by_id: Mapping[int, Charge],
    origin_ids: Iterable[int],
    digests: Mapping[RequestKey, int],
) -> None:
    """New charges, the origin of each, and the digests of their records."""
    columns = ("account_id", "charge_id", *_NOT_SHARED_OUT, *_ENTRY)
    rows = [
        (account_id, charge_id, *_NOT_SHARED_OUT.values(), *values) for charge_id, values in _entries(by_id, origin_ids)
    ]
    months.make_for(connection, by_id)
    insert_values(connection, charges, columns, rows)
    request_names.add(connection, account_id, by_id, digests)


def change(
    connection: Connection,
    account_id: int,
    by_id: Mapping[int, Charge],
    origin_ids: Iterable[int],
    digests: Mapping[RequestKey, int],
) -> None:
    """Charges become these. Their revisions stay."""
    params = [
        {"of_account": account_id, "of_charge": charge_id} | dict(zip(_ENTRY, values, strict=True))
        for charge_id, values in _entries(by_id, origin_ids)
    ]
    if params:
        connection.execute(_CHANGE, params)
        request_names.change(connection, account_id, by_id, digests)


def _entries(by_id: Mapping[int, Charge], origin_ids: Iterable[int]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The `_ENTRY` columns of each charge, by its number."""
    for (charge_id, charge), origin_id in zip(by_id.items(), origin_ids, strict=True):
        yield charge_id, (origin_id, *values_of(charge.usage), *_MONEY_OF(charge))


def charge_of(row: Any) -> Charge:
    return Charge(usage=usage_of(row), **{name: row._mapping[name] for name in (*_MONEY, *_PRICING)})


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        row.charge_id, charge_of(row), row.repository_id, row.revision, Sender(row.account_id, row.sender, row.token_id)
    )
