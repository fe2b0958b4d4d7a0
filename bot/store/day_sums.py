"""Sums of the ledger by day: whoever changes charges or shares collects what that adds and takes away, and saves it at the end.

    with database.write() as connection, changes_of(connection, account_id) as sums:
        requests.save_usage(connection, sender, usages, now_ms, sums)

A day is one of the repository's time zone, as it stands in its row: it changes together with the sums (`recount.renew_all`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, bindparam, select

from attribution.evidence import PENDING
from attribution.ledger import Charge, Share
from attribution.periods import QUARTER_MS, day_of
from bot.clock import from_ms, to_ms
from bot.store.database import of_account, rows_in, table
from bot.store.inserts import insert_values
from bot.store.tables import DaySender, DaySum, Repository

day_sums, day_senders, repositories = table(DaySum), table(DaySender), table(Repository)

MEASURES = tuple(column.name for column in day_sums.c if not column.primary_key)
_ZONE = ZoneInfo("UTC")
# Whoever sums up a repository anew has it alone (`recount.lock`); several may add to its sums.
_ZONES = (
    select(repositories.c.repository_id, repositories.c.time_zone)
    .where(of_account(repositories), repositories.c.repository_id.in_(bindparam("ids", expanding=True)))
    .order_by(repositories.c.repository_id)
    .with_for_update(read=True, key_share=True)
)


class Place(NamedTuple):
    """What a sum of a day is kept by. No rule has looked at a charge yet: no pull request, no evidence."""

    pull_number: int
    stage: str
    evidence: str
    tool: str
    model: str


class Changes:
    """What a transaction adds to the sums of an account, and takes away from them."""

    def __init__(self) -> None:
        # By repository and quarter of an hour since 1970.
        self._measures: defaultdict[tuple[int, int, Place], list[tuple[int, ...]]] = defaultdict(list)
        self._requests: Counter[tuple[int, int, str]] = Counter()

    def add(self, charge: Charge, shares: Sequence[Share]) -> None:
        """A charge that has these shares from now on. Without any it is unattributed."""
        for key, amounts in self._count(charge, shares, 1):
            self._measures[key].append(amounts)

    def take_away(self, charge: Charge, shares: Sequence[Share]) -> None:
        """A charge as it was summed up before."""
        for key, amounts in self._count(charge, shares, -1):
            self._measures[key].append(tuple(-amount for amount in amounts))

    def _count(
        self, charge: Charge, shares: Sequence[Share], sign: int
    ) -> Iterator[tuple[tuple[int, int, Place], tuple[int, ...]]]:
        usage = charge.usage
        repository_id, quarter = int(usage.context.repository), to_ms(usage.at) // QUARTER_MS
        self._requests[repository_id, quarter, usage.context.author] += sign
        if not shares:
            place = Place(0, PENDING.stage, PENDING.evidence, usage.tool, usage.model)
            yield (repository_id, quarter, place), _amounts(charge, charge.list_micros, is_first=True)
        for i, share in enumerate(shares):
            place = Place(share.pull_number or 0, share.stage, share.evidence, usage.tool, usage.model)
            yield (repository_id, quarter, place), _amounts(charge, share.micros, is_first=i == 0)

    def save(self, connection: Connection, account_id: int) -> None:
        """Rows in order of key, so that concurrent writers cannot deadlock."""
        summed_up = {key: [sum(column) for column in zip(*rows, strict=True)] for key, rows in self._measures.items()}
        changed = {key: measures for key, measures in summed_up.items() if any(measures)}
        senders = {key: requests for key, requests in self._requests.items() if requests}
        days = _Days(connection, account_id, {repository_id for repository_id, *_ in (*changed, *senders)})
        sums: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(MEASURES))
        for (repository_id, quarter, place), measures in changed.items():
            total = sums[repository_id, days.of(repository_id, quarter), *place]
            total[:] = map(sum, zip(total, measures, strict=True))
        add(connection, day_sums, account_id, sums.items())
        requests = Counter[tuple[Any, ...]]()
        for (repository_id, quarter, author), count in senders.items():
            requests[repository_id, days.of(repository_id, quarter), author] += count
        add(connection, day_senders, account_id, ((key, [count]) for key, count in requests.items()))


class _Days:
    """The days of repositories, each in its time zone."""

    def __init__(self, connection: Connection, account_id: int, repository_ids: set[int]) -> None:
        rows = rows_in(connection, _ZONES, {"of_account": account_id}, "ids", repository_ids)
        self._zones = {row.repository_id: ZoneInfo(row.time_zone) for row in rows}
        self._days: dict[tuple[int, int], date] = {}

    def of(self, repository_id: int, quarter: int) -> date:
        key = repository_id, quarter
        if key not in self._days:
            self._days[key] = day_of(from_ms(quarter * QUARTER_MS), self._zones.get(repository_id, _ZONE))
        return self._days[key]


@contextmanager
def changes_of(connection: Connection, account_id: int) -> Iterator[Changes]:
    """Collects the changes of a transaction, and saves them as the last thing that it does: all who write about a repository
    change the same few rows, which nobody should have to himself for longer than it takes to commit."""
    changes = Changes()
    yield changes
    changes.save(connection, account_id)


def _amounts(charge: Charge, micros: int | None, *, is_first: bool) -> tuple[int, ...]:
    """Of a share of so much, in the order of MEASURES."""
    tokens, unpriced = charge.usage.tokens, int(charge.list_micros is None)
    of_share = (micros or 0, (micros or 0) if charge.is_own else 0, 1, unpriced)
    if not is_first:
        return of_share + (0,) * (len(MEASURES) - len(of_share))
    return (
        *of_share, 1, unpriced, int(tokens.is_known), tokens.uncached_input, tokens.cache_read, tokens.cache_write,
        tokens.output, charge.cache_saving_micros,
    )  # fmt: skip


def add(
    connection: Connection,
    to: Table,
    account_id: int,
    sums: Iterable[tuple[tuple[Any, ...], list[int]]],
) -> None:
    """Rows in order of key. Each of `sums` is the rest of a row's key, and what is added to its measures."""
    rows = [
        (account_id, repository_id, day.isoformat(), *rest, *measures)
        for (repository_id, day, *rest), measures in sorted(sums)
    ]
    insert_values(connection, to, tuple(column.name for column in to.c), rows, _or_add(to))


@cache
def _or_add(to: Table) -> str:
    key = ", ".join(column.name for column in to.primary_key)
    totals = (f"{c.name} = {to.name}.{c.name} + excluded.{c.name}" for c in to.c if not c.primary_key)
    return f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(totals)}"
