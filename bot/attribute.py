"""Decide which pull request each waiting session served, and write it to the ledger where it differs."""

from collections.abc import Iterable

from sqlalchemy import Connection

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import Claim
from attribution.report import Suggestion, suggestions
from attribution.reported_commits import direct_commits, with_reports
from attribution.runaway import FLOOR_MICROS
from bot import weekly
from bot.context import Bot
from bot.repository_settings import RepositorySettings
from bot.store import commands as command_store
from bot.store import commits as commit_store
from bot.store import ledger as ledger_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store.ledger import Held
from bot.store.sessions import SessionKey
from bot.work import queue
from bot.work.queue import Claimed, Wanted

# Sessions in one transaction: the lease is renewed between them.
_AT_ONCE = 50


def sessions(bot: Bot, claimed: Claimed) -> None:
    """Place the waiting sessions of one repository, and ask for the comments of the pull requests that it concerns."""
    installation_id, repository_id = claimed.ids
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
        if repository is None:
            return
        reports = commit_store.all_commits(connection, installation_id, repository_id)
        pulls = with_reports(pull_store.pull_facts(connection, installation_id, repository_id), reports)
        index = RepositoryIndex(
            pulls,
            repository.default_branch,
            corrections=command_store.all_corrections(connection, installation_id, repository_id),
            direct=direct_commits(pulls, reports, repository.default_branch),
        )
    settings, _ = bot.repository_settings(repository)
    while queue.renew(bot.database, claimed, bot.clock()) and _some(bot, claimed, index, settings):
        pass


def _some(bot: Bot, claimed: Claimed, index: RepositoryIndex, settings: RepositorySettings) -> bool:
    """Place a few sessions. False when none waits, or when another worker took over."""
    installation_id, repository_id = claimed.ids
    with bot.database.write() as connection:
        if not queue.is_ours(connection, claimed):
            return False
        waiting = session_store.to_place(connection, installation_id, repository_id, _AT_ONCE)
        keys = [(row.tool, row.session_id) for row in waiting]
        held = ledger_store.charges_of(connection, installation_id, repository_id, keys)
        pairs: list[tuple[Held, Claim]] = []
        near: dict[SessionKey, dict[int, Suggestion]] = {}
        for key, charges in held.items():
            claims = attribute([one.charge.usage for one in charges], index)
            pairs += [(one, claims[one.charge.key]) for one in charges]
            near[key] = suggestions(*key, [(one.charge, claims[one.charge.key]) for one in charges])
        touched = ledger_store.save_claims(bot.database, connection, installation_id, pairs, bot.clock())
        differ = command_store.save_suggestions(bot.database, connection, (installation_id, repository_id), near)
        touched |= {(repository_id, number) for number in differ}
        session_store.mark_placed(connection, waiting)
        is_dear = any(sum(one.charge.list_micros or 0 for one in session) > FLOOR_MICROS for session in held.values())
        _want_others(bot, connection, settings, (installation_id, repository_id), touched, is_dear=is_dear)
        times_ms = [row.first_at_ms for row in waiting]
        weekly.want_since(bot, connection, settings, (installation_id, repository_id), times_ms)
    return len(waiting) == _AT_ONCE


def _want_others(
    bot: Bot,
    connection: Connection,
    settings: RepositorySettings,
    repository: tuple[int, int],
    touched: Iterable[tuple[int, int]],
    *,
    is_dear: bool,
) -> None:
    """Comments once the data has settled, and alerts at once."""
    place = f"{repository[0]}/{repository[1]}"
    asked = [Wanted("comment", f"{repository[0]}/{other}/{number}") for other, number in touched]
    if settings.has_periods:
        asked.append(Wanted("budget", place))
    queue.want(bot.database, connection, queue.once(asked), bot.clock() + settings.settle_seconds * 1000)
    if is_dear and settings.alerts:
        queue.want(bot.database, connection, {Wanted("alerts", place): 1}, bot.clock())
