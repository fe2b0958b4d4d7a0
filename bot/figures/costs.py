"""What things cost, as view models: the same for the comment, the weekly issue, the report and the API."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from attribution.breakdown import By, Slice, Tied, slices
from attribution.issues import IssueCost, family, issue_cost, issues_of_pulls
from attribution.report import PullRequestCost, pull_request_cost
from attribution.totals import pull_totals
from bot.figures import budgets as budget_figures
from bot.keys import IssueKey, PullKey, RepositoryKey
from bot.repository_settings import RepositorySettings
from bot.store import issues as issue_store
from bot.store import ledger as ledger_store
from bot.store import pulls as pull_store
from bot.store import totals as total_store
from bot.store.tables import Repository


def of_pull(connection: Connection, settings: RepositorySettings, key: PullKey) -> PullRequestCost:
    booked = ledger_store.booked_to(connection, key)
    sessions = {(charge.usage.tool, charge.usage.session_id) for charge, _ in booked}
    totals = ledger_store.session_totals(connection, key.repository, sessions)
    budget = budget_figures.of_pull(connection, settings, key)
    return msgspec.structs.replace(pull_request_cost(key.number, booked, totals), budget=budget)


def of_issue(connection: Connection, key: IssueKey) -> IssueCost | None:
    """None if we have not looked at the issue."""
    number = key.number
    tied = _tied(connection, key.repository)
    if number not in tied.issues:
        return None
    below = set(family(number, tied.issues))
    serving = [one for one, served in tied.links.items() if below.intersection(served)]
    totals = pull_totals(total_store.spent_on(connection, key.repository, serving))
    return issue_cost(number, tied.issues, tied.links, totals, tied.details)


def cut(
    connection: Connection, repositories: Iterable[Repository], by: By, span_ms: tuple[int, int], zone: ZoneInfo
) -> list[Slice]:
    """Everything that was used in these repositories from then until then, by one thing."""
    rows = list(repositories)
    pieces = [piece for row in rows for piece in total_store.pieces(connection, row, by, span_ms)]
    tied = {row.full_name: _tied(connection, RepositoryKey(row.account_id, row.repository_id)) for row in rows}
    return slices(by, pieces, tied if by in ("pull", "issue", "label") else {}, zone)


def _tied(connection: Connection, key: RepositoryKey) -> Tied:
    pulls, details = pull_store.all_pulls(connection, key)
    issues = issue_store.all_issues(connection, key)
    return Tied(issues_of_pulls(pulls, details, issues), details, issues)
