"""Requests into the ledger: each is one charge, whichever of its ids a record names it by."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from attribution.ledger import charge as price_charge
from attribution.usage import RequestKey, Usage, named, unique
from bot.keys import PullKey
from bot.store import ledger
from bot.store import sessions as session_store
from bot.store.database import Database, table
from bot.store.ledger import Held, charges, shares
from bot.store.tables import Account, RequestAlias

aliases, accounts = table(RequestAlias), table(Account)


class Saved(msgspec.Struct, frozen=True):
    """What a batch changed: how many charges, in which repositories, and which pull requests may bear another amount now."""

    charges: int
    repositories: frozenset[int]
    pulls: frozenset[PullKey]


def save_usage(
    database: Database, connection: Connection, account_id: int, usages: Iterable[Usage], now_ms: int
) -> Saved:
    """Add requests, whose `context.repository` is GitHub's id of it. What is already there is merged, and charges that turn out to
    be one request become one. Marks the sessions of what changed."""
    usages = list(usages)
    # One batch of an account at a time: two that name a request by different ids must see each other.
    mine = accounts.c.account_id == account_id
    connection.execute(select(accounts.c.account_id).where(mine).with_for_update(key_share=True))
    held = _held(connection, account_id, [key for usage in usages for key in usage.keys])
    by_id = {key: one for one in held.values() for key in one.charge.usage.keys}
    new: list[Usage] = []
    changed: list[tuple[Held, Usage]] = []
    gone: list[Held] = []
    for usage in unique([*(one.charge.usage for one in held.values()), *usages]):
        rows = {by_id[key].charge.key: by_id[key] for key in usage.keys if key in by_id}
        if not rows:
            new.append(usage)
            continue
        first, *others = (rows[key] for key in sorted(rows))
        merged = named(usage, first.charge.usage.request_id)
        if merged != first.charge.usage:
            changed.append((first, merged))
            gone += others
    return _save(database, connection, account_id, (new, changed, gone), now_ms)


def _save(
    database: Database,
    connection: Connection,
    account_id: int,
    what: tuple[list[Usage], list[tuple[Held, Usage]], list[Held]],
    now_ms: int,
) -> Saved:
    new, changed, gone = what
    before = [*(one for one, _ in changed), *gone]
    pulls = _pulls(connection, account_id, [one.charge.key for one in before])
    for one in gone:
        connection.execute(delete(charges).where(ledger.is_charge(account_id, one.charge.key)))
    if new:
        rows = [ledger.charge_row(account_id, price_charge(one), now_ms) | {"revision": 0} for one in new]
        connection.execute(database.insert(charges), rows)
    for one, merged in changed:
        row = ledger.charge_row(account_id, price_charge(merged), now_ms)
        connection.execute(update(charges).where(ledger.is_charge(account_id, one.charge.key)).values(row))
    after = [*new, *(merged for _, merged in changed)]
    _save_aliases(database, connection, account_id, after)
    moved = {one.charge.key for one, merged in changed if merged.context.repository != str(one.repository_id)}
    keys = [one.charge.key for one, _ in changed]
    pulls |= ledger.share_again(database, connection, account_id, keys, moved, now_ms)
    # Another copy may name another session or repository: what a request was taken for before loses it.
    touched = [
        *((int(one.context.repository), one) for one in after),
        *((one.repository_id, one.charge.usage) for one in before),
    ]
    session_store.save_sessions(database, connection, account_id, touched)
    repositories = frozenset(repository_id for repository_id, _ in touched)
    return Saved(len(after), repositories, frozenset(pulls))


def _held(connection: Connection, account_id: int, keys: Sequence[RequestKey]) -> dict[RequestKey, Held]:
    """The charges that have one of these ids, locked until the commit."""
    mine = aliases.c.account_id == account_id
    query = select(aliases.c.tool, aliases.c.request_id).where(mine)
    rows = ledger.chunked(connection, query, (aliases.c.tool, aliases.c.alias), sorted(set(keys)))
    known_as = [RequestKey(row.tool, row.request_id) for row in rows]
    return ledger.by_key(connection, account_id, [*keys, *known_as], lock=True)


def _save_aliases(database: Database, connection: Connection, account_id: int, usages: Iterable[Usage]) -> None:
    rows = [
        {"account_id": account_id, "tool": one.tool, "alias": alias, "request_id": one.request_id}
        for one in usages
        for alias in one.aliases
    ]
    if rows:
        insert = database.insert(aliases)
        names = ["account_id", "tool", "alias"]
        update_id = {"request_id": insert.excluded.request_id}
        connection.execute(insert.on_conflict_do_update(index_elements=names, set_=update_id), rows)


def _pulls(connection: Connection, account_id: int, keys: Sequence[RequestKey]) -> set[PullKey]:
    """The pull requests that bear these charges."""
    mine = shares.c.account_id == account_id
    query = select(shares.c.repository_id, shares.c.pull_number).join(charges, ledger.current()).where(mine)
    rows: Iterable[Any] = ledger.chunked(connection, query, (shares.c.tool, shares.c.request_id), sorted(set(keys)))
    return {PullKey(account_id, row.repository_id, row.pull_number) for row in rows if row.pull_number is not None}
