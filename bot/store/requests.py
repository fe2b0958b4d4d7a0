"""Requests into the ledger: each is one charge, whichever of its ids a record names it by."""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, delete

from attribution.ledger import charge as price_charge
from attribution.usage import RequestKey, Usage
from attribution.usage_merge import unique, with_request_id
from bot.keys import PullKey
from bot.store import accounts, charge_ids, day_sums, ledger
from bot.store import sessions as session_store
from bot.store.ledger import LedgerEntry, charges

_NO_DIGESTS: Mapping[RequestKey, int] = {}
_DELETE = delete(charges).where(ledger.OF_CHARGE)


class Changes(msgspec.Struct, frozen=True):
    """What a batch changed: how many charges, in which repositories, and which pull requests may bear another amount now."""

    charges: int
    repositories: frozenset[int]
    pulls: frozenset[PullKey]


def save_usage(
    connection: Connection,
    account_id: int,
    usages: Iterable[Usage],
    now_ms: int,
    sums: day_sums.Changes,
    digests: Mapping[RequestKey, int] = _NO_DIGESTS,
) -> Changes:
    """Add requests, whose `context.repository` is GitHub's id of it. What is already there is merged, and charges that turn out to
    be one request become one. Marks the sessions of what changed. `digests` are those of the records, by the id there."""
    usages = list(usages)
    # One batch of an account at a time: two that name a request by different ids must see each other.
    accounts.lock(connection, account_id)
    entries = ledger.named(connection, account_id, [key for usage in usages for key in usage.keys], lock=True)
    by_id = {key: entry for entry in entries for key in entry.charge.usage.keys}
    new: list[Usage] = []
    updates: list[tuple[LedgerEntry, Usage]] = []
    duplicates: list[LedgerEntry] = []
    unchanged: list[LedgerEntry] = []
    for usage in unique([*(entry.charge.usage for entry in entries), *usages]):
        same = {by_id[key].charge.key: by_id[key] for key in usage.keys if key in by_id} if by_id else {}
        if not same:
            new.append(usage)
            continue
        first, *others = (same[key] for key in sorted(same))
        whole = with_request_id(usage, first.charge.usage.request_id)
        if whole != first.charge.usage:
            updates.append((first, whole))
            duplicates += others
        else:
            unchanged.append(first)
    ledger.save_names(connection, account_id, {entry.charge_id: entry.charge for entry in unchanged}, digests)
    return _save(connection, account_id, (new, updates, duplicates), now_ms, sums, digests)


def _save(
    connection: Connection,
    account_id: int,
    what: tuple[list[Usage], list[tuple[LedgerEntry, Usage]], list[LedgerEntry]],
    now_ms: int,
    sums: day_sums.Changes,
    digests: Mapping[RequestKey, int],
) -> Changes:
    new, updates, duplicates = what
    before = [*(entry for entry, _ in updates), *duplicates]
    shares = ledger.current_shares(connection, account_id, [entry.charge_id for entry in before])
    for entry in before:
        sums.take_away(entry.charge, shares.get(entry.charge_id, ()))
    # Their shares stay, as history.
    if duplicates:
        ids = [entry.charge_id for entry in duplicates]
        connection.execute(_DELETE, [{"of_account": account_id, "of_charge": charge_id} for charge_id in ids])
        ledger.forget_names(connection, account_id, duplicates)
    added = dict(zip(charge_ids.new_ids(connection, account_id, new), map(price_charge, new), strict=True))
    changed = {entry.charge_id: price_charge(usage) for entry, usage in updates}
    both = added | changed
    for charge_id, charge in both.items():
        sums.add(charge, shares.get(charge_id, ()))
    origin_ids = ledger.save_origins(connection, account_id, both.values())
    ledger.add(connection, account_id, added, origin_ids[: len(added)])
    ledger.change(connection, account_id, changed, origin_ids[len(added) :])
    ledger.save_names(connection, account_id, both, digests)
    changes = {entry.charge_id: usage.context.repository != str(entry.repository_id) for entry, usage in updates}
    pulls = {
        PullKey(account_id, entry.repository_id, share.pull_number)
        for entry in before
        for share in shares.get(entry.charge_id, ())
        if share.pull_number is not None
    }
    pulls |= ledger.share_again(connection, account_id, changes, now_ms, sums)
    after = [*new, *(usage for _, usage in updates)]
    # Another copy may name another session or repository: then the earlier one has lost the request.
    requests = [
        *((int(usage.context.repository), usage) for usage in after),
        *((entry.repository_id, entry.charge.usage) for entry in before),
    ]
    session_store.save_sessions(connection, account_id, requests, now_ms)
    repositories = frozenset(repository_id for repository_id, _ in requests)
    return Changes(len(after), repositories, frozenset(pulls))
