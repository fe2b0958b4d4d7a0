"""The queue of work in the database: one row a piece of work, which coalesces; leases and fencing tokens make crashes harmless.

An event only adds one to `request_count`. A worker claims the row, does the work for the present state and writes the
`request_count` of its claim into `done_count`; if more was requested meanwhile, the row is due again. PostgreSQL hands rows out
with SKIP LOCKED; on SQLite a write transaction is alone anyway.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec
from sqlalchemy import ColumnElement, Connection, FromClause, and_, bindparam, case, func, or_, select, text, update

from bot.keys import RepositoryKey
from bot.store.database import Database, at_end, table
from bot.store.tables import Account, Job
from bot.work.claim_sql import CLAIM_ON_POSTGRESQL, CLAIM_ON_SQLITE
from bot.work.kinds import WRITERS, Kind, Lease, Work

jobs, accounts = table(Job), table(Account)

# After a crash, what a replica had waits for so long: it renews them several times in this time.
LEASE_MS = 15_000
MAX_ATTEMPTS = 10
_FIRST_RETRY_MS = 5_000
LONGEST_RETRY_MS = 15 * 60_000


# Written out because it runs for every webhook: building it anew would cost several times what the database does.
_REQUEST = """
    INSERT INTO job (account_id, kind, repository_id, number, request_count, done_count, run_at_ms, lease_until_ms, token, attempts,
                     last_error)
    VALUES ({value}, {value}, {value}, {value}, {value}, 0, {value}, 0, 0, 0, '')
    ON CONFLICT (account_id, kind, repository_id, number) DO UPDATE SET
        request_count = job.request_count + excluded.request_count,
        run_at_ms = CASE WHEN job.done_count >= job.request_count THEN excluded.run_at_ms
                         ELSE {least}(job.run_at_ms, excluded.run_at_ms) END"""
_REQUEST_ON_SQLITE = _REQUEST.format(least="min", value="?")
_REQUEST_ON_POSTGRESQL = _REQUEST.format(least="least", value="%s")


def request(connection: Connection, work: Iterable[Work], run_at_ms: int) -> None:
    """Ask for work at the end of the transaction, each piece once."""
    request_counts(connection, dict.fromkeys(work, 1), run_at_ms)


def request_counts(connection: Connection, work: Mapping[Work, int], run_at_ms: int) -> None:
    """Ask for work at the end of the transaction, each piece so many times."""
    if work:
        at_end(connection, _write, [(*_key(piece), count, run_at_ms) for piece, count in work.items()])


def _write(connection: Connection, rows: list[tuple[object, ...]]) -> None:
    """In order of key, so that concurrent writers cannot deadlock."""
    is_postgresql = connection.dialect.name == "postgresql"
    connection.exec_driver_sql(_REQUEST_ON_POSTGRESQL if is_postgresql else _REQUEST_ON_SQLITE, sorted(rows))


_IS_DUE = text(
    "SELECT 1 FROM job WHERE done_count < request_count AND run_at_ms <= :now AND lease_until_ms <= :now LIMIT 1"
)


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one claim may take: `few` pieces of an account; nothing of accounts that are `busy`; no writers of those that are
    `writing`; a writer so long before its turn."""

    few: int = 1000
    busy: Collection[int] = ()
    writing: Collection[int] = ()
    lead_ms: int = 0


_ALL = Share()


def claim(database: Database, now_ms: int, limit: int, share: Share = _ALL) -> list[Lease]:
    """Take due work, at most `limit` pieces, none of an account that GitHub limits just now, and no writer before it may write.
    The work of an account that has no installation now waits until it has one again."""
    with database.read() as connection:  # whoever finds nothing takes no lock
        if connection.execute(_IS_DUE, {"now": now_ms}).first() is None:
            return []
    parameters = {
        "until": now_ms + LEASE_MS,
        "now": now_ms,
        "turn": now_ms + share.lead_ms,
        "limit": limit,
        "few": share.few,
        "busy": _ids(database, share.busy),
        "writing": _ids(database, share.writing),
    }
    with database.write() as connection:
        rows = connection.execute(CLAIM_ON_POSTGRESQL if database.is_postgresql else CLAIM_ON_SQLITE, parameters)
        return [_lease(*row, now_ms) for row in rows]


