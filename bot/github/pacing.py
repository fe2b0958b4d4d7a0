"""When the bot may write to GitHub: one account after the other, with a pause between writes."""

from bot.context import Bot
from bot.errors import NotYet
from bot.store import accounts as account_store
from bot.work import queue
from bot.work.queue import Lease

# GitHub asks for at least a second between writes, and for few of them:
# https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests
PAUSE_MS = 1000


def wait_for_turn(bot: Bot, lease: Lease) -> None:
    """Raises `NotYet` while nothing may be written for this account: another piece of the same batch did just now."""
    with bot.database.read() as connection:
        account = account_store.account(connection, lease.account_id)
    if account is not None and account.next_write_at_ms > bot.clock():
        raise NotYet(account.next_write_at_ms)


def take_turn(bot: Bot, lease: Lease) -> None:
    """The last look before a write: the work is still this worker's, and it is the account's turn. Raises `NotYet`."""
    wait_for_turn(bot, lease)
    with bot.database.write() as connection:
        if not queue.is_ours(connection, lease):
            raise NotYet(bot.clock())
        at_ms = account_store.take_write_turn(connection, lease.account_id, bot.clock(), PAUSE_MS)
    if at_ms is not None:
        raise NotYet(at_ms)
