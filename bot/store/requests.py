"""Requests into the ledger: each is one charge, whichever of its ids a record names it by."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, delete

from attribution.ledger import charge as price_charge
from attribution.usage import RequestKey, Usage
from attribution.usage_merge import unique, with_request_id
from bot.keys import PullKey, Sender
from bot.store import accounts, charge_ids, day_sums, ledger, request_names
from bot.store import sessions as session_store
from bot.store import shares as share_store
from bot.store.ledger import LedgerEntry
from bot.store.ledger_tables import charges

_NO_DIGESTS: Mapping[RequestKey, int] = {}
_DELETE = delete(charges).where(ledger.OF_CHARGE)


class Changes(msgspec.Struct, frozen=True):
    """What a batch changed: how many charges, in which repositories, and which pull requests may bear another amount now. `others`
    are the ids of requests that another sender reported: records by these changed nothing."""

    charges: int
    repositories: frozenset[int]
    pulls: frozenset[PullKey]
    others: frozenset[RequestKey] = frozenset()


def save_usage(
    connection: Connection,
    sender: Sender,
    usages: Iterable[Usage],
    now_ms: int,
    sums: day_sums.Changes,
    digests: Mapping[RequestKey, int] = _NO_DIGESTS,
) -> Changes:
    """Add requests, whose `context.repository` is GitHub's id of it. What is already there is merged, and charges that turn out to
    be one request become one, as far as this sender reported them. Marks the sessions of what changed. `digests` are those of the
    records, by the id there."""
    account_id, usages = sender.account_id, list(usages)
    # One batch of an account at a time: two that name a request by different ids must see each other.
    accounts.lock(connection, account_id)
    entries = ledger.named(connection, account_id, [key for usage in usages for key in usage.keys], lock=True)
    of_others = frozenset(
        key for entry in entries if entry.sender.name != sender.name for key in entry.charge.usage.keys
    )
    if of_others:
        entries = [entry for entry in entries if entry.sender.name == sender.name]
        strange = {usage.key for usage in usages if not of_others.isdisjoint(usage.keys)}
        usages = [usage for usage in usages if of_others.isdisjoint(usage.keys)]
        digests = {key: digest for key, digest in digests.items() if key not in strange}
    usages = _in_own_sessions(connection, sender, usages)
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
    same_as_before = {entry.charge_id: entry.charge for entry in unchanged}
    request_names.change(connection, account_id, same_as_before, digests)
    changes = _save(connection, sender, (new, updates, duplicates), now_ms, sums, digests)
    return msgspec.structs.replace(changes, others=of_others)


def _in_own_sessions(connection: Connection, sender: Sender, usages: Sequence[Usage]) -> list[Usage]:
    """Requests of a session that another sender has under the same name are of one with a name of its own: tools number sessions by
    day, and whoever names another's session must not change where its work belongs."""
    senders = ledger.senders_of(connection, sender.account_id, {(usage.tool, usage.session_id) for usage in usages})
    others = {session for session, names in senders.items() if sender.name not in names}
    return [
        msgspec.structs.replace(usage, session_id=session_store.name_of_another(usage.session_id, sender.name))
        if (usage.tool, usage.session_id) in others
        else usage
        for usage in usages
    ]


def _save(
    connection: Connection,
    sender: Sender,
    what: tuple[list[Usage], list[tuple[LedgerEntry, Usage]], list[LedgerEntry]],
    now_ms: int,
    sums: day_sums.Changes,
    digests: Mapping[RequestKey, int],
) -> Changes:
    account_id, (new, updates, duplicates) = sender.account_id, what
    before = [*(entry for entry, _ in updates), *duplicates]
    shares = share_store.current_shares(connection, account_id, [entry.charge_id for entry in before])
    for entry in before:
        sums.take_away(entry.charge, shares.get(entry.charge_id, ()))
    share_store.write_out(connection, account_id, shares)
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
    origin_ids = ledger.save_origins(connection, account_id, [(charge, sender) for charge in both.values()])
    ledger.add(connection, account_id, added, origin_ids[: len(added)], digests)
    ledger.change(connection, account_id, changed, origin_ids[len(added) :], digests)
    changes = {entry.charge_id: usage.context.repository != str(entry.repository_id) for entry, usage in updates}
    pulls = {
        PullKey(account_id, entry.repository_id, share.pull_number)
        for entry in before
        for share in shares.get(entry.charge_id, ())
        if share.pull_number is not None
    }
    pulls |= share_store.share_again(connection, account_id, changes, now_ms, sums)
    after = [*new, *(usage for _, usage in updates)]
    # Another copy may name another session or repository: then the earlier one has lost the request.
    requests = [
        *((int(usage.context.repository), usage) for usage in after),
        *((entry.repository_id, entry.charge.usage) for entry in before),
    ]
    session_store.save_sessions(connection, account_id, requests, now_ms)
    repositories = frozenset(repository_id for repository_id, _ in requests)
    return Changes(len(after), repositories, frozenset(pulls))