def _ids(database: Database, ids: Collection[int]) -> list[int] | str:
    """One parameter, however many there are, so that the statement is prepared once."""
    return sorted(ids) if database.is_postgresql else msgspec.json.encode(sorted(ids)).decode()


def _lease(kind: str, *numbers: int) -> Lease:
    account_id, repository_id, number, request_count, token, attempts, claimed_at_ms = numbers
    work = Work(Kind(kind), account_id, repository_id, number)
    return Lease(work, request_count, token, attempts, claimed_at_ms)


def _of_work(of: FromClause) -> ColumnElement[bool]:
    ids = ("account", of.c.account_id), ("kind", of.c.kind), ("repository", of.c.repository_id), ("number", of.c.number)
    return and_(*(column == bindparam(f"of_{name}") for name, column in ids))


_OF_WORK = _of_work(jobs)
_TOKEN = select(jobs.c.token).where(_OF_WORK).with_for_update()
_OURS = update(jobs).where(_OF_WORK, jobs.c.token == bindparam("of_token"))
_free = jobs.alias()
_FREE_TOKEN = select(_free.c.token).where(_of_work(_free)).with_for_update(skip_locked=True).scalar_subquery()
_RENEW = _OURS.where(jobs.c.token == _FREE_TOKEN).values(lease_until_ms=bindparam("until_ms"))


def is_ours(connection: Connection, lease: Lease) -> bool:
    """False once another worker has taken the row over: then nothing of ours may be written. Locks the row until the commit."""
    return connection.execute(_TOKEN, _params(lease.work)).scalar_one_or_none() == lease.token


def renew(database: Database, lease: Lease, now_ms: int) -> bool:
    """Extend the lease, unless it was claimed just now. False if it is lost."""
    if now_ms < lease.claimed_at_ms + LEASE_MS // 4:
        return True
    return _change(database, lease, lease_until_ms=now_ms + LEASE_MS)


def renew_all(database: Database, leases: Collection[Lease], now_ms: int) -> None:
    """Extend all of these leases that are not lost. A row that a transaction has just now waits for the next time: this waits for
    nobody."""
    if leases:
        with database.write() as connection:
            connection.execute(_RENEW, [_ours(lease) | {"until_ms": now_ms + LEASE_MS} for lease in leases])


def finish(database: Database, lease: Lease) -> bool:
    """Done, for the `request_count` of the claim; anything requested since is due again."""
    with database.write() as connection:
        return finish_in(connection, lease)


def finish_in(connection: Connection, lease: Lease) -> bool:
    """`finish` in the transaction that stores what was done. False if the lease is lost."""
    values = {"done_count": lease.request_count, "lease_until_ms": 0, "attempts": 0, "last_error": ""}
    return connection.execute(_OURS.values(**values), _ours(lease)).rowcount == 1


def postpone(database: Database, lease: Lease, run_at_ms: int) -> bool:
    """Not now, but not a failure: try at that time."""
    return _change(database, lease, run_at_ms=run_at_ms, lease_until_ms=0, attempts=max(lease.attempts - 1, 0))


def fail(database: Database, lease: Lease, error: str, now_ms: int) -> bool:
    """Try again later, each time after a longer pause, for as long as it takes: what is wanted is not given up."""
    pause_ms = min(_FIRST_RETRY_MS * 2 ** min(lease.attempts - 1, MAX_ATTEMPTS), LONGEST_RETRY_MS)
    return _change(database, lease, run_at_ms=now_ms + pause_ms, lease_until_ms=0, last_error=error)


def refuse(database: Database, lease: Lease, error: str, now_ms: int) -> bool:
    """For an error that will not go away by itself, though GitHub may be wrong for a while. After MAX_ATTEMPTS the piece ends and
    its row says why, until it is requested anew. True where it has ended."""
    if lease.attempts < MAX_ATTEMPTS:
        fail(database, lease, error, now_ms)
        return False
    values = {"done_count": lease.request_count, "run_at_ms": now_ms, "lease_until_ms": 0, "attempts": 0}
    return _change(database, lease, **values, last_error=error)


