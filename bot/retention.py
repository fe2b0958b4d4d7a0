"""Months that are not kept any more: their details are removed, one account after the other, in short transactions. What they came
to stays in the sums by day."""

from collections.abc import Iterator
from datetime import datetime

from bot.clock import Clock, from_ms, to_ms
from bot.context import Bot
from bot.errors import NotYet
from bot.repository_settings import OperatorSettings
from bot.store import accounts as account_store
from bot.store import months, removal
from bot.store import repositories as repository_store
from bot.store.charge_ids import first_id_ms, minute_of
from bot.store.database import Database
from bot.store.tables import Account
from bot.work import queue
from bot.work.queue import Kind, Lease, Work

WORK = Work(Kind.RETENTION)
# Then other work of its kind has its turn, such as the hourly sweep.
_MOST_PIECES = 200
# Until a month that somebody reads is dropped.
_DROP_AGAIN_MS = 10 * 60_000


def kept_from_ms(operator: OperatorSettings, now: datetime) -> int:
    """The beginning of the first month whose details are kept: so many whole months, and the one that goes on. 0: all are."""
    if operator.retention_months is None:
        return 0
    return to_ms(months.earlier(months.month_at(now), operator.retention_months).from_at)


def request_due(database: Database, operator: OperatorSettings, clock: Clock) -> None:
    """Request the removal of what is not kept any more, if there is any."""
    with database.read() as connection:
        if not account_store.due_for_removal(connection, kept_from_ms(operator, from_ms(clock()))):
            return
    with database.write() as connection:
        if queue.next_due_at_ms(connection, WORK) is None:
            queue.request(connection, [WORK], clock())


def run(bot: Bot, lease: Lease) -> None:
    """Remove what is not kept any more. Raises `NotYet` where there is more."""
    before_ms = kept_from_ms(bot.operator, from_ms(bot.clock()))
    with bot.database.read() as connection:
        due = account_store.due_for_removal(connection, before_ms)
    turns = iter(range(_MOST_PIECES))
    for account in due:
        _remove(bot, lease, account, max(before_ms, account.kept_from_ms), turns)
    with bot.database.read() as connection:
        removed_before_ms = account_store.removed_before_ms(connection)
    if not months.drop_before(bot.database, removed_before_ms):
        raise NotYet(bot.clock() + _DROP_AGAIN_MS)


def _remove(bot: Bot, lease: Lease, account: Account, before_ms: int, turns: Iterator[int]) -> None:
    """What is older than that, in pieces, each of which notes how far it came. Raises `NotYet` when there are no turns left."""
    account_id, from_id = account.account_id, first_id_ms(account.removed_before_ms)
    with bot.database.write() as connection:  # from here on nobody reads what is being removed
        account_store.lock(connection, account_id)
        account_store.keep_from(connection, account_id, before_ms)
        repositories = repository_store.repositories_of(connection, account_id)
    for repository in repositories:
        while _has_turn(bot, lease, turns):
            with bot.database.write() as connection:
                account_store.lock(connection, account_id)
                if not removal.remove_sessions(connection, repository.key, before_ms):
                    break
    while _has_turn(bot, lease, turns):
        with bot.database.write() as connection:
            account_store.lock(connection, account_id)
            next_id = removal.remove_charges(connection, account_id, from_id, before_ms)
            removed_ms = before_ms if next_id is None else minute_of(next_id) * 60_000
            account_store.note_removal(connection, account_id, removed_ms)
        if next_id is None:
            break
        from_id = next_id


def _has_turn(bot: Bot, lease: Lease, turns: Iterator[int]) -> bool:
    if next(turns, None) is None or not queue.renew(bot.database, lease, bot.clock()):
        raise NotYet(bot.clock())
    return True
