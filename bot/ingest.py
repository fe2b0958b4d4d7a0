"""Usage from collectors into the ledger, idempotently. A bad record is refused by name and reason, and its batch goes on."""

import hashlib
import hmac
import secrets

import msgspec

from attribution.usage import Usage, with_context
from bot.clock import Clock, from_ms
from bot.store import commits as commit_store
from bot.store import repositories as repository_store
from bot.store import requests as request_store
from bot.store import sessions as session_store
from bot.store import tokens as token_store
from bot.store.database import Database
from bot.usage_validation import checked
from bot.work import queue
from bot.work.queue import Wanted

MOST_REQUESTS = 1000


class Refusal(msgspec.Struct, frozen=True):
    """Why one record of a batch was not taken."""

    index: int
    request_id: str
    reason: str


class Receipt(msgspec.Struct, frozen=True):
    """What became of a batch: `accepted` changed the ledger, `unchanged` were known, `refused` need mending."""

    accepted: int
    unchanged: int
    refused: list[Refusal]


class Coverage(msgspec.Struct, frozen=True):
    """Which repositories the installation covers, as keyed digests of their names in lower case: a collector can find its own
    among them, and neither side learns of the other's."""

    salt: str
    host: str
    repositories: list[str]


class BadBatch(Exception):
    """The body is not a batch at all; the message says what one looks like."""


class _Batch(msgspec.Struct):
    requests: list[msgspec.Raw]


class _Named(msgspec.Struct):
    request_id: str = ""


def coverage(database: Database, installation_id: int, github_host: str) -> Coverage:
    salt = secrets.token_bytes(16)
    with database.read() as connection:
        names = repository_store.covered_names(connection, installation_id)
    digests = [hmac.new(salt, name.encode(), hashlib.sha256).hexdigest() for name in names]
    return Coverage(salt=salt.hex(), host=github_host, repositories=sorted(digests))


def receive(database: Database, clock: Clock, installation_id: int, token: str, body: bytes) -> Receipt:
    """Save a batch for the token's installation. Raises `BadBatch`."""
    try:
        records = msgspec.json.decode(body, type=_Batch).requests
    except msgspec.DecodeError as error:
        raise BadBatch(f'the body must be {{"requests": [...]}}: {error}') from None
    if len(records) > MOST_REQUESTS:
        raise BadBatch(f"a batch holds at most {MOST_REQUESTS} requests, this one has {len(records)}")
    with database.write() as connection:
        names = repository_store.covered_names(connection, installation_id)
        by_repository: dict[int, list[Usage]] = {}
        refused: list[Refusal] = []
        for index, raw in enumerate(records):
            usage = checked(raw, from_ms(clock()))
            if isinstance(usage, str):
                refused.append(Refusal(index, _name(raw), usage))
            elif (repository_id := names.get(usage.context.repository.lower())) is None:
                reason = f"the repository {usage.context.repository!r} is not covered by this installation"
                refused.append(Refusal(index, usage.request_id, reason))
            else:
                # The ledger knows the repository by its number, which renames do not change.
                by_repository.setdefault(repository_id, []).append(with_context(usage, repository=str(repository_id)))
        everything = [usage for usages in by_repository.values() for usage in usages]
        saved = request_store.save_usage(database, connection, installation_id, everything, clock())
        to_place = set(saved.repositories)
        for repository_id, usages in by_repository.items():
            fresh = commit_store.save_commits(database, connection, installation_id, repository_id, usages)
            to_place |= {repository_id} if fresh else set()
            session_store.want_before(connection, installation_id, repository_id, [one.made for one in fresh])
        work = [Wanted("place", f"{installation_id}/{repository_id}") for repository_id in to_place]
        queue.want(database, connection, queue.once(work), clock())
        token_store.note_use(connection, token, clock())
    return Receipt(accepted=saved.charges, unchanged=len(records) - len(refused) - saved.charges, refused=refused)


def _name(raw: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_Named).request_id[:300]
    except msgspec.DecodeError:
        return ""
