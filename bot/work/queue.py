"""Wanted work in the database: one row a (kind, key), which coalesces; leases and fencing tokens make crashes harmless.

An event only adds one to `wanted`. A worker claims the row, does the work for the state of now and writes the `wanted` it saw
into `done`; if more was wanted meanwhile, the row is due again. PostgreSQL hands rows out with SKIP LOCKED; on SQLite a write
transaction is alone anyway.
"""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import ColumnElement, Connection, case, func, select, text, update

from bot.store.database import Database, table
from bot.store.tables import Installation, Job

jobs, installations = table(Job), table(Installation)

LEASE_MS = 60_000
MAX_ATTEMPTS = 10
# These end in a write to GitHub: before it is their installation's turn, finding out what to write would be in vain.
WRITERS = ("alert_comment", "check", "comment", "issue_comment", "week")
_FIRST_RETRY_MS = 5_000
_LONGEST_RETRY_MS = 3_600_000


class Wanted(msgspec.Struct, frozen=True):
    """A piece of work: what kind, on what. `key` begins with the installation: `12/34/5` is pull request 5 of repository 34."""

    kind: str
    key: str

    @property
    def installation_id(self) -> int:
        return int(self.key.split("/", 1)[0])

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.key.split("/"))


class Claimed(msgspec.Struct, frozen=True):
    """Work that this worker holds until its lease ends. `token` grows with every claim of the row."""

    kind: str
    key: str
    wanted: int
    token: int
    attempts: int

    @property
    def ids(self) -> tuple[int, ...]:
        return Wanted(self.kind, self.key).ids


# Written out because it runs for every webhook: building it anew would cost several times what the database does.
_WANT = """
    INSERT INTO job (kind, key, installation_id, wanted, done, run_at_ms, lease_until_ms, token, attempts, last_error)
    VALUES ({value}, {value}, {value}, {value}, 0, {value}, 0, 0, 0, '')
    ON CONFLICT (kind, key) DO UPDATE SET
        wanted = job.wanted + excluded.wanted,
        run_at_ms = CASE WHEN job.done >= job.wanted THEN excluded.run_at_ms
                         ELSE {least}(job.run_at_ms, excluded.run_at_ms) END"""
_WANT_ON_SQLITE, _WANT_ON_POSTGRESQL = _WANT.format(least="min", value="?"), _WANT.format(least="least", value="%s")


def want(database: Database, connection: Connection, work: Mapping[Wanted, int], run_at_ms: int) -> None:
    """Ask for work, each piece so many times. Rows in order of key, so that concurrent writers cannot deadlock."""
    if not work:
        return
    ordered = sorted(work.items(), key=lambda item: (item[0].kind, item[0].key))
    rows = [(one.kind, one.key, one.installation_id, times, run_at_ms) for one, times in ordered]
    connection.exec_driver_sql(_WANT_ON_POSTGRESQL if database.is_postgresql else _WANT_ON_SQLITE, rows)


def once(work: Iterable[Wanted]) -> dict[Wanted, int]:
    return dict.fromkeys(work, 1)


_CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT job.kind, job.key FROM job LEFT JOIN installation USING (installation_id)
        WHERE job.done < job.wanted AND job.run_at_ms <= :now AND job.lease_until_ms <= :now
          AND coalesce(installation.not_before_ms, 0) <= :now
          AND (job.kind NOT IN {writers} OR coalesce(installation.next_write_at_ms, 0) <= :now)
        ORDER BY job.run_at_ms, job.kind, job.key LIMIT :limit {lock})
    UPDATE job SET lease_until_ms = :until, token = token + 1, attempts = attempts + 1
    FROM due WHERE job.kind = due.kind AND job.key = due.key
    RETURNING job.kind, job.key, job.wanted, job.token, job.attempts"""


def claim(database: Database, now_ms: int, limit: int) -> list[Claimed]:
    """Take due work, oldest first, at most `limit` pieces, none of an installation that GitHub limits just now, and no writer
    before it may write."""
    lock = "FOR UPDATE OF job SKIP LOCKED" if database.is_postgresql else ""
    with database.write() as connection:
        parameters = {"until": now_ms + LEASE_MS, "now": now_ms, "limit": limit}
        return [
            Claimed(*row) for row in connection.execute(text(_CLAIM.format(lock=lock, writers=WRITERS)), parameters)
        ]


def is_ours(connection: Connection, claimed: Claimed) -> bool:
    """False once another worker has taken the row over: then nothing of ours may be written. Locks the row until the commit."""
    row = select(jobs.c.token).where(jobs.c.kind == claimed.kind, jobs.c.key == claimed.key).with_for_update()
    return connection.execute(row).scalar_one_or_none() == claimed.token


def renew(database: Database, claimed: Claimed, now_ms: int) -> bool:
    """Hold the lease for longer. False if it is lost."""
    return _ours(database, claimed, lease_until_ms=now_ms + LEASE_MS)


def finish(database: Database, claimed: Claimed) -> bool:
    """Done, for the `wanted` that was seen at the claim; anything wanted since is due again."""
    return _ours(database, claimed, done=claimed.wanted, lease_until_ms=0, attempts=0, last_error="")


def postpone(database: Database, claimed: Claimed, run_at_ms: int) -> bool:
    """Not now, but not a failure: try at that time."""
    return _ours(database, claimed, run_at_ms=run_at_ms, lease_until_ms=0, attempts=max(claimed.attempts - 1, 0))


def fail(database: Database, claimed: Claimed, error: str, now_ms: int) -> bool:
    """Try again later, each time after a longer pause; after MAX_ATTEMPTS only when it is wanted anew."""
    if claimed.attempts >= MAX_ATTEMPTS:
        return _ours(database, claimed, done=claimed.wanted, lease_until_ms=0, attempts=0, last_error=error)
    pause = min(_FIRST_RETRY_MS * 2 ** (claimed.attempts - 1), _LONGEST_RETRY_MS)
    return _ours(database, claimed, run_at_ms=now_ms + pause, lease_until_ms=0, last_error=error)


def next_due_at_ms(connection: Connection, only: Wanted | None = None) -> int | None:
    """When wanted work can be claimed next, all of it or one piece; None if none is wanted."""
    free = _later(jobs.c.lease_until_ms, jobs.c.run_at_ms)
    free = _later(func.coalesce(installations.c.not_before_ms, 0), free)
    turn = case((jobs.c.kind.in_(WRITERS), func.coalesce(installations.c.next_write_at_ms, 0)), else_=0)
    same = installations.c.installation_id == jobs.c.installation_id
    waiting = select(func.min(_later(turn, free))).select_from(jobs.outerjoin(installations, same))
    waiting = waiting.where(jobs.c.done < jobs.c.wanted)
    if only is not None:
        waiting = waiting.where(jobs.c.kind == only.kind, jobs.c.key == only.key)
    return connection.execute(waiting).scalar()


def _later(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((one > other, one), else_=other)


def _ours(database: Database, claimed: Claimed, **values: object) -> bool:
    with database.write() as connection:
        row = update(jobs).where(jobs.c.kind == claimed.kind, jobs.c.key == claimed.key, jobs.c.token == claimed.token)
        return connection.execute(row.values(**values)).rowcount == 1
