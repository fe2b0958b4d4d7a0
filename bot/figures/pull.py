"""What a pull request cost, and the view that its comment, check run and report are rendered from."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from attribution.cost import Cost
from attribution.evidence import Evidence, PullRequest, Stage
from attribution.outcome import Details, outcomes
from attribution.periods import day_of
from attribution.report import PullRequestCost, Suggestion, pull_request_cost, with_sums
from attribution.usual import Usual
from attribution.week_report import Coverage
from bot.clock import from_ms
from bot.comment.view import CommentView
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.keys import PullKey, RepositoryKey
from bot.repository_settings import Problem, RepositorySettings
from bot.store import accounts as account_store
from bot.store import bookings as booking_store
from bot.store import commands as command_store
from bot.store import pulls as pull_store
from bot.store import recount
from bot.store import totals as total_store

# Who was on holiday still reports.
_REPORTS_WITHIN = timedelta(weeks=8)


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
    usual: Usual | None = None,
) -> CommentView:
    """Everything about a pull request by what is stored now, and beside it what merges usually cost."""
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
        usual=usual,
        coverage=_coverage(connection, settings, key.repository, facts, details.get(key.number)),
    )


def _coverage(
    connection: Connection,
    settings: RepositorySettings,
    key: RepositoryKey,
    facts: PullRequest | None,
    details: Details | None,
) -> Coverage:
    """How many people wrote its commits, and from how many of them anything reached us since eight weeks before it was opened."""
    if facts is None or details is None or not details.authors:
        return Coverage(people=0, seen_people=0)
    since = day_of(facts.created_at - _REPORTS_WITHIN, settings.zone)
    reporting = total_store.reporting(connection, key, details.authors, since)
    return Coverage(people=len(details.authors), seen_people=len(reporting))
