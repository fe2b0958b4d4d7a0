"""What a pull request's comment, check run and report are made from."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from attribution.evidence import PullRequest
from attribution.outcome import Details, outcomes
from bot.comment.view import CommentView
from bot.figures import costs, forecasts
from bot.keys import PullKey
from bot.repository_settings import Problem, RepositorySettings
from bot.store import commands as command_store
from bot.store import pulls as pull_store

AllPulls = tuple[Mapping[int, PullRequest], Mapping[int, Details]]


def view_of(
    connection: Connection,
    key: PullKey,
    pulls: AllPulls,
    settings: RepositorySettings,
    problem: Problem | None,
    now: datetime,
) -> CommentView:
    """Everything about a pull request by what is stored now. `pulls` are all pull requests of its repository."""
    row, cost = pull_store.pull(connection, key), costs.of_pull(connection, settings, key)
    is_open = key.number in pulls[0] and pulls[0][key.number].closed_at is None
    likely = (
        forecasts.of_pull(connection, key.repository, key.number, pulls[0], now) if cost.budget and is_open else None
    )
    ended = outcomes(*pulls, now, window=settings.survives_after)
    return CommentView(
        cost=cost,
        head_sha=row.head_sha if row else "",
        settings_problem=str(problem or ""),
        suggestions=tuple(command_store.suggested_to(connection, key)),
        outcome=ended.get(key.number),
        survival_days=settings.survival_days,
        forecast=likely,
        is_enforced=settings.enforce,
    )
