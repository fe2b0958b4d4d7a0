"""Spend of repositories in a period by one thing at a time, as the report and the API show it."""

from collections.abc import Collection, Iterable
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from attribution.breakdown import BreakdownRow, By, Cell, PullFacts, breakdown
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
    cells: list[Cell] = []
    facts: dict[str, PullFacts] = {}
    for row in rows:
        own = total_store.cells(connection, row, by, span_ms)
        cells += own
        if by in ("pull", "issue", "label"):
            numbers = {cell.pull_number for cell in own if cell.pull_number is not None}
            facts[row.full_name] = pull_facts(connection, row.key, numbers)
    return breakdown(by, cells, facts, zone)


def pull_facts(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> PullFacts:
    """What names these pull requests, and the issues that they serve."""
    pulls, details = pull_store.by_number(connection, key, numbers)
    issues = issue_store.served_by(connection, key, (pulls, details))
    return PullFacts(issues_of_pulls(pulls, details, issues), details, issues)
