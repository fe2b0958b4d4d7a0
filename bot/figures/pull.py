"""What a pull request cost, and the view that its comment, check run and report are rendered from."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from attribution.evidence import PullRequest
from attribution.outcome import Details, outcomes
from attribution.report import PullRequestCost, pull_request_cost
from bot.comment.view import CommentView
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.keys import PullKey
from bot.repository_settings import Problem, RepositorySettings
from bot.store import commands as command_store
from bot.store import ledger as ledger_store
from bot.store import pulls as pull_store

# All pull requests of a repository, and their details.
AllPulls = tuple[Mapping[int, PullRequest], Mapping[int, Details]]


def cost_of(connection: Connection, settings: RepositorySettings, key: PullKey) -> PullRequestCost:
    booked = ledger_store.booked_to(connection, key)
    sessions = {(charge.usage.tool, charge.usage.session_id) for charge, _ in booked}
    session_totals = ledger_store.session_totals(connection, key.repository, sessions)
    budget = budget_figures.of_pull(connection, settings, key)
    return msgspec.structs.replace(pull_request_cost(key.number, booked, session_totals), budget=budget)


def view_of(
    connection: Connection,
    key: PullKey,
    pulls: AllPulls,
    settings: RepositorySettings,
    problem: Problem | None,
    now: datetime,
) -> CommentView:
    """Everything about a pull request by what is stored now."""
    row, cost = pull_store.pull(connection, key), cost_of(connection, settings, key)
    facts = pulls[0].get(key.number)
    is_open = facts is not None and facts.closed_at is None
    has_forecast = cost.budget is not None and is_open
    return CommentView(
        cost=cost,
        head_sha=row.head_sha if row else "",
        settings_problem=str(problem or ""),
        suggestions=tuple(command_store.suggested_to(connection, key)),
        outcome=outcomes(*pulls, now, window=settings.survives_after).get(key.number),
        survival_days=settings.survival_days,
        forecast=forecasts.of_pull(connection, key.repository, key.number, pulls[0], now) if has_forecast else None,
        is_enforced=settings.enforce,
    )
