"""Decide which pull request each waiting session served, and write it to the ledger where it differs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from sqlalchemy import Connection

from attribution.attribute import RepositoryIndex, attribute
from attribution.clues import Clues, clues_of, names_of
from attribution.evidence import Claim, Commit, Evidence, PullRequest
from attribution.report import NO_PULL, Suggestion, suggestions
from attribution.reported_commits import ReportedCommit, direct_commits, with_reports
from attribution.runaway import FLOOR_MICROS
from attribution.usage import Usage
from bot.clock import DAY_MS, to_ms
from bot.context import Bot
from bot.keys import RepositoryKey
from bot.store import accounts as account_store
from bot.store import commands as command_store
from bot.store import commits as commit_store
from bot.store import ledger as ledger_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import session_clues as clue_store
from bot.store import sessions as session_store
from bot.store import shares as share_store
from bot.store.day_sums import changes_of
from bot.store.ledger import LedgerEntry
from bot.store.sessions import SessionKey
from bot.store.tables import Repository
from bot.work import queue
from bot.work.queue import Lease
from bot.work.stale import Change, Fact

# Sessions in one transaction: the lease is renewed between them.
_BATCH = 50
_SAME_TIME_MS = 7 * DAY_MS


def sessions(bot: Bot, lease: Lease) -> bool:
    """Attribute the waiting sessions of one repository, and ask for what depends on it. True once the lease is finished."""
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, lease.repository)
    if repository is None:
        return False
    while queue.renew(bot.database, lease, bot.clock()):
        if not _batch(bot, lease, repository):
            return True
    return True


def index_for(
    connection: Connection, key: RepositoryKey, default_branch: str, sender: str, usages: Collection[Usage]
) -> RepositoryIndex:
    """What of a repository could matter to the sessions of these requests of one sender: their claims are those of an index of all
    that GitHub knows and that this sender reported."""
    clues = clues_of(usages, default_branch)
    with_names = partial(commit_store.with_names, connection, key, sender)
    reports = with_names(clues.names) | commit_store.by_authors(connection, key, sender, clues)
    # Commits of one change have different names: pull requests may show those that no session knows.
    reports |= with_names(_names(reports))
    names = clues.names | _names(reports)
    # All pull requests that contain a commit are found alike: it has the same names, author and times in each.
    numbers = pull_store.present(connection, key, clues) | pull_store.containing(connection, key, names)
    pulls = pull_store.pull_facts(connection, key, numbers)
    concerned = names_of(_concerned(pulls, clues, names))
    # Another pull request may hold a copy of a commit that was rewritten, and bear it.
    pulls += pull_store.pull_facts(connection, key, pull_store.containing(connection, key, concerned) - numbers)
    # A commit that was amended has the files that were reported when it was written, which may be long ago.
    reports |= with_names(names_of(_concerned(pulls, clues, names | concerned)))
    commits = list(reports.values())
    pulls = with_reports(pulls, commits)
    return RepositoryIndex(
        pulls,
        default_branch,
        corrections=command_store.corrections_of(connection, key, {usage.session_id for usage in usages}),
        direct=direct_commits(pulls, commits, default_branch),
    )


def _names(reports: Mapping[str, ReportedCommit]) -> set[str]:
    return names_of(commit.report for commit in reports.values())


def _concerned(pulls: Iterable[PullRequest], clues: Clues, names: AbstractSet[str]) -> list[Commit]:
    """The commits of pull requests that could matter, by what is known of them or by one of the names."""
    commits = (commit for pull in pulls for commit in pull.commits)
    return [commit for commit in commits if clues.concern(commit) or not names.isdisjoint(names_of([commit]))]


def _indexes(
    connection: Connection, repository: Repository, sessions: Iterable[Sequence[LedgerEntry]]
) -> dict[tuple[str, int], RepositoryIndex]:
    """What is known to each sender of these sessions in their time: by `_circle`."""
    circles: defaultdict[tuple[str, int], list[Usage]] = defaultdict(list)
    for entries in filter(None, sessions):
        circles[_circle(entries)] += [entry.charge.usage for entry in entries]
    return {
        circle: index_for(connection, repository.key, repository.default_branch, circle[0], usages)
        for circle, usages in sorted(circles.items())
    }


def _circle(entries: Sequence[LedgerEntry]) -> tuple[str, int]:
    """Sessions of one sender that began in about the same time need the same facts; of distant ones, all that lies between
    would be read."""
    first = min(entry.charge.usage.at for entry in entries)
    return entries[0].sender.name, to_ms(first) // _SAME_TIME_MS


def _batch(bot: Bot, lease: Lease, repository: Repository) -> bool:
    """Attribute a few sessions. False when none waits, or when another worker took over."""
    key = lease.repository
    with bot.database.write() as connection, changes_of(connection, key.account_id) as sums:
        account_store.lock(connection, key.account_id)
        if not queue.is_ours(connection, lease):
            return False
        waiting = session_store.waiting(connection, key, _BATCH)
        charges_of = ledger_store.charges_of(connection, key, [(row.tool, row.session_id) for row in waiting])
        index_of = _indexes(connection, repository, charges_of.values())
        pairs: list[tuple[LedgerEntry, Claim]] = []
        near: dict[SessionKey, dict[tuple[int, Evidence], Suggestion]] = {}
        clues: dict[SessionKey, Clues] = {}
        for session, charges in charges_of.items():
            if not charges:  # they were taken back
                near[session], clues[session] = {}, clues_of((), repository.default_branch)
                continue
            own = [entry.charge.usage for entry in charges]
            claims = attribute(own, index_of[_circle(charges)])
            clues[session] = clues_of(own, repository.default_branch)
            pairs += [(entry, claims[entry.charge.key]) for entry in charges]
            near[session] = suggestions(*session, [(entry.charge, claims[entry.charge.key]) for entry in charges])
        numbers = share_store.save_claims(connection, key, pairs, bot.clock(), sums)
        numbers |= command_store.save_suggestions(bot.database, connection, key, near) - {NO_PULL}
        clue_store.save(connection, key, clues)
        session_store.mark_done(connection, waiting, bot.clock())
        amounts = [sum(entry.charge.list_micros or 0 for entry in charges) for charges in charges_of.values()]
        stale = bot.stale(repository)
        stale.note(connection, Fact.SHARES, Change(repository=key, pulls=numbers))
        stale.note(connection, Fact.SPEND, Change(repository=key, times_ms=[row.first_at_ms for row in waiting]))
        if max(amounts, default=0) > FLOOR_MICROS and stale.settings.alerts:
            stale.note(connection, Fact.DEAR_SESSION, Change(repository=key))
        is_more = len(waiting) == _BATCH
        if not is_more:
            queue.finish_in(connection, lease)
    return is_more