# The condition as in the index `job_refused`.
_REFUSALS = text("""
    SELECT number FROM job
    WHERE account_id = :of_account AND repository_id = :of_repository AND last_error <> '' AND done_count >= request_count
      AND kind = :of_kind""")
_AGAIN = text("""
    UPDATE job SET request_count = request_count + 1, run_at_ms = :now
    WHERE account_id = :of_account AND repository_id = :of_repository AND last_error <> '' AND done_count >= request_count
      AND run_at_ms < :before""")


def refusals(connection: Connection, key: RepositoryKey, kind: Kind) -> set[int]:
    """The numbers of the pieces of a repository that an error ended."""
    return set(connection.execute(_REFUSALS, key.params | {"of_kind": kind.value}).scalars())


def request_refused(connection: Connection, key: RepositoryKey, before_ms: int, now_ms: int) -> None:
    """Ask again for the pieces of a repository that an error ended before then: the world may have changed."""
    connection.execute(_AGAIN, key.params | {"before": before_ms, "now": now_ms})


def _later(a: ColumnElement[int], b: ColumnElement[int]) -> ColumnElement[int]:
    return case((a > b, a), else_=b)


_WRITING = (
    select(jobs.c.account_id, func.max(jobs.c.lease_until_ms).label("until_ms"))
    .where(jobs.c.done_count < jobs.c.request_count, jobs.c.kind.in_(WRITERS))
    .group_by(jobs.c.account_id)
    .subquery()
)
_MAY_WRITE = _later(func.coalesce(accounts.c.next_write_at_ms, 0), func.coalesce(_WRITING.c.until_ms, 0))
_TURN = case((jobs.c.kind.in_(WRITERS), _MAY_WRITE), else_=0)
_FREE = _later(func.coalesce(accounts.c.not_before_ms, 0), _later(jobs.c.lease_until_ms, jobs.c.run_at_ms))
_HAS_INSTALLATION = or_(
    jobs.c.kind == Kind.ACCOUNT.value,
    accounts.c.account_id.is_(None),
    (accounts.c.installation_id != 0) & ~accounts.c.suspended,
)
_NEXT = (
    select(func.min(_later(_TURN, _FREE)))
    .select_from(
        jobs.outerjoin(accounts, accounts.c.account_id == jobs.c.account_id).outerjoin(
            _WRITING, _WRITING.c.account_id == jobs.c.account_id
        )
    )
    .where(jobs.c.done_count < jobs.c.request_count, _HAS_INSTALLATION)
)


_BY_KIND = (
    select(jobs.c.kind, func.count().label("pieces"), func.min(jobs.c.run_at_ms).label("oldest_ms"))
    .where(jobs.c.done_count < jobs.c.request_count)
    .group_by(jobs.c.kind)
    .order_by(jobs.c.kind)
)


def next_due_at_ms(connection: Connection, work: Work | None = None) -> int | None:
    """When requested work can be claimed next, all of it or one piece; None if none is requested."""
    if work is None:
        return connection.execute(_NEXT).scalar()
    return connection.execute(_NEXT.where(_OF_WORK), _params(work)).scalar()


def waiting_by_kind(connection: Connection) -> list[tuple[str, int, int]]:
    """Of each kind how many pieces wait, and since when the oldest has been due."""
    return [(row.kind, row.pieces, row.oldest_ms) for row in connection.execute(_BY_KIND)]


def _key(work: Work) -> tuple[int, str, int, int]:
    return work.account_id, work.kind.value, work.repository_id, work.number


def _params(work: Work) -> dict[str, object]:
    return {
        "of_account": work.account_id,
        "of_kind": work.kind.value,
        "of_repository": work.repository_id,
        "of_number": work.number,
    }


def _ours(lease: Lease) -> dict[str, object]:
    return _params(lease.work) | {"of_token": lease.token}


def _change(database: Database, lease: Lease, **values: object) -> bool:
    with database.write() as connection:
        return connection.execute(_OURS.values(**values), _ours(lease)).rowcount == 1
