"""Drains the wanted work. Holds the one broad `except`: whatever goes wrong is kept with its job and tried again later."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DBAPIError

from bot import alerts, attribute, budgets, checks, comments, weekly
from bot.commands import run as commands
from bot.context import Bot
from bot.github import sync_account, sync_issue, sync_pull
from bot.github.client import Limited
from bot.github.write_comment import NotYet, before_turn
from bot.notify import NotSent
from bot.store import accounts as account_store
from bot.work import queue
from bot.work.queue import Claimed

log = logging.getLogger(__name__)

_AT_ONCE = 10
_IDLE_SECONDS = 1.0


async def _place(bot: Bot, claimed: Claimed) -> None:
    attribute.sessions(bot, claimed)


async def _settled(bot: Bot, claimed: Claimed) -> None:
    comments.settled(bot, claimed)


KINDS: dict[str, Callable[[Bot, Claimed], Awaitable[None]]] = {
    "installations": lambda bot, _: sync_account.all_installations(bot),
    "installation": lambda bot, claimed: sync_account.installation(bot, *claimed.ids),
    "recent": lambda bot, claimed: sync_account.recent(bot, *claimed.ids),
    "pull": lambda bot, claimed: sync_pull.pull(bot, *claimed.ids),
    "issue": lambda bot, claimed: sync_issue.issue(bot, *claimed.ids),
    "commands": commands.obey,
    "place": _place,
    "comment": comments.comment,
    "issue_comment": comments.issue_comment,
    "check": checks.check,
    "alerts": alerts.watch,
    "alert_comment": alerts.tell,
    "budget": budgets.watch,
    "notices": budgets.deliver,
    "settled": _settled,
    "week": weekly.issue,
}
# Of what is due at once, facts come before what people said, and that before what is written: a repository just made public is
# known to be so before anything is said in it.
_ORDER = {kind: i for i, kind in enumerate(KINDS)}


async def run_forever(bot: Bot, stopped: asyncio.Event) -> None:
    """Work until `stopped` is set; what is being worked on is finished first."""
    while not stopped.is_set():
        try:
            worked = await run_due(bot)
        except DBAPIError as error:  # the database is away: everything wanted is in it and waits
            log.warning("the database does not answer: %s", error.orig)
            worked = 0
        if worked == 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _IDLE_SECONDS)


async def run_due(bot: Bot) -> int:
    """Claim what is due and do it, one piece after the other. Returns how many pieces were claimed."""
    claimed = queue.claim(bot.database, bot.clock(), _AT_ONCE)
    for one in sorted(claimed, key=lambda one: _ORDER.get(one.kind, len(_ORDER))):
        await _run(bot, one)
    return len(claimed)


async def _run(bot: Bot, claimed: Claimed) -> None:
    try:
        if claimed.kind in queue.WRITERS:
            before_turn(bot, claimed)
        if not queue.renew(bot.database, claimed, bot.clock()):
            return
        await KINDS[claimed.kind](bot, claimed)
    except NotYet as error:
        queue.postpone(bot.database, claimed, error.at_ms)
    except Limited as error:
        with bot.database.write() as connection:
            account_store.pause_installation(connection, claimed.ids[0], error.until_ms)
        queue.postpone(bot.database, claimed, error.until_ms)
        log.warning("%s", error)
    except NotSent as error:
        queue.fail(bot.database, claimed, str(error), bot.clock())
        log.warning("%s: %s", claimed.kind, error)
    except Exception as error:
        queue.fail(bot.database, claimed, f"{type(error).__name__}: {error}"[:500], bot.clock())
        log.exception("%s %s failed, attempt %d", claimed.kind, claimed.key, claimed.attempts)
    else:
        queue.finish(bot.database, claimed)
