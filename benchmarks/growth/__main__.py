"""Placing one new session in a repository that grows: CPU time and rows read, beside what reading the whole repository takes.

python -m benchmarks.growth [--database sqlite|postgresql] [--pulls 1000 --pulls 10000 --pulls 50000]
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

import msgspec
from sqlalchemy import Connection, select

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import Commit, PullRequest
from attribution.outcome import Details
from attribution.reported_commits import ReportedCommit, direct_commits, with_reports
from attribution.usage import CommitMade, Context, Usage, Work
from benchmarks.databases import database
from bot.attribute import index_for
from bot.keys import RepositoryKey, Sender
from bot.store import commits as commit_store
from bot.store import pulls as pull_store
from bot.store.database import Database

KEY = RepositoryKey(1, 34)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
PEOPLE, COMMITS, FILES, REQUESTS = 40, 5, 20, 40
# Forty people open about as many pull requests a day.
EACH = timedelta(minutes=36)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--pulls", type=int, action="append")
    options = parser.parse_args()
    print(f"{'':<12}{'pulls':>8}{'CPU ms':>9}{'rows':>7}{'pulls read':>12}{'whole: CPU ms':>15}{'rows':>9}")
    for kind in options.database or ["sqlite", "postgresql"]:
        for count in options.pulls or [1_000, 10_000, 50_000]:
            with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as target:
                fill(target, count)
                print(f"{kind:<12}{count:>8,}{_row(target, count)}", flush=True)
    return 0


def fill(database: Database, count: int) -> None:
    """So many pull requests, the newest of today, and what the machines reported of their commits."""
    with database.write() as connection:
        for number in range(1, count + 1):
            pull = pull_of(number, count)
            details = Details(updated_at=pull.created_at)
            pull_store.save_pull(database, connection, KEY.pull(number), pull, details, pull.commits[-1].sha)
            commit_store.save_commits(
                connection, KEY, [usage_of(pull, i) for i in range(COMMITS)], Sender(KEY.account_id)
            )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def pull_of(number: int, count: int) -> PullRequest:
    """One of ten is still open where it is new, or was closed without a merge; branches of the same names come back."""
    created_at = NOW - EACH * (count - number + 1)
    closed_at = created_at + timedelta(days=2)
    author = f"person{number % PEOPLE}"
    return PullRequest(
        number=number,
        head_branch=f"work/{number % 1000}",
        base_branch="main",
        author=author,
        created_at=created_at,
        closed_at=closed_at if closed_at < NOW else None,
        merged_at=closed_at if closed_at < NOW and number % 10 else None,
        commits=tuple(_commit(number, i, author, created_at) for i in range(COMMITS)),
        files=tuple(f"src/part{number % 50}/file{i}.py" for i in range(FILES)),
    )


def _commit(number: int, place: int, author: str, created_at: datetime) -> Commit:
    at = (created_at + timedelta(hours=place)).replace(microsecond=0)
    name = f"{number * COMMITS + place:08x}"
    return Commit(
        sha=f"{name[::-1]}{name:0>32}", authorship=f"{name[::-1]}{name}", author=author, authored_at=at, committed_at=at
    )


def usage_of(pull: PullRequest, place: int) -> Usage:
    """A request that made a commit of the pull request."""
    commit = pull.commits[place]
    assert commit.authored_at is not None
    files = pull.files[4 * place : 4 * place + 4]
    report = CommitMade(
        sha=commit.sha, authorship=commit.authorship, branch=pull.head_branch, authored_at=commit.authored_at, files=files,
        patch_id=commit.sha[::-1],
    )  # fmt: skip
    return Usage(
        tool="claude-code", session_id=f"s{pull.number}", request_id=f"{pull.number}-{place}", at=commit.authored_at,
        model="claude-opus-5", context=Context(branch=pull.head_branch, author=commit.author),
        work=Work(edited_files=files, commits_made=(report,)),
    )  # fmt: skip


def new_session(pull: PullRequest) -> list[Usage]:
    """An hour on the pull request's branch, which ends with a commit of it."""
    last = usage_of(pull, COMMITS - 1)
    return [
        msgspec.structs.replace(
            last,
            request_id=f"new-{i}",
            session_id="new",
            at=last.at - timedelta(minutes=REQUESTS - 1 - i),
            work=last.work if i == REQUESTS - 1 else Work(edited_files=last.work.edited_files[:1]),
        )
        for i in range(REQUESTS)
    ]


def whole_index(connection: Connection) -> RepositoryIndex:
    """Of everything: what placing a session took without the look-ups."""
    pulls = [
        msgspec.json.decode(row.facts, type=PullRequest) for row in connection.execute(select(pull_store.pulls.c.facts))
    ]
    reports = [
        msgspec.json.decode(row.facts, type=ReportedCommit)
        for row in connection.execute(select(commit_store.commits.c.facts))
    ]
    pulls = with_reports(pulls, reports)
    return RepositoryIndex(pulls, "main", direct=direct_commits(pulls, reports, "main"))


def _row(database: Database, count: int) -> str:
    # Two days old: a pull request that is closed, with others of the same person before and after it.
    session = new_session(pull_of(count - 90, count))
    with database.read() as connection:
        counted: Any = _CountedConnection(connection)
        index = index_for(counted, KEY, "main", "", session)
        rows, counted.rows = counted.rows, 0
        whole = whole_index(counted)
        claims = attribute(session, index)
        assert claims == attribute(session, whole)
        assert all(claim.numbers == (count - 90,) for claim in claims.values())
        placing = cpu_ms(lambda: attribute(session, index_for(connection, KEY, "main", "", session)), 20)
        before = cpu_ms(lambda: attribute(session, whole_index(connection)), 1)
    return f"{placing:>9.1f}{rows:>7,}{len(index.by_number):>12,}{before:>15,.0f}{counted.rows:>9,}"


def cpu_ms(work: Callable[[], object], times: int) -> float:
    """Median CPU time of this process, in milliseconds."""
    durations: list[float] = []
    for _ in range(times):
        start = time.process_time()
        work()
        durations.append((time.process_time() - start) * 1000)
    return statistics.median(durations)


class _CountedConnection:
    """Counts the rows that statements return."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.rows = 0

    def execute(self, *arguments: Any) -> Any:
        result = self._connection.execute(*arguments).freeze()
        self.rows += len(result.data)
        return result()


if __name__ == "__main__":
    sys.exit(main())
