"""Spend of repositories in a period by one thing at a time, as the report and the API show it."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import Connection

from attribution.breakdown import BreakdownRow, By, Cell, PullFacts, breakdown
from attribution.issues import issues_of_pulls
from bot.keys import RepositoryKey
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import totals as total_store
from bot.store.tables import Repository


def of_repositories(
    connection: Connection, repositories: Iterable[Repository], by: By, span: tuple[date, date]
) -> list[BreakdownRow]:
    """Everything that was used in these repositories from a day on, up to another (not included), by one thing. Days are those of
    each repository's time zone."""
    by_account: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for row in repositories:
        by_account[row.account_id][row.repository_id] = row.full_name
    cells: list[Cell] = []
    facts: dict[str, PullFacts] = {}
    for account_id, names in by_account.items():
        own = total_store.cells(connection, account_id, names, by, span)
        cells += own
        if by in ("pull", "issue", "label"):
            numbers: defaultdict[str, set[int]] = defaultdict(set)
            for cell in own:
                if cell.pull_number is not None:
                    numbers[cell.repository].add(cell.pull_number)
            for repository_id, name in names.items():
                if numbers[name]:
                    facts[name] = pull_facts(connection, RepositoryKey(account_id, repository_id), numbers[name])
    return breakdown(by, cells, facts)


def pull_facts(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> PullFacts:
    """What names these pull requests, and the issues that they serve."""
    pulls, details = pull_store.by_number(connection, key, numbers)
    issues = issue_store.served_by(connection, key, (pulls, details))
    return PullFacts(issues_of_pulls(pulls, details, issues), details, issues)
