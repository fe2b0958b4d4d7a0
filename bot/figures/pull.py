"""What a pull request cost, and the view that its comment, check run and report are rendered from."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from attribution.evidence import Evidence
from attribution.outcome import outcomes
from attribution.report import PullRequestCost, pull_request_cost
from bot.comment.view import CommentView
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.keys import PullKey
from bot.repository_settings import Problem, RepositorySettings
from bot.store import commands as command_store
from bot.store import ledger as ledger_store
from bot.store import pulls as pull_store


def cost_of(connection: Connection, settings: RepositorySettings, key: PullKey) -> PullRequestCost:
    booked = ledger_store.booked_to(connection, key)
    sessions = {(charge.usage.tool, charge.usage.session_id) for charge, _ in booked}
    session_totals = ledger_store.session_totals(connection, key.repository, sessions)
    budget = budget_figures.of_pull(connection, settings, key)
    cost = pull_request_cost(key.number, booked, session_totals)
    unconfirmed = [
        near for near in command_store.suggested_to(connection, key) if near.evidence == Evidence.IMPLAUSIBLE
    ]
    return msgspec.structs.replace(cost, budget=budget, unconfirmed=tuple(unconfirmed))


def view_of(
    connection: Connection,
    key: PullKey,
    settings: RepositorySettings,
    problem: Problem | None,
    now: datetime,
) -> CommentView:
    """Everything about a pull request by what is stored now."""
    row, cost = pull_store.pull(connection, key), cost_of(connection, settings, key)
    pulls, details = pull_store.with_reverts(connection, key.repository, [key.number])
    facts, suggested = pulls.get(key.number), command_store.suggested_to(connection, key)
    forecast = None
    if cost.budget is not None and facts is not None and facts.closed_at is None:
        forecast = forecasts.of_pull(connection, key.repository, facts, now)
    return CommentView(
        cost=cost,
        head_sha=row.head_sha if row else "",
        settings_problem=str(problem or ""),
        suggestions=tuple(near for near in suggested if near.evidence != Evidence.IMPLAUSIBLE),
        outcome=outcomes(pulls, details, now, window=settings.survives_after).get(key.number),
        survival_days=settings.survival_days,
        forecast=forecast,
        is_enforced=settings.enforce,
        is_approved_by_others=settings.approvals == "others",
    )
