"""The ledger in the database: charges, revisions of shares, and what is booked to a pull request."""

from collections.abc import Container, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select, update

from attribution.evidence import PENDING, Claim, Evidence, Stage
from attribution.ledger import Charge, Share, share_out
from attribution.money import Micros
from attribution.usage import RequestKey
from bot.keys import PullKey, RepositoryKey
from bot.store.database import Database, table
from bot.store.sessions import SessionKey
from bot.store.tables import ChargeRow, ShareRow
from bot.store.usage_columns import columns_of, usage_of

charges, shares = table(ChargeRow), table(ShareRow)


class LedgerEntry(msgspec.Struct, frozen=True):
    """A charge in the ledger: its repository, and its current revision of shares (0: none yet)."""

    charge: Charge
    repository_id: int
    revision: int


_MONEY = ("list_micros", "cache_saving_micros", "billed_micros", "billing_mode", "basis", "price_book", "unpriced")


def current() -> Any:
    """A share of the revision that its charge names."""
    same = (shares.c.account_id == charges.c.account_id) & (shares.c.tool == charges.c.tool)
    return same & (shares.c.request_id == charges.c.request_id) & (shares.c.revision == charges.c.revision)


def share_columns() -> list[Any]:
    return [column.label(f"share_{column.name}") for column in shares.c]


def charges_of(
    connection: Connection, key: RepositoryKey, sessions: Sequence[SessionKey]
) -> dict[SessionKey, list[LedgerEntry]]:
    """What the requests of these sessions in one repository cost. Locks them until the commit."""
    mine = (charges.c.account_id == key.account_id) & (charges.c.repository_id == key.repository_id)
    query = select(charges).where(mine).order_by(charges.c.tool, charges.c.request_id).with_for_update()
    entries: dict[SessionKey, list[LedgerEntry]] = {session: [] for session in sessions}
    for row in chunked(connection, query, (charges.c.tool, charges.c.session_id), sessions):
        entries[row.tool, row.session_id].append(_entry(row))
    return entries


def save_claims(
    database: Database,
    connection: Connection,
    key: RepositoryKey,
    claims: Iterable[tuple[LedgerEntry, Claim]],
    now_ms: int,
) -> set[int]:
    """Write a new revision for every request of the repository whose shares differ. Returns the pull requests that it concerns."""
    account_id = key.account_id
    pairs = sorted(claims, key=lambda pair: pair[0].charge.key)
    current = _current_shares(connection, account_id, [entry.charge.key for entry, _ in pairs])
    numbers: set[int] = set()
    rows: list[dict[str, Any]] = []
    revisions: list[dict[str, Any]] = []
    for entry, claim in pairs:
        request, revision = entry.charge.key, entry.revision + 1
        before, after = current.get(request, []), share_out(entry.charge, claim, revision)
        if [_content(share) for share in before] == [_content(share) for share in after]:
            continue
        numbers |= {share.pull_number for share in (*before, *after) if share.pull_number is not None}
        revisions.append(
            {"of_tool": request[0], "of_request": request[1], "revision": revision, "changed_at_ms": now_ms}
        )
        rows += [_share_row(account_id, key.repository_id, i, share, now_ms) for i, share in enumerate(after)]
    if rows:
        connection.execute(database.insert(shares), rows)
        mine = (charges.c.account_id == account_id) & (charges.c.tool == bindparam("of_tool"))
        connection.execute(update(charges).where(mine, charges.c.request_id == bindparam("of_request")), revisions)
    return numbers


def booked_to(connection: Connection, key: PullKey) -> list[tuple[Charge, Share]]:
    """Every current share that a pull request bears, with its charge."""
    query = select(charges, *share_columns()).join(shares, current())
    mine = (shares.c.account_id == key.account_id) & (shares.c.repository_id == key.repository_id)
    rows = connection.execute(query.where(mine, shares.c.pull_number == key.number))
    return [(charge_of(row), share_of(row)) for row in rows]


def session_totals(
    connection: Connection, key: RepositoryKey, sessions: Iterable[SessionKey]
) -> dict[SessionKey, Micros]:
    """What whole sessions cost in a repository, at list price, as far as priced."""
    mine = (charges.c.account_id == key.account_id) & (charges.c.repository_id == key.repository_id)
    total = func.coalesce(func.sum(charges.c.list_micros), 0).label("micros")
    query = (
        select(charges.c.tool, charges.c.session_id, total).where(mine).group_by(charges.c.tool, charges.c.session_id)
    )
    rows = chunked(connection, query, (charges.c.tool, charges.c.session_id), sorted(set(sessions)))
    return {(row.tool, row.session_id): int(row.micros) for row in rows}


