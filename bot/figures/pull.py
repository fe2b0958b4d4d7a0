"""What a pull request's comment, check run and report are made from."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from attribution.evidence import PullRequest
from attribution.outcome import Details, outcomes
from bot.comment.view import CommentView
from bot.figures import costs, forecasts
from bot.repository_settings import Problem, RepositorySettings
from bot.store import commands as command_store
from bot.store import pulls as pull_store
from bot.store.commands import PullKey

Known = tuple[Mapping[int, PullRequest], Mapping[int, Details]]


def view_of(
    connection: Connection,
    key: PullKey,
    known: Known,
    settings: RepositorySettings,
    problem: Problem | None,
    now: datetime,
) -> CommentView:
    """Everything about a pull request by what is stored now. `known` are all pull requests of its repository."""
    row, cost = pull_store.pull(connection, key), costs.of_pull(connection, settings, key)
    is_open = key[2] in known[0] and known[0][key[2]].closed_at is None
    likely = forecasts.of_pull(connection, key[:2], key[2], known[0], now) if cost.budget and is_open else None
    ended = outcomes(*known, now, window=settings.survives_after)
    return CommentView(
        cost=cost,
        head_sha=row.head_sha if row else "",
        settings_problem=str(problem or ""),
        suggestions=tuple(command_store.suggested_to(connection, key)),
        outcome=ended.get(key[2]),
        survival_days=settings.survival_days,
        forecast=likely,
        is_enforced=settings.enforce,
    )
