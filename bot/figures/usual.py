"""What merges of a repository usually cost, looked up at most once an hour: the merges of twelve weeks may be thousands."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from attribution.totals import pull_totals
from attribution.usual import SPAN, Usual, usual
from bot.clock import to_ms
from bot.keys import RepositoryKey
from bot.store import pulls as pull_store
from bot.store import totals as total_store
from bot.store.tables import Repository

_HOUR_MS = 3_600_000
# So few are looked up each time: what a young repository says is up to date with each merge.
_FEW_MERGES = 50


def of_repository(connection: Connection, repository: Repository, now: datetime) -> tuple[Usual | None, bool]:
    """What is usual, and whether that was computed to be stored (`encoded`)."""
    key, now_ms = repository.key, to_ms(now)
    if repository.usual_at_ms <= now_ms < repository.usual_at_ms + _HOUR_MS:
        return decoded(repository.usual), False
    merged = pull_store.merged_between(connection, key, to_ms(now - SPAN), now_ms + 1)
    return _usual(connection, key, merged), len(merged) > _FEW_MERGES


def _usual(connection: Connection, key: RepositoryKey, merged: set[int]) -> Usual | None:
    totals = pull_totals(total_store.spent_on(connection, key, merged))
    return usual(totals, *pull_store.with_reverts(connection, key, totals))


def encoded(value: Usual | None) -> str:
    return msgspec.json.encode(value).decode() if value else ""


def decoded(value: str) -> Usual | None:
    return msgspec.json.decode(value, type=Usual) if value else None
