"""Decide which pull request each waiting session served, and write it to the ledger where it differs."""

from sqlalchemy import Connection

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import Claim
from attribution.report import Suggestion, suggestions
from attribution.reported_commits import direct_commits, with_reports
from attribution.runaway import FLOOR_MICROS
from bot.context import Bot
from bot.keys import RepositoryKey
from bot.store import commands as command_store
from bot.store import commits as commit_store
from bot.store import ledger as ledger_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store.ledger import LedgerEntry
from bot.store.sessions import SessionKey
from bot.store.tables import Repository
from bot.work import queue
from bot.work.queue import Lease
from bot.work.stale import Change, Fact

# Sessions in one transaction: the lease is renewed between them.
_BATCH = 50


def sessions(bot: Bot, lease: Lease) -> bool:
    """Attribute the waiting sessions of one repository, and ask for what depends on it. True once the lease is finished."""
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, lease.repository)
        if repository is None:
            return False
        index = _index(connection, lease.repository, repository)
    while queue.renew(bot.database, lease, bot.clock()):
        if not _batch(bot, lease, repository, index):
            return True
    return True


def _index(connection: Connection, key: RepositoryKey, repository: Repository) -> RepositoryIndex:
    commits = commit_store.all_commits(connection, key)
    pulls = with_reports(pull_store.pull_facts(connection, key), commits)
    return RepositoryIndex(
        pulls,
        repository.default_branch,
        corrections=command_store.all_corrections(connection, key),
        direct=direct_commits(pulls, commits, repository.default_branch),
    )


def _batch(bot: Bot, lease: Lease, repository: Repository, index: RepositoryIndex) -> bool:
    """Attribute a few sessions. False when none waits, or when another worker took over."""
    key = lease.repository
    with bot.database.write() as connection:
        if not queue.is_ours(connection, lease):
            return False
        waiting = session_store.waiting(connection, key, _BATCH)
        charges_of = ledger_store.charges_of(connection, key, [(row.tool, row.session_id) for row in waiting])
        pairs: list[tuple[LedgerEntry, Claim]] = []
        near: dict[SessionKey, dict[int, Suggestion]] = {}
        for session, charges in charges_of.items():
            claims = attribute([entry.charge.usage for entry in charges], index)
            pairs += [(entry, claims[entry.charge.key]) for entry in charges]
            near[session] = suggestions(*session, [(entry.charge, claims[entry.charge.key]) for entry in charges])
        numbers = ledger_store.save_claims(bot.database, connection, key, pairs, bot.clock())
        numbers |= command_store.save_suggestions(bot.database, connection, key, near)
        session_store.mark_done(connection, waiting)
        sums = [sum(entry.charge.list_micros or 0 for entry in charges) for charges in charges_of.values()]
        stale = bot.stale(repository)
        stale.note(connection, Fact.SHARES, Change(repository=key, pulls=numbers))
        stale.note(connection, Fact.SPEND, Change(repository=key, times_ms=[row.first_at_ms for row in waiting]))
        if max(sums, default=0) > FLOOR_MICROS and stale.settings.alerts:
            stale.note(connection, Fact.DEAR_SESSION, Change(repository=key))
        is_more = len(waiting) == _BATCH
        if not is_more:
            queue.finish_in(connection, lease)
    return is_more
