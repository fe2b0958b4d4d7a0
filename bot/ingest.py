"""Usage from collectors into the ledger, idempotently. A bad record is refused by name and reason, and its batch goes on.

A record that is sent again as it was is recognised by its digest, before anything else is asked of it: it costs next to nothing.
"""

import secrets
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from operator import attrgetter

import msgspec
from sqlalchemy import Connection

from attribution.protocol import MOST_REQUESTS, Coverage, Receipt, Refusal, TooDeep, reader, repository_digest
from attribution.usage import RequestKey, Usage, with_context
from bot.clock import DAY_MS, Clock, from_ms, to_ms
from bot.context import settings_of
from bot.deep_json import without_depths
from bot.keys import PullKey, RepositoryKey, Sender
from bot.repository_settings import OperatorSettings, RepositorySettings
from bot.store import accounts as account_store
from bot.store import commits as commit_store
from bot.store import repositories as repository_store
from bot.store import request_names
from bot.store import requests as request_store
from bot.store import session_clues as clue_store
from bot.store import sessions as session_store
from bot.store import tokens as token_store
from bot.store.database import Database
from bot.store.day_sums import Changes, changes_of
from bot.usage_validation import validate
from bot.work.stale import Change, Fact, Stale


class BadBatch(Exception):
    """The body is not a batch. The message shows what a batch looks like."""


class Revoked(Exception):
    """The token was revoked after it had let its batch in: nothing is saved, so that `take_back` finds all that it sent."""


class _Batch(msgspec.Struct):
    """A `UsageBatch` whose requests are read one by one, so that a bad one does not spoil the others."""

    requests: list[msgspec.Raw]


class _WithId(msgspec.Struct):
    request_id: str = ""


class _Place(msgspec.Struct):
    repository: str = ""


class _Name(msgspec.Struct):
    """What a record is recognised by, as far as it says so."""

    tool: str = ""
    request_id: str = ""
    context: _Place = msgspec.field(default_factory=_Place)


class _Record(msgspec.Struct):
    """A record of a batch. `usage` is what it says, or why it is refused; None where it is known."""

    index: int
    raw: msgspec.Raw
    key: RequestKey
    repository: str
    raw_digest: int
    usage: Usage | str | None = None

    def digest(self, repository_id: int) -> int:
        """Of all that it says, for the repository that it is of now."""
        return self.raw_digest ^ repository_id


_INDEX = attrgetter("index")
_OF_ANOTHER = (
    "another sender reported this request, who alone may change it. If both are yours, ask for a token of the same name: "
    "`mergecost token new --for NAME` on the server"
)
# Copies of a request may say different times: within a day, one may have been counted in a month that is not kept.
_COPIES_APART_MS = DAY_MS
_read_batch, _read_name, _read_id = reader(_Batch), reader(_Name), reader(_WithId)


def coverage(database: Database, account_id: int, github_host: str) -> Coverage:
    salt = secrets.token_bytes(16)
    with database.read() as connection:
        names = repository_store.covered_names(connection, account_id)
    digests = [repository_digest(salt, name) for name in names]
    return Coverage(salt=salt.hex(), host=github_host, repositories=sorted(digests))


def receive(
    database: Database,
    operator: OperatorSettings,
    clock: Clock,
    account_id: int,
    bodies: Iterable[tuple[Sender, bytes]],
) -> list[Receipt | BadBatch | Revoked]:
    """Save batches of an account, each of a sender, one after the other in one transaction. A `BadBatch` spoils no other."""
    senders, bodies_only = zip(*bodies, strict=True)
    batches = [_records(body) for body in bodies_only]
    records = [record for batch in batches if isinstance(batch, list) for record in batch]
    with database.read() as connection:
        new = _not_known(connection, account_id, records)
    now = from_ms(clock())
    for record in new:
        record.usage = validate(record.raw, now)
    if not new:
        return [batch if isinstance(batch, BadBatch) else Receipt(0, len(batch)) for batch in batches]
    with database.write() as connection, changes_of(connection, account_id) as sums:
        # Whoever takes back what a token sent locks the account after its revocation is committed.
        account_store.lock(connection, account_id)
        revoked = token_store.revoked(connection, account_id, {sender.token_id for sender in senders})
        kept_from_ms = account_store.kept_from_ms(connection, account_id)
        answers: list[Receipt | BadBatch | Revoked] = []
        pulls: set[PullKey] = set()
        for sender, batch in zip(senders, batches, strict=True):
            if isinstance(batch, BadBatch):
                answers.append(batch)
            elif sender.token_id in revoked:
                answers.append(Revoked())
            else:
                receipt, changed = _save(connection, sender, batch, kept_from_ms, clock(), sums)
                answers.append(receipt)
                pulls |= changed
        _note_shares(connection, operator, pulls, clock())
    return answers


def _records(body: bytes) -> list[_Record] | BadBatch:
    try:
        requests = _requests(body)
    except msgspec.DecodeError as error:
        return BadBatch(f'the body must be {{"requests": [...]}}: {error}')
    if len(requests) > MOST_REQUESTS:
        return BadBatch(f"a batch holds at most {MOST_REQUESTS} requests, this one has {len(requests)}")
    return [_record(index, raw) for index, raw in enumerate(requests)]


