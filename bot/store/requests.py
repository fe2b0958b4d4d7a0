"""Requests into the ledger: each is one charge, whichever of its ids a record names it by."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, delete, select

from attribution.ledger import charge as price_charge
from attribution.usage import RequestKey, Usage
from attribution.usage_merge import unique, with_request_id
from bot.keys import PullKey
from bot.store import accounts as account_store
from bot.store import ledger
from bot.store import sessions as session_store
from bot.store.database import Database, of_account, of_names, rows_named, table
from bot.store.ledger import LedgerEntry, charges, shares
from bot.store.tables import RequestAlias

aliases = table(RequestAlias)

_DELETE = delete(charges).where(ledger.OF_REQUEST)
_BY_ALIAS = select(aliases.c.tool, aliases.c.request_id).where(
    of_account(aliases), of_names(aliases.c.tool, aliases.c.alias)
)
_PULLS = (
    select(shares.c.repository_id, shares.c.pull_number)
    .join(charges, ledger.current())
    .where(of_account(shares), of_names(shares.c.tool, shares.c.request_id))
)


class Changes(msgspec.Struct, frozen=True):
    """What a batch changed: how many charges, in which repositories, and which pull requests may bear another amount now."""

    charges: int
    repositories: frozenset[int]
    pulls: frozenset[PullKey]


def save_usage(
    database: Database, connection: Connection, account_id: int, usages: Iterable[Usage], now_ms: int
) -> Changes:
    """Add requests, whose `context.repository` is GitHub's id of it. What is already there is merged, and charges that turn out to
    be one request become one. Marks the sessions of what changed."""
    usages = list(usages)
    # One batch of an account at a time: two that name a request by different ids must see each other.
    account_store.lock(connection, account_id)
    entries = _entries(connection, account_id, [key for usage in usages for key in usage.keys])
    by_id = {key: entry for entry in entries.values() for key in entry.charge.usage.keys}
    new: list[Usage] = []
    updates: list[tuple[LedgerEntry, Usage]] = []
    duplicates: list[LedgerEntry] = []
    for usage in unique([*(entry.charge.usage for entry in entries.values()), *usages]):
        rows = {by_id[key].charge.key: by_id[key] for key in usage.keys if key in by_id}
        if not rows:
            new.append(usage)
            continue
        first, *others = (rows[key] for key in sorted(rows))
        whole = with_request_id(usage, first.charge.usage.request_id)
        if whole != first.charge.usage:
            updates.append((first, whole))
            duplicates += others
    return _save(database, connection, account_id, (new, updates, duplicates), now_ms)


def _save(
    database: Database,
    connection: Connection,
    account_id: int,
    what: tuple[list[Usage], list[tuple[LedgerEntry, Usage]], list[LedgerEntry]],
    now_ms: int,
) -> Changes:
    new, updates, duplicates = what
    before = [*(entry for entry, _ in updates), *duplicates]
    pulls = _pulls(connection, account_id, [entry.charge.key for entry in before])
    for entry in duplicates:
        connection.execute(_DELETE, ledger.request_params(account_id, entry.charge.key))
    if new:
        rows = [ledger.charge_row(account_id, price_charge(usage), now_ms) | {"revision": 0} for usage in new]
        connection.execute(database.insert(charges), rows)
    for entry, usage in updates:
        row = ledger.charge_row(account_id, price_charge(usage), now_ms)
        connection.execute(ledger.CHANGE, ledger.request_params(account_id, entry.charge.key) | row)
    after = [*new, *(usage for _, usage in updates)]
    _save_aliases(database, connection, account_id, after)
    departures = {entry.charge.key for entry, usage in updates if usage.context.repository != str(entry.repository_id)}
    keys = [entry.charge.key for entry, _ in updates]
    pulls |= ledger.share_again(database, connection, account_id, keys, departures, now_ms)
    # Another copy may name another session or repository: then the earlier one has lost the request.
    requests = [
        *((int(usage.context.repository), usage) for usage in after),
        *((entry.repository_id, entry.charge.usage) for entry in before),
    ]
    session_store.save_sessions(database, connection, account_id, requests)
    repositories = frozenset(repository_id for repository_id, _ in requests)
    return Changes(len(after), repositories, frozenset(pulls))


def _entries(connection: Connection, account_id: int, keys: Sequence[RequestKey]) -> dict[RequestKey, LedgerEntry]:
    """The charges that have one of these ids, locked until the commit."""
    rows = rows_named(connection, _BY_ALIAS, {"of_account": account_id}, keys)
    ids = [RequestKey(row.tool, row.request_id) for row in rows]
    return ledger.by_key(connection, account_id, [*keys, *ids], lock=True)


def _save_aliases(database: Database, connection: Connection, account_id: int, usages: Iterable[Usage]) -> None:
    rows = [
        {"account_id": account_id, "tool": usage.tool, "alias": alias, "request_id": usage.request_id}
        for usage in usages
        for alias in usage.aliases
    ]
    if rows:
        insert = database.insert(aliases)
        names = ["account_id", "tool", "alias"]
        update_id = {"request_id": insert.excluded.request_id}
        connection.execute(insert.on_conflict_do_update(index_elements=names, set_=update_id), rows)


def _pulls(connection: Connection, account_id: int, keys: Sequence[RequestKey]) -> set[PullKey]:
    """The pull requests that bear these charges."""
    rows = rows_named(connection, _PULLS, {"of_account": account_id}, keys)
    return {PullKey(account_id, row.repository_id, row.pull_number) for row in rows if row.pull_number is not None}
