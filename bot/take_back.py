"""Take back what a token sent: it counts for nothing, and whatever said so says something else soon."""

import msgspec
from sqlalchemy import Connection

from attribution.cost import ZERO, Cost
from bot.clock import Clock, to_ms
from bot.context import settings_of
from bot.keys import PullKey, Sender
from bot.repository_settings import OperatorSettings
from bot.store import accounts as account_store
from bot.store import commits as commit_store
from bot.store import repositories as repository_store
from bot.store import session_clues as clue_store
from bot.store import sessions as session_store
from bot.store import withdrawals
from bot.store.database import Database
from bot.store.day_sums import changes_of
from bot.store.withdrawals import Withdrawal
from bot.work.stale import Change, Fact, Stale


class TakenBack(msgspec.Struct, frozen=True):
    """What was taken back, and how many pull requests bore a part of it."""

    cost: Cost
    pulls: int


def take_back(database: Database, operator: OperatorSettings, clock: Clock, sender: Sender) -> TakenBack:
    """All that came with the token, which is revoked, in transactions of bounded size beside a running server; also what a
    transferred repository took along to another account. Where it was interrupted, it is begun again."""
    with database.read() as connection:
        accounts = [account.account_id for account in account_store.all_accounts(connection)]
    whole = TakenBack(ZERO, 0)
    for account_id in sorted({*accounts, sender.account_id}):
        part = _take_back(database, operator, clock, sender._replace(account_id=account_id))
        whole = TakenBack(whole.cost + part.cost, whole.pulls + part.pulls)
    return whole


def _take_back(database: Database, operator: OperatorSettings, clock: Clock, sender: Sender) -> TakenBack:
    """In one account."""
    cost, pulls, from_day = ZERO, set[PullKey](), 0
    while True:
        with database.write() as connection, changes_of(connection, sender.account_id) as sums:
            piece = withdrawals.withdraw(connection, sender, from_day, clock(), sums)
            if piece is None:
                break
            _note(connection, operator, piece, clock())
        cost = sum((entry.charge.cost for entry in piece.entries), cost)
        pulls |= piece.pulls
        from_day = piece.last_day
    _forget_commits(database, operator, clock, sender)
    return TakenBack(cost, len(pulls))


def _note(connection: Connection, operator: OperatorSettings, piece: Withdrawal, now_ms: int) -> None:
    """Attribution looks at what is left of the sessions; comments, budgets and weeks at what is left of the money."""
    for key in piece.repositories:
        repository = repository_store.repository(connection, key)
        if repository is None:
            continue
        stale = Stale(now_ms, settings_of(operator, repository)[0])
        numbers = [pull.number for pull in piece.pulls if pull.repository == key]
        times = [entry.charge.usage.at for entry in piece.entries if entry.repository_id == key.repository_id]
        stale.note(connection, Fact.USAGE, Change(repository=key))
        stale.note(connection, Fact.SHARES, Change(repository=key, pulls=numbers))
        stale.note(connection, Fact.SPEND, Change(repository=key, times_ms=[to_ms(at) for at in times]))


def _forget_commits(database: Database, operator: OperatorSettings, clock: Clock, sender: Sender) -> None:
    """What the token said of commits places other work of the same sender."""
    with database.read() as connection:
        repositories = repository_store.repositories_of(connection, sender.account_id)
    for repository in repositories:
        with database.write() as connection:
            commits = commit_store.forget(connection, repository.key, sender)
            if commits:
                concerned = clue_store.concerned_by_commits(connection, repository.key, commits)
                session_store.request(connection, repository.key, concerned)
                stale = Stale(clock(), settings_of(operator, repository)[0])
                stale.note(connection, Fact.COMMITS, Change(repository=repository.key))