def _requests(body: bytes) -> list[msgspec.Raw]:
    """One that is too deep to be read is read without its depths."""
    try:
        return _read_batch(body).requests
    except TooDeep:
        return _read_batch(without_depths(body)).requests


def _record(index: int, raw: msgspec.Raw) -> _Record:
    """Without names where they are not fit to be looked up: then the record is not known either."""
    try:
        name = _read_name(raw)
    except msgspec.DecodeError:
        name = _Name()
    repository = name.context.repository
    if not f"{name.tool}{name.request_id}{repository}".isprintable():
        name, repository = _Name(), ""
    digest = int.from_bytes(blake2b(raw, digest_size=8).digest(), signed=True)
    return _Record(index, raw, RequestKey(name.tool, name.request_id), repository.lower(), digest)


def _id(raw: msgspec.Raw) -> str:
    """What a record that is refused is called by."""
    try:
        return _read_id(raw).request_id[:300]
    except msgspec.DecodeError:
        return ""


def _not_known(connection: Connection, account_id: int, records: Sequence[_Record]) -> list[_Record]:
    """The records that say what was not saved before, of a repository that is covered as it was then."""
    ids = _ids(connection, account_id, records)
    digests = [record.digest(ids[record.repository]) if record.repository in ids else None for record in records]
    pairs = list(zip(records, digests, strict=True))
    keys = {digest: record.key for record, digest in pairs if digest is not None}
    known = request_names.known(connection, account_id, keys)
    return [record for record, digest in pairs if digest not in known]


def _ids(connection: Connection, account_id: int, records: Iterable[_Record]) -> dict[str, int]:
    """The repositories of these records that are covered."""
    return repository_store.covered_ids(connection, account_id, {record.repository for record in records})


def _save(
    connection: Connection,
    sender: Sender,
    records: Sequence[_Record],
    kept_from_ms: int,
    now_ms: int,
    sums: Changes,
) -> tuple[Receipt, frozenset[PullKey]]:
    """And the pull requests whose shares changed. The account is locked."""
    account_id = sender.account_id
    ids = _ids(connection, account_id, records)
    numbered: dict[int, Usage] = {}
    digests: dict[RequestKey, int] = {}
    refusals: list[Refusal] = []
    for record in records:
        usage, repository_id = record.usage, ids.get(record.repository)
        if usage is None:
            continue
        if isinstance(usage, str):
            refusals.append(Refusal(record.index, _id(record.raw), usage))
        elif repository_id is None:
            reason = f"the repository {usage.context.repository!r} is not covered by this installation"
            refusals.append(Refusal(record.index, usage.request_id, reason))
        elif kept_from_ms and to_ms(usage.at) < kept_from_ms + _COPIES_APART_MS:
            reason = (
                f"this server keeps single requests since {from_ms(kept_from_ms):%-d %B %Y}: whether it has counted an earlier one "
                "it does not know"
            )
            refusals.append(Refusal(record.index, usage.request_id, reason, is_final=True))
        else:
            # The ledger knows the repository by its number, which renames do not change.
            numbered[record.index] = with_context(usage, repository=str(repository_id))
            digests[record.key] = record.digest(repository_id)
    changes = request_store.save_usage(connection, sender, list(numbered.values()), now_ms, sums, digests)
    by_repository: dict[int, list[Usage]] = {}
    for index, usage in numbered.items():
        if not changes.others or changes.others.isdisjoint(usage.keys):
            by_repository.setdefault(int(usage.context.repository), []).append(usage)
        else:
            refusals.append(Refusal(index, usage.request_id, _OF_ANOTHER))
    stale = Stale(now_ms, RepositorySettings())
    for repository_id in changes.repositories:
        stale.note(connection, Fact.USAGE, Change(repository=RepositoryKey(account_id, repository_id)))
    for repository_id, its in by_repository.items():
        key = RepositoryKey(account_id, repository_id)
        commits = commit_store.save_commits(connection, key, its, sender)
        session_store.request(connection, key, clue_store.concerned_by_commits(connection, key, commits))
        if commits and repository_id not in changes.repositories:
            stale.note(connection, Fact.COMMITS, Change(repository=key))
    unchanged = len(records) - len(refusals) - changes.charges
    return Receipt(accepted=changes.charges, unchanged=unchanged, refused=sorted(refusals, key=_INDEX)), changes.pulls


def _note_shares(connection: Connection, operator: OperatorSettings, pulls: Iterable[PullKey], now_ms: int) -> None:
    """A request that grew, or turned out to be another one, changes what pull requests bear before it is attributed again."""
    for pull in sorted(pulls):
        repository = repository_store.repository(connection, pull.repository)
        if repository is not None:
            stale = Stale(now_ms, settings_of(operator, repository)[0])
            stale.note(connection, Fact.SHARES, Change(repository=pull.repository, pulls=[pull.number]))
