"""The ledger in the database: charges, revisions of shares, and what is booked to a pull request."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    FromClause,
    Row,
    and_,
    bindparam,
    delete,
    select,
    update,
)

from attribution.evidence import PENDING, Claim, Evidence, Stage
from attribution.ledger import Charge, Share, share_out
from attribution.usage import RequestKey
from bot.keys import PullKey, RepositoryKey, Sender
from bot.store import months, once
from bot.store import sessions as session_store
from bot.store.charge_ids import first_id_ms, name_hash
from bot.store.database import (
    of_account,
    of_names,
    rows_in,
    rows_named,
    table,
)
from bot.store.day_sums import Changes
from bot.store.inserts import insert_rows, insert_values
from bot.store.sessions import SessionKey
from bot.store.tables import ChargeRow, OriginRow, ReasonRow, RequestName, ShareRow
from bot.store.usage_columns import ORIGIN_COLUMNS, USAGE_COLUMNS, origin_of, usage_of, values_of

charges, origins, names = table(ChargeRow), table(OriginRow), table(RequestName)
shares, reasons = table(ShareRow), table(ReasonRow)


class LedgerEntry(msgspec.Struct, frozen=True):
    """A charge in the ledger: its number there, its repository, its current revision of shares (0: none yet), and who sent what it
    says."""

    charge_id: int
    charge: Charge
    repository_id: int
    revision: int
    sender: Sender


_MONEY = ("list_micros", "cache_saving_micros", "billed_micros")
# Part of the origin.
_PRICING = ("billing_mode", "basis", "price_book", "unpriced")
_ORIGIN = (*ORIGIN_COLUMNS, *_PRICING, "sender", "token_id")
_ENTRY = ("origin_id", *USAGE_COLUMNS, *_MONEY)
_MONEY_OF, _PRICING_OF = attrgetter(*_MONEY), attrgetter(*_PRICING)


def made_by() -> Any:
    """The origin of a charge."""
    return (origins.c.account_id == charges.c.account_id) & (origins.c.origin_id == charges.c.origin_id)


def since(of: FromClause) -> Any:
    """Charges or shares from the number `from_id` on, or all: PostgreSQL looks at no month before. A range of one is none of the
    other for it, whatever they are joined by."""
    return of.c.charge_id >= bindparam("from_id", 0, BigInteger)


def of_charge() -> Any:
    """A share of a charge, of whichever revision."""
    return and_(
        shares.c.account_id == charges.c.account_id,
        shares.c.charge_id == charges.c.charge_id,
        since(shares),
        since(charges),
    )


def current() -> Any:
    """A share of the revision that its charge names."""
    return of_charge() & (shares.c.revision == charges.c.revision)


def because() -> Any:
    """The reason of a share."""
    return (reasons.c.account_id == shares.c.account_id) & (reasons.c.reason_id == shares.c.reason_id)


def is_confirmed() -> Any:
    """Of shares with their reasons, where there are any: those that do not look invented."""
    return reasons.c.evidence.is_(None) | (reasons.c.evidence != Evidence.IMPLAUSIBLE.value)


def charge_columns() -> list[Any]:
    """What `charge_of` reads, of charges with their origins."""
    return [*charges.c, *(column for column in origins.c if column.name not in ("account_id", "origin_id"))]


def share_columns() -> list[Any]:
    """What `share_of` reads, of shares with their reasons and charges."""
    columns = (
        *(shares.c[name] for name in ("charge_id", "revision", "pull_number", "weight", "micros")),
        *(reasons.c[name] for name in ("evidence", "why", "stage")),
        origins.c.tool,
        charges.c.request_id,
    )
    return [column.label(f"share_{column.name}") for column in columns]


_CHARGES = charges.join(origins, made_by())
# Outer joins: what is looked up for each row is there, and no planner begins with it.
CURRENT = shares.join(charges, current()).outerjoin(origins, made_by()).outerjoin(reasons, because())
IN_ORDER = select(*charge_columns()).select_from(_CHARGES).order_by(origins.c.tool, charges.c.request_id)
OF_SESSIONS = and_(
    of_account(origins),
    of_names(origins.c.tool, origins.c.session_id),
    charges.c.repository_id == bindparam("of_repository"),
    since(charges),
)
_CHARGES_OF_SESSIONS = IN_ORDER.where(OF_SESSIONS).with_for_update(of=charges)
_SENDERS = (
    select(origins.c.tool, origins.c.session_id, origins.c.sender)
    .where(of_account(origins), of_names(origins.c.tool, origins.c.session_id))
    .distinct()
)
OF_IDS = charges.c.charge_id.in_(bindparam("ids", expanding=True))
_BY_ID = IN_ORDER.where(of_account(charges), OF_IDS)
_LOCKED_BY_ID = _BY_ID.with_for_update(of=charges)
# Apart from the charges: most hashes of a batch are new, and PostgreSQL, which expects the contrary, would begin with charges.
_NAMED = select(names.c.charge_id).where(of_account(names), names.c.name_hash.in_(bindparam("hashes", expanding=True)))
_CURRENT_SHARES = (
    select(*share_columns()).select_from(CURRENT).where(of_account(charges), OF_IDS).order_by(shares.c.position)
)
OF_CHARGE = and_(of_account(charges), charges.c.charge_id == bindparam("of_charge"))
_CHANGE = update(charges).where(OF_CHARGE)
_DIGESTS = select(names.c.record_digest).where(
    of_account(names), names.c.name_hash.in_(bindparam("hashes", expanding=True)), names.c.record_digest.is_not(None)
)
_OR_NOTE_DIGEST = """
    ON CONFLICT (account_id, name_hash, charge_id) DO UPDATE SET
        record_digest = coalesce(excluded.record_digest, request_name.record_digest)"""
_FORGET_NAME = delete(names).where(
    of_account(names), names.c.name_hash == bindparam("of_hash"), names.c.charge_id == bindparam("of_charge")
)


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


def save_claims(
    connection: Connection,
    key: RepositoryKey,
    claims: Iterable[tuple[LedgerEntry, Claim]],
    now_ms: int,
    sums: Changes,
) -> set[int]:
    """Write a new revision for every request of the repository whose shares differ. Returns the pull requests that it concerns."""
    account_id = key.account_id
    pairs = sorted(claims, key=lambda pair: pair[0].charge_id)
    current = current_shares(connection, account_id, [entry.charge_id for entry, _ in pairs])
    numbers: set[int] = set()
    rows: list[dict[str, Any]] = []
    explanations: list[dict[str, Any]] = []
    revisions: list[dict[str, Any]] = []
    for entry, claim in pairs:
        revision = entry.revision + 1
        before, after = current.get(entry.charge_id, []), share_out(entry.charge, claim, revision)
        if [_content(share) for share in before] == [_content(share) for share in after]:
            continue
        sums.take_away(entry.charge, before)
        sums.add(entry.charge, after)
        numbers |= {share.pull_number for share in (*before, *after) if share.pull_number is not None}
        revisions.append({"of_account": account_id, "of_charge": entry.charge_id, "revision": revision})
        reason = {"evidence": claim.evidence.value, "why": claim.why, "stage": claim.stage.value}
        ids = {"account_id": account_id, "reason_id": once.digest(reason)}
        explanations.append(ids | reason)
        ids |= {"charge_id": entry.charge_id, "repository_id": key.repository_id, "decided_at_ms": now_ms}
        rows += [ids | _share_row(share) | {"position": i} for i, share in enumerate(after)]
    if rows:
        once.save(connection, reasons, explanations)
        insert_rows(connection, shares, rows)
        connection.execute(_CHANGE, revisions)
    return numbers


def senders_of(connection: Connection, account_id: int, sessions: Iterable[SessionKey]) -> dict[SessionKey, set[str]]:
    """Who reported sessions of these names, in any repository."""
    senders: dict[SessionKey, set[str]] = {}
    for row in rows_named(connection, _SENDERS, {"of_account": account_id}, sessions):
        senders.setdefault((row.tool, row.session_id), set()).add(row.sender)
    return senders


def share_again(
    connection: Connection,
    account_id: int,
    changes: Mapping[int, bool],
    now_ms: int,
    sums: Changes,
) -> set[PullKey]:
    """Share out changed charges at once, by their current weights, so that the ledger is always complete.

    `changes` are their numbers; True is one that went to another repository: it is unattributed there. Returns the pull requests
    that it concerns.
    """
    current = current_shares(connection, account_id, changes)
    by_repository: dict[int, list[tuple[LedgerEntry, Claim]]] = {}
    for entry in by_id(connection, account_id, current):
        now = current[entry.charge_id]
        weights = tuple((share.pull_number, share.weight) for share in now)
        claim = PENDING if changes[entry.charge_id] else Claim(weights, now[0].evidence, now[0].why, now[0].stage)
        by_repository.setdefault(entry.repository_id, []).append((entry, claim))
    pulls: set[PullKey] = set()
    for repository_id, claims in sorted(by_repository.items()):
        repository = RepositoryKey(account_id, repository_id)
        numbers = save_claims(connection, repository, claims, now_ms, sums)
        pulls |= {repository.pull(number) for number in numbers}
    return pulls


def by_id(connection: Connection, account_id: int, ids: Collection[int]) -> list[LedgerEntry]:
    """Locks them until the commit."""
    return [_entry(row) for row in rows_in(connection, _LOCKED_BY_ID, {"of_account": account_id}, "ids", ids)]


def named(
    connection: Connection, account_id: int, keys: Iterable[RequestKey], *, lock: bool = False
) -> list[LedgerEntry]:
    """The charges that have one of these ids."""
    wanted = set(keys)
    hashes = {name_hash(key) for key in wanted}
    params = {"of_account": account_id}
    ids = {row.charge_id for row in rows_in(connection, _NAMED, params, "hashes", hashes)}
    entries = map(_entry, rows_in(connection, _LOCKED_BY_ID if lock else _BY_ID, params, "ids", ids))
    return [entry for entry in entries if not wanted.isdisjoint(entry.charge.usage.keys)]


def save_names(
    connection: Connection, account_id: int, by_id: Mapping[int, Charge], digests: Mapping[RequestKey, int]
) -> None:
    """What finds these charges by each of their ids, and the digests of records by these ids."""
    rows = [(account_id, name_hash(key), charge_id, digests.get(key)) for key, charge_id in _names(by_id)]
    insert_values(connection, names, ("account_id", "name_hash", "charge_id", "record_digest"), rows, _OR_NOTE_DIGEST)


def known(connection: Connection, account_id: int, digests: Mapping[int, RequestKey]) -> set[int]:
    """Those digests that are of records all of which is in the ledger: they were merged, and what is merged stays. A charge that
    leaves the account or becomes part of another one is not found by its names any more, and its digests are gone with them."""
    hashes = {name_hash(key) for key in digests.values()}
    rows = rows_in(connection, _DIGESTS, {"of_account": account_id}, "hashes", hashes)
    return digests.keys() & {row.record_digest for row in rows}


def forget_names(connection: Connection, account_id: int, entries: Iterable[LedgerEntry]) -> None:
    by_id = {entry.charge_id: entry.charge for entry in entries}
    params = [
        {"of_account": account_id, "of_hash": name_hash(key), "of_charge": charge_id}
        for key, charge_id in _names(by_id)
    ]
    connection.execute(_FORGET_NAME, params)


def _names(by_id: Mapping[int, Charge]) -> list[tuple[RequestKey, int]]:
    return [(key, charge_id) for charge_id, charge in by_id.items() for key in charge.usage.keys]


def current_shares(connection: Connection, account_id: int, ids: Iterable[int]) -> dict[int, list[Share]]:
    """Of charges that were shared out, in order of position."""
    by_charge: dict[int, list[Share]] = {}
    wanted = set(ids)
    params = {"of_account": account_id, "from_id": min(wanted, default=0)}
    for row in rows_in(connection, _CURRENT_SHARES, params, "ids", wanted):
        by_charge.setdefault(row.share_charge_id, []).append(share_of(row))
    return by_charge


def save_origins(connection: Connection, account_id: int, charges: Iterable[tuple[Charge, Sender]]) -> list[int]:
    """What charges have in common with their neighbours, once. Returns the `origin_id` of each."""
    texts = [
        (*origin_of(charge.usage), *_PRICING_OF(charge), sender.name, sender.token_id) for charge, sender in charges
    ]
    rows = {own: dict(zip(_ORIGIN, own, strict=True)) for own in set(texts)}
    ids = {own: once.digest(row) for own, row in rows.items()}
    once.save(connection, origins, [{"account_id": account_id, "origin_id": ids[own], **rows[own]} for own in rows])
    return [ids[own] for own in texts]


def add(connection: Connection, account_id: int, by_id: Mapping[int, Charge], origin_ids: Iterable[int]) -> None:
    """New charges, and the origin of each."""
    rows = [
        (account_id, charge_id, 0, *_entry_values(charge, origin_id))
        for (charge_id, charge), origin_id in zip(by_id.items(), origin_ids, strict=True)
    ]
    months.make_for(connection, by_id)
    insert_values(connection, charges, ("account_id", "charge_id", "revision", *_ENTRY), rows)


def change(connection: Connection, account_id: int, by_id: Mapping[int, Charge], origin_ids: Iterable[int]) -> None:
    """Charges become these. Their revisions stay."""
    params = [
        {"of_account": account_id, "of_charge": charge_id}
        | dict(zip(_ENTRY, _entry_values(charge, origin_id), strict=True))
        for (charge_id, charge), origin_id in zip(by_id.items(), origin_ids, strict=True)
    ]
    if params:
        connection.execute(_CHANGE, params)


def _entry_values(charge: Charge, origin_id: int) -> tuple[Any, ...]:
    return (origin_id, *values_of(charge.usage), *_MONEY_OF(charge))


def charge_of(row: Any) -> Charge:
    return Charge(usage=usage_of(row), **{name: row._mapping[name] for name in (*_MONEY, *_PRICING)})


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        row.charge_id, charge_of(row), row.repository_id, row.revision, Sender(row.account_id, row.sender, row.token_id)
    )


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


def _share_row(share: Share) -> dict[str, Any]:
    return {name: getattr(share, name) for name in ("revision", "pull_number", "weight", "micros")}


def _content(share: Share) -> tuple[Any, ...]:
    return share.pull_number, share.weight, share.micros, share.evidence, share.why, share.stage
