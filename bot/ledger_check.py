"""Every promise of the ledger, and its sums by day, checked each night for what changed since the night before. A broken one is an
error in the log."""

import logging

from attribution.ledger import check
from attribution.periods import QUARTER_MS, day_of
from bot.clock import DAY_MS, Clock, from_ms, to_ms
from bot.context import Bot
from bot.store import accounts as account_store
from bot.store import ledger_history, recount
from bot.store import repositories as repository_store
from bot.store.database import Database
from bot.work import queue
from bot.work.queue import Kind, Lease, Work

log = logging.getLogger(__name__)

# So many are named in the log; the command names all.
_MOST_NAMED = 20


def broken_promises(database: Database, account_id: int, since_ms: int = 0) -> list[str]:
    """What is wrong in an account's ledger, of the charges that changed since then, and in the sums of their days."""
    problems: list[str] = []
    quarters: set[tuple[int, int]] = set()
    with database.read() as connection:
        repositories = repository_store.repositories_of(connection, account_id)
        for charges, shares in ledger_history.batches(connection, account_id, since_ms):
            problems += [f"{error.tool} {error.request_id}: {error.problem}" for error in check(charges, shares)]
            usages = [charge.usage for charge in charges]
            quarters |= {(int(usage.context.repository), to_ms(usage.at) // QUARTER_MS) for usage in usages}
    for repository in repositories:
        own = [quarter for repository_id, quarter in quarters if repository_id == repository.repository_id]
        for day in sorted({day_of(from_ms(quarter * QUARTER_MS), repository.zone) for quarter in own}):
            if problem := recount.verify(database, repository.key, day).problem:
                problems.append(f"{repository.full_name} on {day}: {problem}")
    return problems


def run(bot: Bot, lease: Lease) -> None:
    """Check what changed in one account's ledger since the last check."""
    now_ms = bot.clock()
    with bot.database.read() as connection:
        account = account_store.account(connection, lease.account_id)
        if account is None:
            return
    problems = broken_promises(bot.database, account.account_id, account.ledger_checked_at_ms)
    for problem in problems[:_MOST_NAMED]:
        log.error("ledger of %s: %s", account.login, problem)
    if len(problems) > _MOST_NAMED:
        log.error(
            "ledger of %s: %d more; `mergecost ledger check` names all", account.login, len(problems) - _MOST_NAMED
        )
    # What is broken stays due: the next check sees it again until it is repaired.
    checked_at_ms = account.ledger_checked_at_ms if problems else now_ms
    with bot.database.write() as connection:
        account_store.note_check(connection, account.account_id, checked_at_ms, len(problems))


def request_due(database: Database, clock: Clock) -> None:
    """Request the check of every ledger that was not checked for a day."""
    now_ms = clock()
    with database.write() as connection:
        accounts = account_store.due_for_a_check(connection, now_ms - DAY_MS)
        work = [Work(Kind.LEDGER, account.account_id) for account in accounts]
        idle = [piece for piece in work if queue.next_due_at_ms(connection, piece) is None]
        queue.request(connection, idle, now_ms)
