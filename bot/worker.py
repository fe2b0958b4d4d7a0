"""Does a piece of work. Holds the one broad `except`: whatever goes wrong is stored with its piece and tried again later."""

import logging
from collections.abc import Awaitable, Callable

from bot import alerts, attribute, budgets, comments, ledger_check, notices, retention, time_zone, weekly
from bot.commands import run as commands
from bot.context import Bot
from bot.errors import NotYet
from bot.github import redeliver, sync_account, sync_issue, sync_pull
from bot.github.client import GitHubError, Limited, Missing, NotInstalled, Refusal
from bot.github.pacing import check_turn
from bot.notify import NotSent
from bot.store import accounts as account_store
from bot.store.database import Unavailable
from bot.work import queue
from bot.work.queue import WRITERS, Kind, Lease, Work

log = logging.getLogger(__name__)

_BATCH = 10

# True from a use-case that has finished its lease itself, in the transaction that stored its result.
Result = bool | None
UseCase = Callable[[Bot, Lease], Awaitable[Result] | Result]

USE_CASES: dict[Kind, UseCase] = {
    Kind.DELIVERIES: lambda bot, _: redeliver.failed(bot),
    Kind.ACCOUNTS: lambda bot, _: sync_account.all_accounts(bot),
    Kind.ACCOUNT: lambda bot, lease: sync_account.account(bot, lease.account_id, lease.work.number),
    Kind.RECENT: lambda bot, lease: sync_account.recent(bot, lease.repository),
    Kind.PULL: lambda bot, lease: sync_pull.pull(bot, lease.pull),
    Kind.ISSUE: lambda bot, lease: sync_issue.issue(bot, lease.pull),
    Kind.COMMANDS: commands.run,
    Kind.ATTRIBUTE: attribute.sessions,
    Kind.TIME_ZONE: time_zone.change,
    Kind.COMMENT: comments.pull,
    Kind.ISSUE_COMMENT: comments.issue,
    Kind.SURVIVAL: comments.survival,
    Kind.ALERTS: alerts.watch,
    Kind.ALERT_COMMENT: alerts.write,
    Kind.BUDGETS: budgets.watch,
    Kind.NOTICES: notices.deliver,
    Kind.WEEK: weekly.issue,
    Kind.LEDGER: ledger_check.run,
    Kind.RETENTION: retention.run,
}
ORDER = {kind: i for i, kind in enumerate(Kind)}


async def run_due(bot: Bot) -> int:
    """Claim what is due and do it here, one piece after the other. Returns how many pieces were claimed."""
    leases = queue.claim(bot.database, bot.clock(), _BATCH)
    for lease in sorted(leases, key=lambda lease: ORDER[lease.work.kind]):
        await run(bot, lease)
    return len(leases)


async def run(bot: Bot, lease: Lease) -> None:
    """Do one piece of work, and note in the queue what became of it."""
    kind = lease.work.kind
    try:
        if kind in WRITERS:  # that the lease is still ours is seen when the turn is taken
            check_turn(bot, lease)
        elif not queue.renew(bot.database, lease, bot.clock()):
            return
        result = USE_CASES[kind](bot, lease)
        is_finished = await result if isinstance(result, Awaitable) else result
    except NotYet as error:
        queue.postpone(bot.database, lease, error.at_ms)
    except Limited as error:
        with bot.database.write() as connection:
            until_ms = account_store.pause(
                connection, lease.account_id, error.until_ms, bot.clock(), is_secondary=error.is_secondary
            )
        queue.postpone(bot.database, lease, until_ms)
        log.warning("%s", error)
    except (Missing, Refusal) as error:
        has_ended = queue.refuse(bot.database, lease, str(error), bot.clock())
        log.log(logging.ERROR if has_ended else logging.WARNING, "%s: %s", lease.work, error)
    except (GitHubError, NotSent) as error:
        queue.fail(bot.database, lease, str(error), bot.clock())
        if isinstance(error, NotInstalled):
            _look_at_installation(bot, lease)
        log.warning("%s: %s", kind, error)
    except Exception as error:
        if isinstance(error, Unavailable) and error.is_contention:
            queue.postpone(bot.database, lease, bot.clock())
            log.warning("%s is done again: %s", lease.work, error.reason)
            return
        queue.fail(bot.database, lease, f"{type(error).__name__}: {error}"[:500], bot.clock())
        log.exception("%s failed, attempt %d", lease.work, lease.attempts)
    else:
        if not is_finished:
            queue.finish(bot.database, lease)


def _look_at_installation(bot: Bot, lease: Lease) -> None:
    """No delivery said that it is suspended or gone: reading it has the queue hold its work back until it is there again."""
    with bot.database.write() as connection:
        if installation_id := account_store.installation_of(connection, lease.account_id):
            look = Work(Kind.ACCOUNT, lease.account_id, 0, installation_id)
            if look != lease.work:
                queue.request(connection, [look], bot.clock())
