"""Who bears charges, in the database: revisions of shares, the newest of which a charge names."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, insert, literal, select, update

from attribution.evidence import PENDING, Claim
from attribution.ledger import Share, share_out
from bot.clock import MINUTE_MS
from bot.keys import PullKey, RepositoryKey
from bot.store import ledger, once
from bot.store.database import of_account
from bot.store.day_sums import Changes
from bot.store.inserts import insert_rows
from bot.store.ledger import LedgerEntry
from bot.store.ledger_tables import (
    CURRENT,
    OF_IDS,
    charges,
    reasons,
    rows_of_ids,
    share_columns,
    share_of,
    shares,
)

_CURRENT = (
    select(*share_columns())
    .select_from(CURRENT)
    .where(of_account(charges), OF_IDS, charges.c.revision > 0)
    .order_by(shares.c.position)
)
_WHOLE = and_(of_account(charges), OF_IDS, charges.c.reason_id != 0)
_WRITE_OUT = insert(shares).from_select(
    ["account_id", "charge_id", "revision", "position", "reason_id", "micros", "decided_at_minute"],
    select(
        *(charges.c[name] for name in ("account_id", "charge_id", "revision")),
        literal(0),
        *(charges.c[name] for name in ("reason_id", "list_micros", "decided_at_minute")),
    ).where(_WHOLE),
)
_NOT_WHOLE = update(charges).where(_WHOLE).values(reason_id=0)
_DECIDE = (
    update(charges)
    .where(of_account(charges), OF_IDS)
    .values({name: bindparam(f"new_{name}") for name in ("revision", "reason_id", "decided_at_minute")})
)


def current_shares(connection: Connection, account_id: int, ids: Iterable[int]) -> dict[int, list[Share]]:
    """Of charges that were shared out, in order of position."""
    by_charge: dict[int, list[Share]] = {}
    for row in rows_of_ids(connection, _CURRENT, account_id, ids):
        by_charge.setdefault(row.share_charge_id, []).append(share_of(row))
    return by_charge


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
    before_by_id = current_shares(connection, account_id, [entry.charge_id for entry, _ in pairs if entry.revision])
    numbers: set[int] = set()
    new = _NewShares(key, now_ms)
    for entry, claim in pairs:
        before = before_by_id.get(entry.charge_id, [])
        after = share_out(entry.charge, claim, entry.revision + 1)
        if [_content(share) for share in before] == [_content(share) for share in after]:
            continue
        sums.take_away(entry.charge, before)
        sums.add(entry.charge, after)
        numbers |= {share.pull_number for share in (*before, *after) if share.pull_number is not None}
        new.add(entry, after)
    new.save(connection)
    return numbers


class _NewShares:
    """New revisions of shares of a repository's charges."""

    def __init__(self, key: RepositoryKey, now_ms: int) -> None:
        self._key = key
        self._minute = now_ms // MINUTE_MS
        self._reasons: dict[int, dict[str, Any]] = {}
        # By number of the revision, and of the reason of its one share. Neighbours have the same.
        self._charges: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        self._parts: list[dict[str, Any]] = []
        self._before: list[int] = []

    def add(self, entry: LedgerEntry, after: Sequence[Share]) -> None:
        reason_ids = [self._reason_id(share) for share in after]
        is_whole = len(after) == 1
        revision = after[0].revision
        self._charges[revision, reason_ids[0] if is_whole else 0].append(entry.charge_id)
        if entry.revision:
            self._before.append(entry.charge_id)
        if not is_whole:
            ids = {
                "account_id": self._key.account_id, "charge_id": entry.charge_id,
                "revision": revision, "decided_at_minute": self._minute,
            }  # fmt: skip
            self._parts += [
                ids | {"position": i, "reason_id": reason_id, "micros": share.micros}
                for i, (share, reason_id) in enumerate(zip(after, reason_ids, strict=True))
            ]

    def save(self, connection: Connection) -> None:
        if self._charges:
            _write_out(connection, self._key.account_id, self._before)
            once.save(connection, reasons, self._reasons.values())
            insert_rows(connection, shares, self._parts)
        for (revision, reason_id), ids in self._charges.items():
            values = {"new_revision": revision, "new_reason_id": reason_id, "new_decided_at_minute": self._minute}
            connection.execute(_DECIDE, _params(self._key.account_id, ids) | values)

    def _reason_id(self, share: Share) -> int:
        reason = {
            "repository_id": self._key.repository_id, "pull_number": share.pull_number, "weight": share.weight,
            "evidence": share.evidence.value, "why": share.why, "stage": share.stage.value,
        }  # fmt: skip
        reason_id = once.digest(reason)
        self._reasons[reason_id] = {"account_id": self._key.account_id, "reason_id": reason_id} | reason
        return reason_id


def write_out(connection: Connection, account_id: int, ids: Collection[int]) -> None:
    """Give the current shares of these charges rows of their own, before an amount changes or a charge goes."""
    _write_out(connection, account_id, ids)
    if ids:
        connection.execute(_NOT_WHOLE, _params(account_id, ids))


def _write_out(connection: Connection, account_id: int, ids: Collection[int]) -> None:
    if ids:
        connection.execute(_WRITE_OUT, _params(account_id, ids))


def _params(account_id: int, ids: Collection[int]) -> dict[str, Any]:
    return {"of_account": account_id, "from_id": min(ids), "ids": list(ids)}


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
    for entry in ledger.by_id(connection, account_id, current):
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


def _content(share: Share) -> tuple[Any, ...]:
    return share.pull_number, share.weight, share.micros, share.evidence, share.why, share.stage
