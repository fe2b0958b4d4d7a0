"""Usage from collectors into the ledger, idempotently. A bad record is refused by name and reason, and its batch goes on."""

import secrets
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from attribution.protocol import MOST_REQUESTS, Coverage, Receipt, Refusal, reader, repository_digest
from attribution.usage import Usage, with_context
from bot.clock import Clock, from_ms
from bot.context import settings_of
from bot.keys import PullKey, RepositoryKey
from bot.repository_settings import OperatorSettings, RepositorySettings
from bot.store import commits as commit_store
from bot.store import repositories as repository_store
from bot.store import requests as request_store
from bot.store import session_clues as clue_store
from bot.store import sessions as session_store
from bot.store import tokens as token_store
from bot.store.database import Database
from bot.store.day_sums import changes_of
from bot.usage_validation import validate
from bot.work.stale import Change, Fact, Stale


class BadBatch(Exception):
    """The body is not a batch. The message shows what a batch looks like."""


class _Batch(msgspec.Struct):
    """A `UsageBatch` whose requests are read one by one, so that a bad one does not spoil the others."""

    requests: list[msgspec.Raw]


class _WithId(msgspec.Struct):
    request_id: str = ""


_batch, _with_id = reader(_Batch), reader(_WithId)


def coverage(database: Database, account_id: int, github_host: str) -> Coverage:
    salt = secrets.token_bytes(16)
    with database.read() as connection:
        names = repository_store.covered_names(connection, account_id)
    digests = [repository_digest(salt, name) for name in names]
    return Coverage(salt=salt.hex(), host=github_host, repositories=sorted(digests))


def receive(
    database: Database, operator: OperatorSettings, clock: Clock, account_id: int, token: str, body: bytes
) -> Receipt:
    """Save a batch for the token's account. Raises `BadBatch`."""
    try:
        records = _batch(body).requests
    except msgspec.DecodeError as error:
        raise BadBatch(f'the body must be {{"requests": [...]}}: {error}') from None
    if len(records) > MOST_REQUESTS:
        raise BadBatch(f"a batch holds at most {MOST_REQUESTS} requests, this one has {len(records)}")
    with database.write() as connection, changes_of(database, connection, account_id) as sums:
        by_repository, refusals = _by_repository(connection, account_id, records, clock())
        usages = [usage for usages in by_repository.values() for usage in usages]
        changes = request_store.save_usage(database, connection, account_id, usages, clock(), sums)
        stale = Stale(clock(), RepositorySettings())
        for repository_id in changes.repositories:
            stale.note(connection, Fact.USAGE, Change(repository=RepositoryKey(account_id, repository_id)))
        for repository_id, its in by_repository.items():
            key = RepositoryKey(account_id, repository_id)
            commits = commit_store.save_commits(database, connection, key, its)
            session_store.request(connection, key, clue_store.concerned_by_commits(connection, key, commits))
            if commits and repository_id not in changes.repositories:
                stale.note(connection, Fact.COMMITS, Change(repository=key))
        _note_shares(connection, operator, changes.pulls, clock())
        token_store.note_use(connection, token, clock())
    unchanged = len(records) - len(refusals) - changes.charges
    return Receipt(accepted=changes.charges, unchanged=unchanged, refused=refusals)


def _by_repository(
    connection: Connection, account_id: int, records: Sequence[msgspec.Raw], now_ms: int
) -> tuple[dict[int, list[Usage]], list[Refusal]]:
    """Good records by repository, and why the others are refused."""
    names = repository_store.covered_names(connection, account_id)
    by_repository: dict[int, list[Usage]] = {}
    refusals: list[Refusal] = []
    for index, raw in enumerate(records):
        usage = validate(raw, from_ms(now_ms))
        if isinstance(usage, str):
            refusals.append(Refusal(index, _name(raw), usage))
        elif (repository_id := names.get(usage.context.repository.lower())) is None:
            reason = f"the repository {usage.context.repository!r} is not covered by this installation"
            refusals.append(Refusal(index, usage.request_id, reason))
        else:
            # The ledger knows the repository by its number, which renames do not change.
            numbered = with_context(usage, repository=str(repository_id))
            by_repository.setdefault(repository_id, []).append(numbered)
    return by_repository, refusals


def _note_shares(connection: Connection, operator: OperatorSettings, pulls: Iterable[PullKey], now_ms: int) -> None:
    """A request that grew, or turned out to be another one, changes what pull requests bear before it is attributed again."""
    for pull in sorted(pulls):
        repository = repository_store.repository(connection, pull.repository)
        if repository is not None:
            stale = Stale(now_ms, settings_of(operator, repository)[0])
            stale.note(connection, Fact.SHARES, Change(repository=pull.repository, pulls=[pull.number]))


def _name(raw: msgspec.Raw) -> str:
    try:
        return _with_id(raw).request_id[:300]
    except msgspec.DecodeError:
        return ""
