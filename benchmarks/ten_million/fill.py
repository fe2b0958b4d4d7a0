"""A year of many teams, written by the database itself: realistic in its ids, texts, order of arrival and proportions.

Four accounts; the first has 200 repositories, and one of them a fifth of all charges. Ten sessions go on at a time, of sixty
requests each; commits and now and then another model cut a session into eight origins. A seventh of the sessions is unattributed,
and every tenth request has two shares. Times ascend, so that keys and indexes fill as they do in use.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from attribution.evidence import PullRequest
from attribution.outcome import Details
from bot.clock import to_ms
from bot.keys import RepositoryKey
from bot.store import accounts, charge_ids, months, pulls, recount, repositories
from bot.store.database import Database
from bot.store.repositories import RepositoryFacts

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SPAN = timedelta(days=365)
KEY = RepositoryKey(120_000_001, 900_000_034)
_AT_ONCE = 250_000

_SQLITE = {
    "series": "WITH RECURSIVE series(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM series WHERE i + 1 < {end})",
    "hex": "substr(lower(hex(randomblob(16))), 1, {0})",
    "hash": "(abs(random() % 2147483646) + 1)",
    "uuid": "printf('%08x-%04x-4%03x-9%03x-%012x', {0} * 2654435761 % 4294967296, {0} % 65536, {0} % 4096, {0} % 4093,"
    " {0} * 65537)",
    "sha": "printf('%08x%032x', {0} * 2654435761 % 4294967296, {0})",
}
_POSTGRESQL = {
    "series": "WITH series AS (SELECT generate_series({first}::bigint, {end} - 1) AS i)",
    "hex": "left(md5(i::text || '{0}'), {0})",
    "hash": "(random() * 2147483645)::int + 1",
    "uuid": "md5(({0})::text)::uuid::text",
    "sha": "md5(({0})::text) || left(md5(({0})::text), 8)",
}
# Of the request `i`: its session `s`, its place `n` there, and when it was made.
_REQUEST = """requests AS (
  SELECT i, i / 600 * 10 + i % 10 AS s, i % 600 / 10 AS n, {start} + i * {each} / 1000 AS at_ms FROM series),
