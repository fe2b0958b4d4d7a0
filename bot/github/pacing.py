"""When the bot may write to GitHub: one account after the other, with a pause between writes."""

import asyncio

from bot.context import Bot
from bot.errors import NotYet
from bot.store import accounts as account_store
from bot.trampoline import on_loop
from bot.work import queue
from bot.work.queue import Lease

# GitHub asks for at least a second between writes, and for few of them:
# https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests
PAUSE_MS = 1000


def check_turn(bot: Bot, lease: Lease) -> None:
    """Raises `NotYet` while the account's turn is so far away that finding out what to write would be in vain."""
    with bot.database.read() as connection:
        account = account_store.account(connection, lease.account_id)
    if account is not None and account.next_write_at_ms > bot.clock() + bot.patience_ms:
        raise NotYet(account.next_write_at_ms - bot.patience_ms)


async def take_turn(bot: Bot, lease: Lease) -> None:
    """The last look before a write: the work is still this worker's, and it is the account's turn, which is waited for if it is
    near. Raises `NotYet`."""
    while (at_ms := _turn(bot, lease)) is not None:
        if at_ms > bot.clock() + bot.patience_ms:
            raise NotYet(at_ms - bot.patience_ms)
        await on_loop(asyncio.sleep((at_ms - bot.clock()) / 1000))


def _turn(bot: Bot, lease: Lease) -> int | None:
    """None if the turn is taken, else when it is."""
    with bot.database.write() as connection:
        at_ms = account_store.take_write_turn(connection, lease.account_id, bot.clock(), PAUSE_MS)
        # After the account's row, as everywhere: rows of the queue are locked last.
        if not queue.is_ours(connection, lease):
            raise NotYet(bot.clock())
        return at_ms
