"""Notices: what is stored to be sent outside is sent, oldest first."""

from bot.context import Bot
from bot.notify import Message
from bot.store import budgets as budget_store
from bot.store import repositories as repository_store
from bot.store.tables import NoticeRow
from bot.work import queue
from bot.work.queue import Lease


async def deliver(bot: Bot, lease: Lease) -> None:
    """Send the notices of one repository. Raises `NotSent` for the worker, which tries again later."""
    key = lease.repository
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, key)
        waiting = budget_store.new_outside(connection, key)
    if repository is None:
        return
    url = bot.repository_settings(repository)[0].alert_url
    for notice in waiting:
        if not queue.renew(bot.database, lease, bot.clock()):
            return
        if url:
            await bot.outbox.post(url, message(notice), bot.clock())
        with bot.database.write() as connection:
            budget_store.note_state(connection, notice, "sent" if url else "kept")


def message(notice: NoticeRow) -> Message:
    """The same notice has the same id however often it is sent, so that a receiver can tell."""
    about = f"{notice.account_id}/{notice.repository_id}/{notice.kind}/{notice.about}/{notice.level}"
    return Message(about, notice.text)