placed AS (SELECT *, CASE WHEN s % 10 < 8 THEN 120000001 ELSE 120000002 + s % 3 END AS account_id,
  CASE WHEN s % 10 < 2 THEN 900000034 WHEN s % 10 < 8 THEN 900000100 + s / 10 % 199 ELSE 950000000 + s % 20 END AS repository_id,
  at_ms / 60000 * 4194304 + i * 2654435 % 4194304 AS charge_id,
  s * 8 + n / 15 * 2 + CASE WHEN n % 10 = 0 THEN 1 ELSE 0 END AS k,
  CASE WHEN s % 7 = 0 THEN NULL ELSE s / 30 + 1 END AS pull,
  5000 + i * 7919 % 90000 AS micros FROM requests)"""
_ORIGIN_ID = "((k * 7 + at_ms / 86400000 % 7) * 1618033988749 % 4398046511093 * 1048576 + k % 1048576)"
# By repository and pull request.
_REASON_ID = "((coalesce(pull, 0) * 1000 + repository_id % 1000) * 1618033988749 % 4398046511093 * 1048576 + 1)"
_IS_SPLIT = "(i % 10 = 3 AND pull IS NOT NULL)"
# A day in UTC is a part of what an origin is named by.
_DAY = "at_ms / 86400000"
_STATEMENTS = (
    """INSERT INTO origin (account_id, origin_id, repository_id, utc_day, tool, session_id, model, agent_id, provider, speed,
  service_tier, inference_geo, branch, "commit", ci_ref, author, context_source, billing_mode, basis, price_book, unpriced,
  sender, token_id)
{series}, {request} SELECT DISTINCT account_id, {origin_id}, repository_id, {day}, 'claude-code', {uuid_s},
  CASE WHEN k % 2 = 1 THEN 'claude-haiku-4-5-20251001' ELSE 'claude-opus-4-5-20251101' END, '', '', '', 'standard', '',
  'feature/topic-' || (s / 30), {sha_k}, '', substr({sha_s40}, 1, 16), 'reflog', 'unknown', 'computed',
  'genai-prices 0.0.50, table 1', '', 'person-' || (s % 40), substr({sha_s40}, 17, 8)
  FROM placed WHERE TRUE ON CONFLICT DO NOTHING""",
    """INSERT INTO charge (account_id, charge_id, revision, origin_id, reason_id, at_ms, list_micros, cache_saving_micros,
  decided_at_minute, output_tokens, cache_read_tokens, cache_write_1h_tokens, cache_write_5m_tokens, uncached_input_tokens,
  reasoning_tokens, request_id, aliases, facts)
{series}, {request} SELECT account_id, charge_id, 1, {origin_id}, CASE WHEN {is_split} THEN 0 ELSE {reason_id} END, at_ms, micros,
  100000 + i * 7907 % 400000, at_ms / 60000 + 1, 50 + i % 900, 20000 + i * 7919 % 120000, 0,
  300 + i % 3000, 3 + i % 9, 0, 'msg_01' || {hex_22}, 'req_011C' || {hex_20},
  CASE WHEN i % 10 = 5 THEN '{{"work":{{"edited_files":["src/part12/module_34.py","tests/part12/test_module_34.py"]}}}}' ELSE '' END
  FROM placed""",
    """INSERT INTO request_name (charge_id, record_digest, account_id, name_hash, alias_hash)
{series}, {request} SELECT charge_id, i * 1618033988749, account_id, {hash}, {hash} FROM placed""",
    """INSERT INTO reason (account_id, reason_id, repository_id, weight, pull_number, evidence, why, stage)
{series}, {request} SELECT DISTINCT account_id, {reason_id}, repository_id, 1, pull,
  CASE WHEN pull IS NULL THEN 'none' ELSE 'branch' END,
  CASE WHEN pull IS NULL THEN 'no pull request found' ELSE 'on branch `feature/topic-' || (s / 30) || '` of #' || pull END, 'build'
  FROM placed WHERE TRUE ON CONFLICT DO NOTHING""",
    """INSERT INTO reason (account_id, reason_id, repository_id, weight, pull_number, evidence, why, stage)
{series}, {request} SELECT DISTINCT account_id, {reason_id} + 1, repository_id, 1, pull + 1, 'branch',
  'on branch `feature/topic-' || (s / 30) || '` of #' || pull, 'build'
  FROM placed WHERE {is_split} ON CONFLICT DO NOTHING""",
    """INSERT INTO share (account_id, charge_id, revision, position, reason_id, micros, decided_at_minute)
{series}, {request} SELECT account_id, charge_id, 1, 0, {reason_id}, micros - micros / 2, at_ms / 60000 + 1
  FROM placed WHERE {is_split}""",
    """INSERT INTO share (account_id, charge_id, revision, position, reason_id, micros, decided_at_minute)
{series}, {request} SELECT account_id, charge_id, 1, 1, {reason_id} + 1, micros / 2, at_ms / 60000 + 1
  FROM placed WHERE {is_split}""",
    """INSERT INTO session (account_id, repository_id, tool, session_id, short_id, first_at_ms, last_at_ms, request_count,
  done_count, changed_at_ms)
{series}, {request} SELECT account_id, repository_id, 'claude-code', {uuid_s}, substr({uuid_s}, 1, 7), min(at_ms), max(at_ms),
  1, 1, max(at_ms)
  FROM placed GROUP BY account_id, repository_id, s""",
)


def fill(database: Database, charges: int) -> tuple[int, int]:
    """Write so many charges, rounded to whole groups of sessions, and the statistics of the database. Returns how many there are,
    and the number of the large repository's newest pull request."""
    end = charges // 600 * 600
    newest = (end // 60 - 1) // 30 + 1
    with database.write() as connection:
        for account_id in range(KEY.account_id, KEY.account_id + 4):
            accounts.save_account(database, connection, account_id, f"org{account_id}", 1, suspended=False)
        ids = [KEY.repository_id, *range(900_000_100, 900_000_299)]
        facts = [
            RepositoryFacts(repository_id=id_, full_name=f"acme/r{id_}", private=True, default_branch="main")
            for id_ in ids
        ]
        repositories.save_repositories(database, connection, KEY.account_id, facts)
        for number in range(1, newest + 1):
            _save_pull(database, connection, number, end)
        days = range(SPAN.days + 31)
        months.make_for(connection, [charge_ids.first_id(NOW - timedelta(days=day)) for day in days])
    with _bulk(database) as execute:
        for first in range(0, end, _AT_ONCE // 600 * 600):
            for statement in _statements(database, first, min(first + _AT_ONCE // 600 * 600, end), end):
                execute(statement)
    with database.write() as connection:
        for fact in facts:
            recount.renew_all(connection, RepositoryKey(KEY.account_id, fact.repository_id))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if database.is_postgresql else "ANALYZE")
    return end, newest


def bytes_on_disk(database: Database) -> dict[str, int]:
    """Of the ledger's tables with their indexes."""
    tables = ("charge", "origin", "request_name", "share", "reason")
    with database.engine.connect() as connection:
        if database.is_postgresql:
            sizes = connection.exec_driver_sql(
                # What is not partitioned has no tree: https://www.postgresql.org/docs/current/functions-admin.html
                "SELECT c.relname, coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(c.oid)),"
                " pg_relation_size(c.oid)), 1 FROM pg_class c"
                " LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid"
                f" WHERE c.relkind IN ('r', 'i', 'p', 'I') AND coalesce(t.relname, c.relname) IN {tables}"
            )
        else:
            sizes = connection.exec_driver_sql(
                "SELECT s.name, sum(s.pgsize), m.tbl_name FROM dbstat s JOIN sqlite_schema m ON m.name = s.name"
                f" WHERE m.tbl_name IN {tables} GROUP BY s.name"
            )
        return {name: int(size) for name, size, _ in sizes}


def _save_pull(database: Database, connection: Any, number: int, end: int) -> None:
    """The branch of thirty sessions, merged a day after the last of them."""
    created_at = NOW - SPAN + SPAN * min(1.0, (number - 1) * 1800 / max(end, 1))
    closed_at = created_at + timedelta(days=2)
    pull = PullRequest(
        number=number, head_branch=f"feature/topic-{number - 1}", created_at=created_at,
        closed_at=closed_at if closed_at < NOW else None, merged_at=closed_at if closed_at < NOW else None,
    )  # fmt: skip
    pulls.save_pull(
        database, connection, KEY.pull(number), pull, Details(title=f"Change {number}", updated_at=created_at), ""
    )


def _statements(database: Database, first: int, end: int, count: int) -> Iterator[str]:
    terms = _POSTGRESQL if database.is_postgresql else _SQLITE
    start_ms, span_ms = to_ms(NOW - SPAN), int(SPAN.total_seconds() * 1000)
    values = {
        "series": terms["series"].format(first=first, end=end),
        "request": _REQUEST.format(start=start_ms, each=span_ms * 1000 // count),
        "origin_id": _ORIGIN_ID, "reason_id": _REASON_ID, "is_split": _IS_SPLIT, "day": _DAY, "hash": terms["hash"],
        "hex_22": terms["hex"].format(22), "hex_20": terms["hex"].format(20),
        "uuid_s": terms["uuid"].format("s"), "sha_k": terms["sha"].format("k"), "sha_s40": terms["sha"].format("s % 40"),
    }  # fmt: skip
    for statement in _STATEMENTS:
        yield statement.format(**values)


@contextmanager
def _bulk(database: Database) -> Iterator[Callable[[str], object]]:
    """A connection that waits for no disk."""
    url = database.engine.url
    if database.is_postgresql:
        with psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
        ) as own:
            own.execute("SET synchronous_commit = off")
            yield own.execute  # type: ignore[misc]
        return
    database.engine.dispose()  # the kind of journal changes only where nobody else is connected
    own = sqlite3.connect(url.database or "", isolation_level=None)
    try:
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-1500000"):
            own.execute(f"PRAGMA {pragma}")
        yield own.execute
    finally:
        own.close()
