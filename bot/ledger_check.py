"""Every promise of the ledger, checked each night for what changed since the night before. A broken one is an error in the log."""

import logging

from sqlalchemy import Connection

from attribution.ledger import LedgerError, check
from bot.clock import DAY_MS, Clock
from bot.context import Bot
from bot.store import accounts as account_store
from bot.store import ledger_history
from bot.store.database import Database
from bot.work import queue
from bot.work.queue import Kind, Lease, Work

log = logging.getLogger(__name__)

# So many are named in the log; the command names all.
_MOST_NAMED = 20


def broken_promises(connection: Connection, account_id: int, since_ms: int = 0) -> list[LedgerError]:
    """What is wrong in an account's ledger, of the charges that changed since then."""
    return [error for batch in ledger_history.batches(connection, account_id, since_ms) for error in check(*batch)]


def run(bot: Bot, lease: Lease) -> None:
    """Check what changed in one account's ledger since the last check."""
    now_ms = bot.clock()
    with bot.database.read() as connection:
        account = account_store.account(connection, lease.account_id)
        if account is None:
            return
        errors = broken_promises(connection, account.account_id, account.ledger_checked_at_ms)
    for error in errors[:_MOST_NAMED]:
        log.error("ledger of %s: %s %s: %s", account.login, error.tool, error.request_id, error.problem)
    if len(errors) > _MOST_NAMED:
        log.error("ledger of %s: %d more; `mergecost ledger check` names all", account.login, len(errors) - _MOST_NAMED)
    # What is broken stays due: the next check sees it again until it is repaired.
    checked_at_ms = account.ledger_checked_at_ms if errors else now_ms
    with bot.database.write() as connection:
        account_store.note_check(connection, account.account_id, checked_at_ms, len(errors))


def request_due(database: Database, clock: Clock) -> None:
    """Request the check of every ledger that was not checked for a day."""
    now_ms = clock()
    with database.write() as connection:
        accounts = account_store.due_for_a_check(connection, now_ms - DAY_MS)
        work = [Work(Kind.LEDGER, account.account_id) for account in accounts]
        idle = [piece for piece in work if queue.next_due_at_ms(connection, piece) is None]
        queue.request(connection, idle, now_ms)
