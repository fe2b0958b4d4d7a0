"""Spend of repositories in a period by one thing at a time, as the report and the API show it."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from attribution.breakdown import BreakdownRow, By, PullFacts, breakdown
from attribution.issues import issues_of_pulls
from bot.keys import RepositoryKey
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import totals as total_store
from bot.store.tables import Repository


def of_repositories(
    connection: Connection, repositories: Iterable[Repository], by: By, span_ms: tuple[int, int], zone: ZoneInfo
) -> list[BreakdownRow]:
    """Everything that was used in these repositories within `span_ms` (end not included), by one thing."""
    rows = list(repositories)
    cells = [cell for row in rows for cell in total_store.cells(connection, row, by, span_ms)]
    named = rows if by in ("pull", "issue", "label") else []
    facts = {row.full_name: pull_facts(connection, RepositoryKey(row.account_id, row.repository_id)) for row in named}
    return breakdown(by, cells, facts, zone)


def pull_facts(connection: Connection, key: RepositoryKey) -> PullFacts:
    pulls, details = pull_store.all_pulls(connection, key)
    issues = issue_store.all_issues(connection, key)
    return PullFacts(issues_of_pulls(pulls, details, issues), details, issues)
