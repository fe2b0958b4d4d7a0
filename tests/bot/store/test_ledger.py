"""The ledger's statements: complete at every moment, each tenant for itself, and weeks that end where the next begins."""

from datetime import date, timedelta

import msgspec
import pytest
from sqlalchemy import Connection

from attribution.evidence import Evidence, claim
from attribution.ledger import check
from attribution.usage import Usage
from bot.keys import PullKey, RepositoryKey, Sender
from bot.store import bookings, ledger, ledger_history, requests, totals
from bot.store import shares as share_store
from bot.store.database import Database
from bot.store.day_sums import changes_of
from tests.notation import MONDAY, session

REPOSITORY = 34
KEY = ("claude-code", "s1")
REQUEST = ("claude-code", "s1-0")
DOLLAR = 1_000_000
WEEK = timedelta(weeks=1)
WEEK_MS = WEEK // timedelta(milliseconds=1)
MILLISECOND = timedelta(milliseconds=1)


def save(database: Database, connection: Connection, tenant: int, usage: Usage, pull_number: int | None = None) -> None:
    """One request, attributed to a pull request if there is a number."""
    key = RepositoryKey(tenant, REPOSITORY)
    context = msgspec.structs.replace(usage.context, repository=str(REPOSITORY))
    with changes_of(connection, tenant) as sums:
        requests.save_usage(connection, Sender(tenant), [msgspec.structs.replace(usage, context=context)], 1, sums)
    if pull_number is not None:
        rows = ledger.charges_of(connection, key, [KEY])[KEY]
        pairs = [(row, claim(pull_number, Evidence.BRANCH, "why")) for row in rows]
        with changes_of(connection, tenant) as sums:
            share_store.save_claims(connection, key, pairs, 1, sums)


def usage_of(dollars: int, output_tokens: int = 0) -> Usage:
    (usage,) = session(f"09:00 feat/a ${dollars}.00")
    return msgspec.structs.replace(usage, tokens=msgspec.structs.replace(usage.tokens, output=output_tokens))


def test_a_charge_that_grows_is_shared_out_again_in_the_same_transaction(database: Database):
    """Neither another request of the session nor another tool's with the same id changes."""
    first, second = session("09:00 feat/a $1.00\n09:10 feat/a $4.00")
    foreign = msgspec.structs.replace(first, tool="codex")
    # A later copy of the log has the final count of output tokens: 40,000 at $25 a million are a dollar.
    last = msgspec.structs.replace(first, tokens=msgspec.structs.replace(first.tokens, output=40_000))
    with database.write() as connection:
        save(database, connection, 5, foreign)
        save(database, connection, 5, first, pull_number=12)
        save(database, connection, 5, second, pull_number=12)
        save(database, connection, 5, last)
        charges, shares = ledger_history.everything(connection, 5)
        assert check(charges, shares) == []
        assert {charge.key: (charge.list_micros or 0) // DOLLAR for charge in charges} == {
            first.key: 2, second.key: 4, foreign.key: 1,
        }  # fmt: skip
        revisions = [
            (share.revision, share.pull_number, share.micros)
            for share in ledger_history.history(connection, 5, *REQUEST)
        ]
        assert revisions == [(1, 12, DOLLAR), (2, 12, 2 * DOLLAR)]


def test_two_tenants_with_one_request_id_share_nothing(database: Database):
    """Both know a repository, a pull request, a session and a request by the same names."""
    with database.write() as connection:
        save(database, connection, 5, usage_of(1), pull_number=12)
        save(database, connection, 6, usage_of(3), pull_number=12)
        before = figures(connection, 6)
        assert before == {"micros": 3 * DOLLAR, "requests": 1, "revisions": [(1, 12, 3 * DOLLAR)]}
        save(database, connection, 5, usage_of(1, output_tokens=40_000))
        save(database, connection, 5, usage_of(1), pull_number=13)
        assert figures(connection, 6) == before
        assert (
            check(*ledger_history.everything(connection, 5)) == check(*ledger_history.everything(connection, 6)) == []
        )
        assert [part.cost.requests for part in bookings.parts_of(connection, PullKey(5, REPOSITORY, 13))] == [1]
        assert bookings.parts_of(connection, PullKey(5, REPOSITORY, 12)) == []
        assert [share.micros for share in ledger_history.history(connection, 5, *REQUEST)] == [
            DOLLAR,
            2 * DOLLAR,
            2 * DOLLAR,
        ]


def figures(connection: Connection, tenant: int) -> dict[str, object]:
    """What each statement says of the tenant, which has to be the same."""
    repository, start, end = RepositoryKey(tenant, REPOSITORY), MONDAY.date(), MONDAY.date() + WEEK
    (part,) = bookings.parts_of(connection, PullKey(*repository, 12))
    (row,) = ledger.charges_of(connection, repository, [KEY])[KEY]
    (_, (spend,)) = totals.spent_in(connection, repository, [start - WEEK, start], end)
    (on_pull,) = totals.spent_on(connection, repository, [12])
    ((_, _, quarter_micros),) = totals.spent_at(connection, repository, [12], date(2026, 11, 1))
    (of_day,) = totals.by_day(connection, repository, start, end).values()
    ((model,), _) = totals.used_between(connection, repository, start, end)
    charges, shares = ledger_history.everything(connection, tenant)
    amounts = {
        part.cost.list_micros, row.charge.list_micros, quarter_micros, of_day, sum(share.micros or 0 for share in shares),
        sum(charge.list_micros or 0 for charge in charges), *(cost.list_micros for cost in bookings.session_totals(connection, repository, [KEY]).values()),
    }  # fmt: skip
    costs = {part.cost, spend.cost, on_pull.cost, model.cost, totals.total_between(connection, repository, start, end)}
    amounts |= {cost.list_micros for cost in costs}
    counts = {*(cost.requests for cost in costs), len(charges), len(shares)}
    assert (len(amounts), len(counts)) == (1, 1), (amounts, counts)
    revisions = [
        (share.revision, share.pull_number, share.micros)
        for share in ledger_history.history(connection, tenant, *REQUEST)
    ]
    return {"micros": amounts.pop(), "requests": counts.pop(), "revisions": revisions}


@pytest.mark.parametrize(
    ("shift_ms", "dollars"),
    [(-1, [1, 0]), (0, [0, 1]), (WEEK_MS - 1, [0, 1]), (WEEK_MS, [0, 0]), (-WEEK_MS - 1, [0, 0])],
)
def test_a_request_on_a_boundary_is_in_the_week_that_begins_there(
    database: Database, shift_ms: int, dollars: list[int]
):
    start = MONDAY.date()
    usage = msgspec.structs.replace(usage_of(1), at=MONDAY + shift_ms * MILLISECOND)
    starts, end = [start - WEEK, start], start + WEEK
    repository = RepositoryKey(5, REPOSITORY)
    with database.write() as connection:
        save(database, connection, 5, usage, pull_number=12)
        parts = totals.spent_in(connection, repository, starts, end)
        assert [sum(part.cost.priced_micros for part in week) // DOLLAR for week in parts] == dollars
        week = (start, end)
        in_week = [
            totals.total_between(connection, repository, *week).priced_micros,
            sum(totals.by_day(connection, repository, *week).values()),
            sum(row.cost.priced_micros for row in totals.used_between(connection, repository, *week)[0]),
        ]
        assert [micros // DOLLAR for micros in in_week] == [dollars[1]] * 3