def share_again(
    database: Database,
    connection: Connection,
    account_id: int,
    keys: Sequence[RequestKey],
    departures: Container[RequestKey],
    now_ms: int,
) -> set[PullKey]:
    """Share out changed charges at once, by their current weights, so that the ledger is always complete.

    `departures` are those that went to another repository: they are unattributed there. Returns the pull requests that it
    concerns.
    """
    current = _current_shares(connection, account_id, keys)
    entries = by_key(connection, account_id, current, lock=True)
    by_repository: dict[int, list[tuple[LedgerEntry, Claim]]] = {}
    for key, now in current.items():
        weights = tuple((share.pull_number, share.weight) for share in now)
        claim = PENDING if key in departures else Claim(weights, now[0].evidence, now[0].why, now[0].stage)
        by_repository.setdefault(entries[key].repository_id, []).append((entries[key], claim))
    pulls: set[PullKey] = set()
    for repository_id, claims in sorted(by_repository.items()):
        repository = RepositoryKey(account_id, repository_id)
        pulls |= {repository.pull(number) for number in save_claims(database, connection, repository, claims, now_ms)}
    return pulls


def by_key(
    connection: Connection, account_id: int, keys: Iterable[RequestKey], *, lock: bool = False
) -> dict[RequestKey, LedgerEntry]:
    query = select(charges).where(charges.c.account_id == account_id).order_by(charges.c.tool, charges.c.request_id)
    query = query.with_for_update() if lock else query
    rows = chunked(connection, query, (charges.c.tool, charges.c.request_id), sorted(set(keys)))
    return {RequestKey(row.tool, row.request_id): _entry(row) for row in rows}


def _current_shares(
    connection: Connection, account_id: int, keys: Iterable[RequestKey]
) -> dict[RequestKey, list[Share]]:
    query = select(*share_columns()).join(charges, current()).where(shares.c.account_id == account_id)
    by_request: dict[RequestKey, list[Share]] = {}
    in_order = query.order_by(shares.c.position)
    for row in chunked(connection, in_order, (shares.c.tool, shares.c.request_id), sorted(set(keys))):
        by_request.setdefault(RequestKey(row.share_tool, row.share_request_id), []).append(share_of(row))
    return by_request


def chunked(
    connection: Connection, query: Any, columns: tuple[Any, Any], keys: Sequence[tuple[str, str]]
) -> Iterable[Row[Any]]:
    """Run a query for many keys, a few hundred at a time: databases bound the number of parameters. One tool after the other, since
    SQLite looks up pairs in an index by their first part alone."""
    tool, name = columns
    for own_tool, own_keys in groupby(sorted(keys), key=itemgetter(0)):
        names = [own_name for _, own_name in own_keys]
        for start in range(0, len(names), 400):
            yield from connection.execute(query.where(tool == own_tool, name.in_(names[start : start + 400])))


def is_charge(account_id: int, key: RequestKey) -> Any:
    mine = charges.c.account_id == account_id
    return mine & (charges.c.tool == key[0]) & (charges.c.request_id == key[1])


def charge_row(account_id: int, charge: Charge, now_ms: int) -> dict[str, Any]:
    """The row of a charge, without its revision."""
    row = columns_of(charge.usage) | {name: getattr(charge, name) for name in _MONEY}
    return row | {"account_id": account_id, "changed_at_ms": now_ms}


def charge_of(row: Row[Any]) -> Charge:
    return Charge(usage=usage_of(row), **{name: row._mapping[name] for name in _MONEY})


def _entry(row: Row[Any]) -> LedgerEntry:
    return LedgerEntry(charge_of(row), row.repository_id, row.revision)


def share_of(row: Any) -> Share:
    return Share(
        tool=row.share_tool,
        request_id=row.share_request_id,
        revision=row.share_revision,
        pull_number=row.share_pull_number,
        weight=row.share_weight,
        micros=row.share_micros,
        evidence=Evidence(row.share_evidence),
        why=row.share_why,
        stage=Stage(row.share_stage),
    )


def _share_row(account_id: int, repository_id: int, position: int, share: Share, now_ms: int) -> dict[str, Any]:
    row = msgspec.to_builtins(share) | {"account_id": account_id, "repository_id": repository_id}
    return row | {"position": position, "decided_at_ms": now_ms}


def _content(share: Share) -> tuple[Any, ...]:
    return share.pull_number, share.weight, share.micros, share.evidence, share.why, share.stage
