"""Accounts with pull requests whose comments are not written yet."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import delete, select, update

from attribution.evidence import PullRequest
from attribution.outcome import Details
from attribution.usage import Context, ContextSource, Tokens, Usage, Work
from bot import attribute
from bot.context import Bot
from bot.keys import RepositoryKey, Sender
from bot.notify import Outbox
from bot.repository_settings import OperatorSettings
from bot.store import accounts as account_store
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import requests as request_store
from bot.store.database import Database
from bot.store.day_sums import changes_of
from bot.store.repositories import RepositoryFacts
from bot.work import queue
from bot.work.queue import Kind

FIRST = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


def fill(database: Database, accounts: int, pulls: int, *, first: int = 1, is_read: bool = True) -> None:
    """So many accounts with one repository each, and a request of a dollar for each pull request; attributed, unless the pull
    requests are still to be read."""
    for account_id in range(first, first + accounts):
        _account(database, RepositoryKey(account_id, account_id), pulls, is_read=is_read)
    if is_read:
        _attribute(database)


def _account(database: Database, key: RepositoryKey, pulls: int, *, is_read: bool) -> None:
    facts = RepositoryFacts(
        repository_id=key.repository_id, full_name=f"o{key.account_id}/r", private=True, default_branch="main"
    )
    with database.write() as connection, changes_of(connection, key.account_id) as sums:
        account_store.save_account(
            database, connection, key.account_id, f"o{key.account_id}", key.account_id, suspended=False
        )
        repository_store.save_repositories(database, connection, key.account_id, [facts])
        usages = []
        for number in range(1, pulls + 1):
            at = FIRST + timedelta(minutes=number)
            pull = PullRequest(number=number, head_branch=f"b{number}", created_at=at)
            if is_read:
                pull_store.save_pull(database, connection, key.pull(number), pull, Details(updated_at=at), "")
            usages.append(_usage(key, number, at))
        request_store.save_usage(connection, Sender(key.account_id), usages, _now_ms(), sums)


def _usage(key: RepositoryKey, number: int, at: datetime) -> Usage:
    return Usage(
        tool="claude-code",
        session_id=f"s{number}",
        request_id=f"r{number}",
        at=at,
        model="claude-opus-5",
        tokens=Tokens(uncached_input=200_000),
        context=Context(source=ContextSource.LOG, repository=str(key.repository_id), branch=f"b{number}"),
        work=Work(),
    )


def _attribute(database: Database) -> None:
    """Place all that waits, as the worker does."""
    bot = Bot(
        settings=cast(Any, None), operator=OperatorSettings(), database=database, clock=_now_ms,
        github=cast(Any, None), outbox=Outbox(),
    )  # fmt: skip
    with database.write() as connection:
        keys = connection.execute(select(account_store.accounts.c.account_id)).scalars().all()
        queue.request(connection, [queue.Work(Kind.ATTRIBUTE, key, key) for key in keys], 0)
    while leases := [lease for lease in queue.claim(database, 1, 500) if lease.work.kind == Kind.ATTRIBUTE]:
        for lease in leases:
            attribute.sessions(bot, lease)


def reset(database: Database) -> None:
    """As if nothing had been written and nothing were requested."""
    with database.write() as connection:
        connection.execute(delete(publication_store.publications))
        connection.execute(delete(queue.jobs))
        connection.execute(
            update(account_store.accounts).values(next_write_at_ms=0, writes_spread_until_ms=0, not_before_ms=0)
        )


def request(database: Database, pulls: Iterable[tuple[int, int]], kind: Kind = Kind.COMMENT) -> None:
    """Ask for the comments on pull requests, given as (account, number)."""
    work = [queue.Work(kind, account_id, account_id, number) for account_id, number in pulls]
    with database.write() as connection:
        queue.request(connection, work, _now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
