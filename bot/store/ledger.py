"""The ledger in the database: usage in, sessions to place, revisions of shares, and what is booked to a pull request."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select, tuple_, update

from attribution.evidence import PENDING, Claim, Evidence, Stage
from attribution.ledger import Charge, Share, share_out
from attribution.ledger import charge as price_charge
from attribution.money import Micros
from attribution.usage import CommitMade, PullSeen, Usage, merge
from bot.clock import from_ms, to_ms
from bot.keys import PullKey, RepositoryKey
from bot.store import sessions as session_store
from bot.store.database import Database, table
from bot.store.sessions import SessionKey
from bot.store.tables import ChargeRow, ShareRow

charges, shares = table(ChargeRow), table(ShareRow)


class _Facts(msgspec.Struct, omit_defaults=True):
    edited_files: tuple[str, ...] = ()
    commits_made: tuple[CommitMade, ...] = ()
    commits_after: tuple[CommitMade, ...] = ()
    pulls_seen: tuple[PullSeen, ...] = ()


class Held(msgspec.Struct, frozen=True):
    """A charge as the ledger holds it: for which repository, and with which revision of shares (0: none yet)."""

    charge: Charge
    repository_id: int
    revision: int


_PLAIN = (
    "tool", "request_id", "session_id", "agent_id", "model", "uncached_input_tokens", "cache_read_tokens",
    "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens", "tokens_known", "is_sum",
    "reported_micros", "credits_micros", "provider", "web_search_requests", "speed", "service_tier", "inference_geo",
    "branch", "commit", "author", "ci_ref",
)  # fmt: skip
_MONEY = ("list_micros", "cache_saving_micros", "billed_micros", "billing_mode", "basis", "price_book", "unpriced")


def save_usage(
    database: Database,
    connection: Connection,
    account_id: int,
    by_repository: Mapping[int, Sequence[Usage]],
    now_ms: int,
) -> int:
    """Add requests to the ledger; what is already there is merged. Returns how many rows changed, and marks their sessions."""
    changed: list[tuple[int, Usage]] = []
    wanted = sorted(
        ((repo, one) for repo, usages in by_repository.items() for one in usages), key=lambda pair: pair[1].key
    )
    before = _by_key(connection, account_id, [one.key for _, one in wanted])
    new = {one.key: (repo, one) for repo, one in wanted if one.key not in before}
    if new:
        rows = [_row(account_id, repo, price_charge(one), now_ms) | {"revision": 0} for repo, one in new.values()]
        connection.execute(database.insert(charges).on_conflict_do_nothing(), rows)
        changed += new.values()
    held = _by_key(connection, account_id, [one.key for _, one in wanted], lock=True)
    for repo, one in wanted:
        merged = merge(usage := held[one.key].charge.usage, one)
        if merged != usage:
            row = _row(account_id, held[one.key].repository_id, price_charge(merged), now_ms)
            connection.execute(update(charges).where(_is(account_id, one.key)).values(row))
            # A copy of the log may name another session: the one that it was taken for loses the request.
            changed += [(repo, merged), (repo, usage)] if merged.session_id != usage.session_id else [(repo, merged)]
    _share_again(database, connection, account_id, [one.key for _, one in changed if one.key in before], now_ms)
    session_store.save_sessions(database, connection, account_id, changed)
    return len({one.key for _, one in changed})


def charges_of(
    connection: Connection, key: RepositoryKey, sessions: Sequence[SessionKey]
) -> dict[SessionKey, list[Held]]:
    """What the requests of these sessions in one repository cost. Locks them until the commit."""
    mine = (charges.c.account_id == key.account_id) & (charges.c.repository_id == key.repository_id)
    query = select(charges).where(mine).order_by(charges.c.tool, charges.c.request_id).with_for_update()
    found: dict[SessionKey, list[Held]] = {one: [] for one in sessions}
    for row in _chunked(connection, query, (charges.c.tool, charges.c.session_id), sessions):
        found[row.tool, row.session_id].append(_held(row))
    return found


def save_claims(
    database: Database,
    connection: Connection,
    key: RepositoryKey,
    claims: Iterable[tuple[Held, Claim]],
    now_ms: int,
) -> set[int]:
    """Write a new revision for every request of the repository whose shares differ. Returns the pull requests that it concerns."""
    account_id = key.account_id
    pairs = sorted(claims, key=lambda pair: pair[0].charge.key)
    current = _current_shares(connection, account_id, [held.charge.key for held, _ in pairs])
    numbers: set[int] = set()
    rows: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for held, claim in pairs:
        request, revision = held.charge.key, held.revision + 1
        before, after = current.get(request, []), share_out(held.charge, claim, revision)
        if [_content(share) for share in before] == [_content(share) for share in after]:
            continue
        numbers |= {share.pull_number for share in (*before, *after) if share.pull_number is not None}
        moved.append({"of_tool": request[0], "of_request": request[1], "revision": revision})
        rows += [_share_row(account_id, key.repository_id, i, share, now_ms) for i, share in enumerate(after)]
    if rows:
        connection.execute(database.insert(shares), rows)
        mine = (charges.c.account_id == account_id) & (charges.c.tool == bindparam("of_tool"))
        connection.execute(update(charges).where(mine, charges.c.request_id == bindparam("of_request")), moved)
    return numbers


def booked_to(connection: Connection, key: PullKey) -> list[tuple[Charge, Share]]:
    """Every current share that a pull request bears, with its charge."""
    query = select(charges, *_share_columns()).join(shares, current())
    mine = (shares.c.account_id == key.account_id) & (shares.c.repository_id == key.repository_id)
    rows = connection.execute(query.where(mine, shares.c.pull_number == key.number))
    return [(_charge(row), _share(row)) for row in rows]


def session_totals(
    connection: Connection, key: RepositoryKey, sessions: Iterable[SessionKey]
) -> dict[SessionKey, Micros]:
    """What whole sessions cost in a repository, at list price, as far as priced."""
    mine = (charges.c.account_id == key.account_id) & (charges.c.repository_id == key.repository_id)
    total = func.coalesce(func.sum(charges.c.list_micros), 0).label("micros")
    query = (
        select(charges.c.tool, charges.c.session_id, total).where(mine).group_by(charges.c.tool, charges.c.session_id)
    )
    rows = _chunked(connection, query, (charges.c.tool, charges.c.session_id), sorted(set(sessions)))
    return {(row.tool, row.session_id): int(row.micros) for row in rows}


def everything(connection: Connection, account_id: int) -> tuple[list[Charge], list[Share]]:
    """The whole ledger of an installation with its current shares, for `ledger.check`. What no rule has seen is unattributed."""
    mine = charges.c.account_id == account_id
    held = [_charge(row) for row in connection.execute(select(charges).where(mine))]
    query = select(*_share_columns()).join(charges, current()).where(mine)
    placed = [_share(row) for row in connection.execute(query)]
    keys = {share.charge_key for share in placed}
    return held, placed + [share for one in held if one.key not in keys for share in share_out(one, PENDING, 0)]


def history(connection: Connection, account_id: int, tool: str, request_id: str) -> list[Share]:
    """Every share that a request ever had, oldest revision first."""
    mine = (shares.c.account_id == account_id) & (shares.c.tool == tool) & (shares.c.request_id == request_id)
    query = select(*_share_columns()).where(mine).order_by(shares.c.revision, shares.c.position)
    return [_share(row) for row in connection.execute(query)]


def _share_again(
    database: Database, connection: Connection, account_id: int, keys: Sequence[tuple[str, str]], now_ms: int
) -> None:
    """A charge that grew is shared out anew at once, as it was, so that the ledger is complete at every moment."""
    current = _current_shares(connection, account_id, keys)
    held = _by_key(connection, account_id, current, lock=True)
    by_repository: dict[int, list[tuple[Held, Claim]]] = {}
    for key, now in current.items():
        weights = tuple((share.pull_number, share.weight) for share in now)
        claim = Claim(weights, now[0].evidence, now[0].why, now[0].stage)
        by_repository.setdefault(held[key].repository_id, []).append((held[key], claim))
    for repository_id, claims in sorted(by_repository.items()):
        save_claims(database, connection, RepositoryKey(account_id, repository_id), claims, now_ms)


def _by_key(
    connection: Connection, account_id: int, keys: Iterable[tuple[str, str]], *, lock: bool = False
) -> dict[tuple[str, str], Held]:
    query = select(charges).where(charges.c.account_id == account_id).order_by(charges.c.tool, charges.c.request_id)
    query = query.with_for_update() if lock else query
    rows = _chunked(connection, query, (charges.c.tool, charges.c.request_id), sorted(set(keys)))
    return {(row.tool, row.request_id): _held(row) for row in rows}


def _current_shares(
    connection: Connection, account_id: int, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[Share]]:
    query = select(*_share_columns()).join(charges, current()).where(shares.c.account_id == account_id)
    found: dict[tuple[str, str], list[Share]] = {}
    ordered = query.order_by(shares.c.position)
    for row in _chunked(connection, ordered, (shares.c.tool, shares.c.request_id), sorted(set(keys))):
        found.setdefault((row.share_tool, row.share_request_id), []).append(_share(row))
    return found


def _chunked(
    connection: Connection, query: Any, columns: tuple[Any, Any], keys: Sequence[tuple[str, str]]
) -> Iterable[Row[Any]]:
    """Run a query for many keys, a few hundred at a time: databases bound the number of parameters."""
    for start in range(0, len(keys), 400):
        yield from connection.execute(query.where(tuple_(*columns).in_(keys[start : start + 400])))


def _is(account_id: int, key: tuple[str, str]) -> Any:
    mine = charges.c.account_id == account_id
    return mine & (charges.c.tool == key[0]) & (charges.c.request_id == key[1])


def current() -> Any:
    """A share of the revision that its charge names."""
    same = (shares.c.account_id == charges.c.account_id) & (shares.c.tool == charges.c.tool)
    return same & (shares.c.request_id == charges.c.request_id) & (shares.c.revision == charges.c.revision)


def _share_columns() -> list[Any]:
    return [column.label(f"share_{column.name}") for column in shares.c]


def _row(account_id: int, repository_id: int, charge: Charge, now_ms: int) -> dict[str, Any]:
    usage = charge.usage
    facts = _Facts(usage.edited_files, usage.commits_made, usage.commits_after, usage.pulls_seen)
    row = {name: getattr(usage, name) for name in _PLAIN} | {name: getattr(charge, name) for name in _MONEY}
    row |= {"account_id": account_id, "repository_id": repository_id, "at_ms": to_ms(usage.at)}
    return row | {"facts": msgspec.json.encode(facts).decode(), "received_at_ms": now_ms}


def _usage(row: Row[Any]) -> Usage:
    facts = msgspec.json.decode(row.facts, type=_Facts)
    plain = {name: row._mapping[name] for name in _PLAIN}
    return Usage(**plain, at=from_ms(row.at_ms), **msgspec.structs.asdict(facts))


def _charge(row: Row[Any]) -> Charge:
    return Charge(usage=_usage(row), **{name: row._mapping[name] for name in _MONEY})


def _held(row: Row[Any]) -> Held:
    return Held(_charge(row), row.repository_id, row.revision)


def _share(row: Any) -> Share:
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
