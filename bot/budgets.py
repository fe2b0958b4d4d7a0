"""Notices: told once for each level of a budget, whatever the number of replicas, restarts and late sessions, and then sent."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Row

from attribution.budget import Budget, Scope, newly_reached
from attribution.money import show
from bot.clock import from_ms
from bot.context import Bot
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.markdown import share_of
from bot.notify import Message
from bot.store import budgets as budget_store
from bot.store import repositories as repository_store
from bot.store.budgets import RepositoryKey
from bot.work import queue
from bot.work.queue import Claimed, Wanted


def note_budgets(bot: Bot, claimed: Claimed, repository: Row[Any], held: Iterable[Budget]) -> None:
    """Keep what is newly reached. Of several levels at once the highest is told; all of them count as told."""
    settings, _ = bot.repository_settings(repository)
    key = (repository.installation_id, repository.repository_id)
    now_ms = bot.clock()
    with bot.database.write() as connection:
        if not queue.is_ours(connection, claimed):
            return
        noted = False
        for budget in held:
            kind, about = f"budget_{budget.scope}", budget_figures.about(budget)
            reached = newly_reached(budget, budget_store.told(connection, key, kind, about))
            used_up = forecasts.used_up_on(connection, settings, key, budget, from_ms(now_ms)) if reached else None
            for level in reached:
                is_sent = level == reached[-1] and settings.alert_url
                noted |= budget_store.note(
                    bot.database,
                    connection,
                    key,
                    kind=kind,
                    about=about,
                    level=level,
                    noted_at_ms=now_ms,
                    says=words(budget, repository.full_name, used_up),
                    state="new" if is_sent else "kept",
                )
        if noted:
            queue.want(bot.database, connection, {delivery(key): 1}, now_ms)


async def watch(bot: Bot, claimed: Claimed) -> None:
    """Look how far this week and month, and those before, have come of their budgets."""
    installation_id, repository_id = claimed.ids
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
        if repository is None:
            return
        settings, _ = bot.repository_settings(repository)
        running = budget_figures.running(connection, settings, (installation_id, repository_id), from_ms(bot.clock()))
    note_budgets(bot, claimed, repository, running)


async def deliver(bot: Bot, claimed: Claimed) -> None:
    """Send what is to be sent, oldest first. Raises `NotSent` for the worker, which tries again later."""
    installation_id, repository_id = claimed.ids
    key = (installation_id, repository_id)
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
        waiting = budget_store.unsent(connection, key)
    if repository is None:
        return
    url = bot.repository_settings(repository)[0].alert_url
    for row in waiting:
        if not queue.renew(bot.database, claimed, bot.clock()):
            return
        if url:
            await bot.outbox.post(url, message(row), bot.clock())
        with bot.database.write() as connection:
            budget_store.note_sent(connection, row, "sent" if url else "kept")


def message(row: Row[Any]) -> Message:
    """The same notice has the same id however often it is sent, so that a receiver can tell."""
    parts = (row.installation_id, row.repository_id, row.kind, row.about, row.level)
    return Message("/".join(map(str, parts)), row.says)


def words(budget: Budget, full_name: str, used_up: date | None) -> str:
    """One notice in plain words. `used_up` is the day when that is so at the present rate."""
    spent, whole = show(budget.spent_micros), show(budget.budget_micros)
    amount = f"{spent} of {whole} at list price"
    what = _what(budget, full_name)
    if budget.is_over:
        return f"{what} is over its budget: {amount}."
    pace = f" At this rate it is used up on {used_up:%A, %-d %B}." if used_up else ""
    return f"{what} has used {share_of(budget.spent_micros, budget.budget_micros)} of its budget: {amount}.{pace}"


def _what(budget: Budget, full_name: str) -> str:
    match budget.scope:
        case Scope.PULL:
            return f"{full_name}#{budget.name}"
        case Scope.WEEK:
            return f"{full_name} in week {budget.name[-2:].lstrip('0')} of {budget.name[:4]}"
        case Scope.MONTH:
            return f"{full_name} in {date.fromisoformat(f'{budget.name}-01'):%B %Y}"


def delivery(key: RepositoryKey) -> Wanted:
    """Have what is to be sent sent."""
    return Wanted("notices", f"{key[0]}/{key[1]}")
