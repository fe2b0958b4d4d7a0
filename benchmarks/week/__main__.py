"""Reports of a large account: CPU time, time in the database and statements for a weekly issue, for the figures of 30 days cut by
day and by pull request, and to count all sums by day again.

python -m benchmarks.week [--database sqlite|postgresql] [--requests 1000000 --requests 10000000] [--repositories 200]

The requests are those of a year in one repository; in several, those of 30 days.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from attribution.breakdown import BreakdownRow, By
from attribution.evidence import PullRequest
from attribution.outcome import Details
from attribution.periods import week_of, weeks_later
from benchmarks.databases import database
from bot.clock import DAY_MS, to_ms
from bot.figures import breakdown as breakdown_figures
from bot.figures import week as week_figures
from bot.issue import WeekView, render
from bot.keys import RepositoryKey
from bot.repository_settings import RepositorySettings
from bot.store import accounts as account_store
from bot.store import months, recount
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store.charge_ids import first_id_ms
from bot.store.database import Database
from bot.store.repositories import RepositoryFacts

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
YEAR_MS = 365 * DAY_MS
PULLS = 5000
KEY = RepositoryKey(1, 34)

_SERIES = {
    "sqlite": "WITH RECURSIVE series(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM series WHERE i < {last}) ",
    "postgresql": "WITH series AS (SELECT generate_series(0, {last})::bigint AS i) ",
}
_ORIGIN = """
INSERT INTO origin (account_id, origin_id, tool, session_id, model, agent_id, provider, speed, service_tier, inference_geo, branch,
  "commit", ci_ref, author, context_source, billing_mode, basis, price_book, unpriced, sender, token_id)
{series}SELECT 1, i, 'claude-code', CAST(i / 2 AS TEXT), CASE WHEN i % 2 = 0 THEN 'claude-sonnet-5' ELSE 'claude-opus-5' END, '',
  '', '', '', '', 'work', '', '', CAST(i % 17 AS TEXT), 'log', 'unknown', 'computed', 'book', '', '', ''
  FROM series WHERE i <= {last} / 20
"""
_CHARGE = """
INSERT INTO charge (account_id, charge_id, origin_id, repository_id, at_ms, list_micros, cache_saving_micros, revision,
  uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
  request_id, aliases, facts)
{series}SELECT 1, {id}, i / 40 * 2 + CASE WHEN i % 3 = 0 THEN 0 ELSE 1 END, 34 + {of}, {at},
  10000 + i % 90000,
  40000, 1, 900, 90000, 2000, 0, 700, 0, CAST(i AS TEXT), '', '' FROM series
"""
_REASON = """
INSERT INTO reason (account_id, reason_id, evidence, why, stage)
VALUES (1, 0, 'none', 'why', 'build'), (1, 1, 'commit', 'why', 'build')
"""
_SHARE = """
INSERT INTO share (account_id, charge_id, revision, position, repository_id, pull_number, weight, micros, reason_id, decided_at_ms)
{series}SELECT 1, {id}, 1, 0, 34 + {of}, CASE WHEN i % 20 = 0 THEN NULL ELSE i * {pulls} / {count} + 1 END, 1, 10000 + i % 90000,
  CASE WHEN i % 20 = 0 THEN 0 ELSE 1 END, 0 FROM series
