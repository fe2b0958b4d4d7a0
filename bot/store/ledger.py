"""The ledger in the database: charges, revisions of shares, and what is booked to a pull request."""

from collections.abc import Container, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, func, select, update

from attribution.evidence import PENDING, Claim, Evidence, Stage
from attribution.ledger import Charge, Share, share_out
from attribution.money import Micros
from attribution.usage import RequestKey
from bot.keys import PullKey, RepositoryKey
from bot.store.database import Database, of_account, of_names, of_repository, rows_named, table
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


_IN_ORDER = select(charges).order_by(charges.c.tool, charges.c.request_id)
_OF_SESSIONS = of_repository(charges) & of_names(charges.c.tool, charges.c.session_id)
_CHARGES_OF_SESSIONS = _IN_ORDER.where(_OF_SESSIONS).with_for_update()
_SESSION_TOTALS = (
    select(
        charges.c.tool,
        charges.c.session_id,
        func.coalesce(func.sum(charges.c.list_micros), 0).label("micros"),
    )
    .where(_OF_SESSIONS)
    .group_by(charges.c.tool, charges.c.session_id)
)
_ENTRIES = _IN_ORDER.where(of_account(charges), of_names(charges.c.tool, charges.c.request_id))
_LOCKED_ENTRIES = _ENTRIES.with_for_update()
_CURRENT_SHARES = (
    select(*share_columns())
    .join(charges, current())
    .where(of_account(shares), of_names(shares.c.tool, shares.c.request_id))
    .order_by(shares.c.position)
)
_BOOKED = (
    select(charges, *share_columns())
    .join(shares, current())
    .where(of_repository(shares), shares.c.pull_number == bindparam("of_number"))
)
OF_REQUEST = and_(
    of_account(charges), charges.c.tool == bindparam("of_tool"), charges.c.request_id == bindparam("of_request")
)
CHANGE = update(charges).where(OF_REQUEST)


def charges_of(
    connection: Connection, key: RepositoryKey, sessions: Sequence[SessionKey]
) -> dict[SessionKey, list[LedgerEntry]]:
    """What the requests of these sessions in one repository cost. Locks them until the commit."""
    entries: dict[SessionKey, list[LedgerEntry]] = {session: [] for session in sessions}
    for row in rows_named(connection, _CHARGES_OF_SESSIONS, key.params, sessions):
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
        revisions.append(request_params(account_id, request) | {"revision": revision, "changed_at_ms": now_ms})
        rows += [_share_row(account_id, key.repository_id, i, share, now_ms) for i, share in enumerate(after)]
    if rows:
        connection.execute(database.insert(shares), rows)
        connection.execute(CHANGE, revisions)
    return numbers


def booked_to(connection: Connection, key: PullKey) -> list[tuple[Charge, Share]]:
    """Every current share that a pull request bears, with its charge."""
    return [(charge_of(row), share_of(row)) for row in connection.execute(_BOOKED, key.params)]


def session_totals(
    connection: Connection, key: RepositoryKey, sessions: Iterable[SessionKey]
) -> dict[SessionKey, Micros]:
    """What whole sessions cost in a repository, at list price, as far as priced."""
    rows = rows_named(connection, _SESSION_TOTALS, key.params, sessions)
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
    rows = rows_named(connection, _LOCKED_ENTRIES if lock else _ENTRIES, {"of_account": account_id}, keys)
    return {RequestKey(row.tool, row.request_id): _entry(row) for row in rows}


def _current_shares(
    connection: Connection, account_id: int, keys: Iterable[RequestKey]
) -> dict[RequestKey, list[Share]]:
    by_request: dict[RequestKey, list[Share]] = {}
    for row in rows_named(connection, _CURRENT_SHARES, {"of_account": account_id}, keys):
        by_request.setdefault(RequestKey(row.share_tool, row.share_request_id), []).append(share_of(row))
    return by_request


def request_params(account_id: int, key: RequestKey) -> dict[str, Any]:
    """For statements with `OF_REQUEST`."""
    return {"of_account": account_id, "of_tool": key.tool, "of_request": key.request_id}


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
