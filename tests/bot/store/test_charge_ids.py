"""The numbers of charges: one for each request, whatever else happened in its minute, in whichever account it is."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random

import msgspec
from sqlalchemy import Connection

from attribution.ledger import check
from attribution.usage import RequestKey, Usage
from bot.keys import RepositoryKey, Sender
from bot.store import ledger, ledger_history, request_names, requests, transfer
from bot.store.database import Database
from bot.store.day_sums import changes_of
from tests.notation import MONDAY

HERE, THERE = RepositoryKey(5, 34), RepositoryKey(6, 35)
MINUTE = timedelta(minutes=1)
TOOL = "claude-code"


def of_one_number(bits: int) -> tuple[str, str]:
    """Two ids of requests whose hashes agree in the first `bits` of 31. Checksums of numbers that follow one another hardly ever do."""
    random = Random(bits)
    first_with: dict[int, str] = {}
    while True:
        name = str(random.randrange(10**10))
        other = first_with.setdefault(request_names.name_hash(RequestKey(TOOL, name)) >> (31 - bits), name)
        if other != name:
            return other, name


def request(request_id: str, repository_id: int, **parts: object) -> Usage:
    usage = Usage(
        tool=TOOL, session_id="s1", request_id=request_id, at=MONDAY, model="m", reported_micros=int(request_id) + 1
    )
    context = msgspec.structs.replace(usage.context, repository=str(repository_id))
    return msgspec.structs.replace(usage, context=context, **parts)


def save(database: Database, connection: Connection, account_id: int, usages: Iterable[Usage]) -> int:
    """How many charges it changed."""
    with changes_of(connection, account_id) as sums:
        return requests.save_usage(connection, Sender(account_id), usages, 1, sums).charges


def amounts(database: Database, account_id: int) -> list[int]:
    with database.read() as connection:
        charges, shares = ledger_history.everything(connection, account_id)
    assert check(charges, shares) == []
    return sorted(charge.list_micros or 0 for charge in charges)


def test_two_requests_of_one_number_are_two_charges_in_one_batch_and_in_two(database: Database):
    first, second = of_one_number(22)
    both = [request(first, 34), request(second, 34)]
    with database.write() as connection:
        save(database, connection, 5, both)
        for usage in both:
            save(database, connection, 6, [usage])
            # Sending them again changes nothing.
            assert save(database, connection, 6, [usage]) == 0
    assert amounts(database, 5) == amounts(database, 6) == sorted([int(first) + 1, int(second) + 1])


def test_two_requests_of_one_hash_are_not_taken_for_one(database: Database):
    first, second = of_one_number(31)
    with database.write() as connection:
        save(database, connection, 5, [request(first, 34)])
        later = request(second, 34, at=MONDAY + 9 * MINUTE)
        assert save(database, connection, 5, [later]) == 1
        (entry,) = ledger.named(connection, 5, [later.key])
        assert entry.charge.usage.request_id == second
    assert amounts(database, 5) == sorted([int(first) + 1, int(second) + 1])


def test_a_transfer_doubles_and_loses_no_charge_where_numbers_are_taken(database: Database):
    """There, one request has the number of another one, and one is the same."""
    first, second = of_one_number(22)
    same = "7"
    with database.write() as connection:
        save(database, connection, 5, [request(first, 34), request(same, 34)])
        save(database, connection, 6, [request(second, 35), request(same, 35)])
        transfer.move(connection, HERE, 6)
        # What is moved is still found by its id.
        assert save(database, connection, 6, [request(first, 34)]) == 0
    assert amounts(database, 5) == [8]
    assert amounts(database, 6) == sorted([int(first) + 1, int(second) + 1, 8])