"""


def fill(database: Database, requests: int, repositories: int) -> float:
    """Returns the seconds that it took to count the sums by day."""
    keys = [RepositoryKey(KEY.account_id, KEY.repository_id + i) for i in range(repositories)]
    span_ms = YEAR_MS if repositories == 1 else 30 * DAY_MS
    dialect = database.engine.dialect.name
    until_ms = to_ms(NOW) - 6 * 3_600_000
    at = f"({until_ms} - i * {span_ms} / {requests})"
    values = {
        "series": _SERIES[dialect].format(last=requests - 1), "last": requests - 1, "count": requests, "pulls": PULLS,
        "at": at, "id": f"{at} / 60000 * 4194304 + i % 4194304", "of": f"(i * {PULLS} / {requests}) % {repositories}",
    }  # fmt: skip
    with database.write() as connection:
        account_store.save_account(database, connection, KEY[0], "acme", 1, suspended=False)
        facts = [
            RepositoryFacts(repository_id=key[1], full_name=f"acme/r{key[1]}", private=True, default_branch="main")
            for key in keys
        ]
        repository_store.save_repositories(database, connection, KEY[0], facts)
        months.make_for(connection, map(first_id_ms, range(until_ms - span_ms - DAY_MS, until_ms, DAY_MS)))
        for statement in (_ORIGIN, _CHARGE, _REASON, _SHARE):
            connection.execute(text(statement.format(**values)))
        for number in range(1, PULLS + 1):
            key = keys[(number - 1) % repositories]
            at = NOW - timedelta(milliseconds=span_ms) * (number / PULLS)
            merged_at = at + timedelta(days=1) if number % 10 else None
            pull = PullRequest(
                number=number, head_branch="work", created_at=at, closed_at=merged_at, merged_at=merged_at
            )
            pull_store.save_pull(
                database, connection, key.pull(number), pull, Details(title=f"Change {number}", updated_at=at), ""
            )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    start = time.perf_counter()
    with database.write() as connection:
        for key in keys:
            recount.renew_all(connection, key)
    return time.perf_counter() - start


class TimedConnection:
    """Counts statements, and the time until all their rows are here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.statements, self.seconds = 0, 0.0

    def execute(self, statement: Any, params: Any = None) -> Any:
        start = time.perf_counter()
        result = self._connection.execute(statement, params).freeze()
        self.seconds += time.perf_counter() - start
        self.statements += 1
        return result()


def measure(database: Database, work: Callable[[Any], object], times: int = 5) -> str:
    """CPU ms, ms in the database, and statements; the median of several runs after a first one."""
    figures: list[tuple[float, float, int]] = []
    with database.read() as connection:
        for _ in range(times + 1):
            timed = TimedConnection(connection)
            start = time.process_time()
            work(timed)
            figures.append((time.process_time() - start, timed.seconds, timed.statements))
    cpu, sql, statements = (statistics.median(values) for values in zip(*figures[1:], strict=True))
    return f"{cpu * 1000:>9.1f}{sql * 1000:>9.1f}{statements:>5.0f}"


def _report(database: Database) -> str:
    """For the week's issue of the first repository, for cuts over all of them, and what the week came to."""
    zone = ZoneInfo("UTC")
    key = KEY.week(weeks_later(week_of(NOW, zone), -1, zone).name)
    span = NOW.date() - timedelta(days=30), NOW.date() + timedelta(days=1)
    micros = 0

    def week(connection: Any) -> None:
        nonlocal micros
        cost = week_figures.cost_of(connection, RepositorySettings(), key, to_ms(NOW))
        assert cost is not None
        assert render(WeekView(cost=cost, time_zone="UTC"))
        micros = cost.total.priced_micros

    def cut(by: By) -> Callable[[Any], object]:
        def report(connection: Any) -> list[BreakdownRow]:
            rows = repository_store.repositories_of(connection, KEY.account_id)
            return breakdown_figures.of_repositories(connection, rows, by, span)

        return report

    listed = [measure(database, work) for work in (week, cut("day"), cut("pull"))]
    return "".join(listed) + f"{micros / 1e6:>13,.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.week", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--requests", type=int, action="append")
    parser.add_argument("--repositories", type=int, default=1)
    options = parser.parse_args()
    each = "".join(f"{head:>9}{'SQL ms':>9}{'no.':>5}" for head in ("week: CPU", "day: CPU", "pull: CPU"))
    print(f"{'':<12}{'requests':>12}{'recount s':>11}{each}{'week spend':>13}")
    for kind in options.database or ["sqlite", "postgresql"]:
        for requests in options.requests or [1_000_000]:
            with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as target:
                recount_seconds = fill(target, requests, options.repositories)
                print(f"{kind:<12}{requests:>12,}{recount_seconds:>11.1f}{_report(target)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
