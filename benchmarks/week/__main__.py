"""The weekly report of a large repository: time to gather and render it, and what a cut by day takes.

python -m benchmarks.week [--database sqlite|postgresql] [--requests 1000000 --requests 10000000]
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import text

from attribution.evidence import PullRequest
from attribution.outcome import Details
from attribution.periods import week_of, weeks_later
from attribution.week_report import WeekCost
from benchmarks.databases import database
from bot.clock import to_ms
from bot.figures import breakdown as breakdown_figures
from bot.figures import week as week_figures
from bot.issue import WeekView, render
from bot.keys import RepositoryKey
from bot.repository_settings import RepositorySettings
from bot.store import accounts as account_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store.database import Database
from bot.store.repositories import RepositoryFacts

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
YEAR_MS = 365 * 24 * 3_600_000
PULLS = 5000
KEY = RepositoryKey(1, 34)

_SERIES = {
    "sqlite": "WITH RECURSIVE series(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM series WHERE i < {last}) ",
    "postgresql": "WITH series AS (SELECT generate_series(0, {last})::bigint AS i) ",
}
_ORIGIN = """
INSERT INTO origin (account_id, origin_id, tool, session_id, model, agent_id, provider, speed, service_tier, inference_geo, branch,
  "commit", ci_ref, author, context_source, billing_mode, basis, price_book, unpriced)
{series}SELECT 1, i, 'claude-code', CAST(i / 2 AS TEXT), CASE WHEN i % 2 = 0 THEN 'claude-sonnet-5' ELSE 'claude-opus-5' END, '',
  '', '', '', '', 'work', '', '', CAST(i % 17 AS TEXT), 'log', 'unknown', 'computed', 'book', '' FROM series WHERE i <= {last} / 20
"""
_CHARGE = """
INSERT INTO charge (account_id, charge_id, origin_id, repository_id, at_ms, list_micros, cache_saving_micros, revision,
  uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
  request_id, aliases, facts)
{series}SELECT 1, i, i / 40 * 2 + CASE WHEN i % 3 = 0 THEN 0 ELSE 1 END, 34, {until} - i * {span} / {count}, 10000 + i % 90000,
  40000, 1, 900, 90000, 2000, 0, 700, 0, CAST(i AS TEXT), '', '' FROM series
"""
_REASON = """
INSERT INTO reason (account_id, reason_id, evidence, why, stage)
VALUES (1, 0, 'none', 'why', 'build'), (1, 1, 'commit', 'why', 'build')
"""
_SHARE = """
INSERT INTO share (account_id, charge_id, revision, position, repository_id, pull_number, weight, micros, reason_id, decided_at_ms)
{series}SELECT 1, i, 1, 0, 34, CASE WHEN i % 20 = 0 THEN NULL ELSE i * {pulls} / {count} + 1 END, 1, 10000 + i % 90000,
  CASE WHEN i % 20 = 0 THEN 0 ELSE 1 END, 0 FROM series
"""


def fill(database: Database, requests: int) -> None:
    dialect = database.engine.dialect.name
    values = {
        "series": _SERIES[dialect].format(last=requests - 1), "last": requests - 1, "until": to_ms(NOW) - 6 * 3_600_000,
        "span": YEAR_MS, "count": requests, "pulls": PULLS,
    }  # fmt: skip
    with database.write() as connection:
        account_store.save_account(database, connection, KEY[0], "acme", 1, suspended=False)
        facts = RepositoryFacts(repository_id=KEY[1], full_name="acme/widgets", private=True, default_branch="main")
        repository_store.save_repositories(database, connection, KEY[0], [facts])
        for statement in (_ORIGIN, _CHARGE, _REASON, _SHARE):
            connection.execute(text(statement.format(**values)))
        for number in range(1, PULLS + 1):
            at = NOW - timedelta(milliseconds=YEAR_MS) * (number / PULLS)
            merged_at = at + timedelta(days=1) if number % 10 else None
            pull = PullRequest(
                number=number, head_branch="work", created_at=at, closed_at=merged_at, merged_at=merged_at
            )
            pull_store.save_pull(
                database, connection, KEY.pull(number), pull, Details(title=f"Change {number}", updated_at=at), ""
            )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def seconds(work: Callable[[], object], times: int = 5) -> float:
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def _report(database: Database) -> str:
    """Seconds for the week's report and for a cut by day, what the week came to, and the peak of memory."""
    zone = ZoneInfo("UTC")
    key = KEY.week(weeks_later(week_of(NOW, zone), -1, zone).name)
    span = (to_ms(NOW) - 30 * 24 * 3_600_000, to_ms(NOW))
    with database.read() as connection:

        def week() -> WeekCost:
            cost = week_figures.cost_of(connection, RepositorySettings(), key, to_ms(NOW))
            assert cost is not None
            assert render(WeekView(cost=cost, time_zone="UTC"))
            return cost

        rows = repository_store.repositories_of(connection, KEY.account_id)
        micros = week().total.priced_micros
        durations = (
            seconds(week),
            seconds(lambda: breakdown_figures.of_repositories(connection, rows, "day", span, zone)),
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{durations[0]:>9.2f}{durations[1]:>11.2f}{micros / 1e6:>13,.2f}{peak:>10.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.week", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--requests", type=int, action="append")
    options = parser.parse_args()
    print(f"{'':<12}{'requests':>12}{'filled s':>10}{'week s':>9}{'day cut s':>11}{'week spend':>13}{'peak MiB':>10}")
    for kind in options.database or ["sqlite", "postgresql"]:
        for requests in options.requests or [1_000_000]:
            with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as target:
                start = time.perf_counter()
                fill(target, requests)
                fill_seconds = time.perf_counter() - start
                print(f"{kind:<12}{requests:>12,}{fill_seconds:>10.1f}{_report(target)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
