"""Budgets: people are notified once of each level, whatever the number of replicas, restarts and late sessions."""

from collections.abc import Iterable
from datetime import date

from attribution.budget import Budget, Scope, newly_reached
from attribution.money import show
from bot.clock import from_ms
from bot.context import Bot
from bot.figures import budgets as budget_figures
from bot.figures import forecasts
from bot.markdown import share_of
from bot.store import budgets as budget_store
from bot.store import repositories as repository_store
from bot.store.tables import Repository
from bot.work import queue
from bot.work.queue import Kind, Lease, Work


def note(bot: Bot, lease: Lease, repository: Repository, budgets: Iterable[Budget]) -> None:
    """Store what is newly reached. Of several levels at once the highest is sent; all of them count as reached."""
    settings, _ = bot.repository_settings(repository)
    key = lease.repository
    now_ms = bot.clock()
    with bot.database.write() as connection:
        if not queue.is_ours(connection, lease):
            return
        is_new = False
        for budget in budgets:
            kind, about = f"budget_{budget.scope}", budget_figures.about(budget)
            levels = newly_reached(budget, budget_store.levels(connection, key, kind, about))
            used_up = forecasts.used_up_on(connection, settings, key, budget, from_ms(now_ms)) if levels else None
            for level in levels:
                is_sent = level == levels[-1] and settings.alert_url
                is_new |= budget_store.save_notice(
                    bot.database,
                    connection,
                    key,
                    kind=kind,
                    about=about,
                    level=level,
                    at_ms=now_ms,
                    number=None,
                    text=words(budget, repository.full_name, used_up),
                    state="new" if is_sent else "kept",
                )
        if is_new:
            queue.request(connection, [Work(Kind.NOTICES, *key)], now_ms)


def watch(bot: Bot, lease: Lease) -> None:
    """Check the budgets of this week and month, and of the ones before."""
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, lease.repository)
        if repository is None:
            return
        settings, _ = bot.repository_settings(repository)
        running = budget_figures.running(connection, settings, lease.repository, from_ms(bot.clock()))
    note(bot, lease, repository, running)


def words(budget: Budget, full_name: str, used_up: date | None) -> str:
    """One notice in plain words. `used_up` is the day when the budget is used up at the current rate."""
    so_far, whole = budget.spend.amount, show(budget.budget_micros)
    amount = f"{so_far} of {whole} {budget.spend.kind_of_price}"
    what = _what(budget, full_name)
    if budget.is_over:
        return f"{what} is over its budget: {amount}."
    pace = f" At this rate it is used up on {used_up:%A, %-d %B}." if used_up else ""
    return (
        f"{what} has used {share_of(budget.spend.priced_micros, budget.budget_micros)} of its budget: {amount}.{pace}"
    )


def _what(budget: Budget, full_name: str) -> str:
    match budget.scope:
        case Scope.PULL:
            return f"{full_name}#{budget.name}"
        case Scope.WEEK:
            return f"{full_name} in week {budget.name[-2:].lstrip('0')} of {budget.name[:4]}"
        case Scope.MONTH:
            return f"{full_name} in {date.fromisoformat(f'{budget.name}-01'):%B %Y}"
