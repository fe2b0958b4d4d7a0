"""What a pull request cost, and the view that its comment, check run and report are rendered from."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from attribution.cost import Cost
from attribution.evidence import Evidence, Stage
from attribution.outcome import outcomes
from attribution.report import PullRequestCost, Suggestion, pull_request_cost, with_sums
from bot.clock import from_ms
from bot.comment.view import CommentView
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.keys import PullKey
from bot.repository_settings import Problem, RepositorySettings
from bot.store import accounts as account_store
from bot.store import bookings as booking_store
from bot.store import commands as command_store
from bot.store import pulls as pull_store
from bot.store import recount
from bot.store import totals as total_store


def cost_of(connection: Connection, settings: RepositorySettings, key: PullKey) -> PullRequestCost:
    return _cost_of(connection, settings, key, command_store.suggested_to(connection, key))


def _cost_of(
    connection: Connection, settings: RepositorySettings, key: PullKey, suggested: Iterable[Suggestion]
) -> PullRequestCost:
    kept_from_ms = account_store.kept_from_ms(connection, key.account_id)
    first_day = total_store.first_days(connection, key.repository, [key.number]).get(key.number)
    is_whole = first_day is None or recount.is_kept(first_day, kept_from_ms)
    since_ms = total_store.beginning_ms(first_day) if first_day is not None else 0
    parts = booking_store.parts_of(connection, key, max(since_ms, kept_from_ms))
    sessions = {(part.tool, part.session_id) for part in parts}
    session_totals = booking_store.session_totals(connection, key.repository, sessions)
    budget = budget_figures.of_pull(connection, settings, key)
    cost = pull_request_cost(key.number, parts, session_totals)
    if not is_whole:
        cost = _with_sums(connection, key, cost, from_ms(kept_from_ms))
    unconfirmed = [near for near in suggested if near.evidence == Evidence.IMPLAUSIBLE]
    return msgspec.structs.replace(cost, budget=budget, unconfirmed=tuple(unconfirmed))


def _with_sums(connection: Connection, key: PullKey, cost: PullRequestCost, details_from: datetime) -> PullRequestCost:
    by_stage: defaultdict[Stage, Cost] = defaultdict(Cost)
    for spend in total_store.spent_on(connection, key.repository, [key.number]):
        by_stage[spend.stage] += spend.cost
    return with_sums(cost, by_stage, *total_store.used_for(connection, key), details_from)


def view_of(
    connection: Connection,
    key: PullKey,
    settings: RepositorySettings,
    problem: Problem | None,
    now: datetime,
) -> CommentView:
    """Everything about a pull request by what is stored now."""
    row, suggested = pull_store.pull(connection, key), command_store.suggested_to(connection, key)
    cost = _cost_of(connection, settings, key, suggested)
    pulls, details = pull_store.with_reverts(connection, key.repository, [key.number])
    facts = pulls.get(key.number)
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
