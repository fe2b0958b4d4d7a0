"""Another time zone of a repository: the ledger is summed up by its days, and from then on weeks and days are those everywhere."""

from bot.context import Bot, wanted_settings
from bot.repository_settings import OperatorSettings
from bot.store import recount
from bot.store import repositories as repository_store
from bot.store.tables import Repository
from bot.work.queue import Lease
from bot.work.stale import Change, Fact


def change(bot: Bot, lease: Lease) -> None:
    """Have the days of a repository be those of the time zone in its settings."""
    key = lease.repository
    with bot.database.write() as connection:
        repository = repository_store.repository(connection, key)
        if repository is None or not is_outdated(bot.operator, repository):
            return
        recount.renew_all(connection, key, wanted_settings(bot.operator, repository)[0].zone)
        repository_store.note(connection, key, week_due_at_ms=0)  # the weekly issue is due at another time
        if renewed := repository_store.repository(connection, key):
            bot.stale(renewed).note(connection, Fact.TIME_ZONE, Change(repository=key, times_ms=[0]))


def is_outdated(operator: OperatorSettings, repository: Repository) -> bool:
    """Whether the settings name another time zone than the one of the repository's days."""
    return wanted_settings(operator, repository)[0].time_zone != repository.time_zone
