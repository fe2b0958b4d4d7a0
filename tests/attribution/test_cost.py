"""A cost adds up exactly, is shared out exactly, and is never $0 where it is not known."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from attribution.cost import NOT_KNOWN, ZERO, Cost, column, cost_of_request
from tests.attribution.strategies import costs

# With sums of no request, as a week without work has.
sums = costs() | st.just(ZERO)


@given(sums, sums, sums)
def test_addition_is_that_of_numbers(a: Cost, b: Cost, c: Cost):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + ZERO == ZERO + a == a


@given(st.lists(st.none() | st.integers(0, 10**9)))
def test_a_sum_is_what_sql_says(amounts: list[int | None]):
    """NULL of amounts that are all NULL; but nothing at all costs nothing."""
    prices = [micros for micros in amounts if micros is not None]
    cost = sum(map(cost_of_request, amounts), ZERO)
    assert cost == Cost(sum(prices) if prices or not amounts else None, len(amounts), len(amounts) - len(prices))


@given(sums, st.integers(1, 9))
def test_parts_sum_to_the_money_and_each_counts_every_request(cost: Cost, parts: int):
    split = cost.split(parts)
    assert sum(part.priced_micros for part in split) == cost.priced_micros
    assert max(part.priced_micros for part in split) - min(part.priced_micros for part in split) <= 1
    assert {(part.requests, part.unpriced_requests, part.is_known) for part in split} == {
        (cost.requests, cost.unpriced_requests, cost.is_known)
    }


def cents(text: str) -> int:
    return 0 if text in (NOT_KNOWN, "under $0.01") else int(text.strip("$").replace(",", "").replace(".", ""))


@given(st.lists(sums, max_size=20))
def test_a_column_sums_to_its_total(parts: list[Cost]):
    assert sum(map(cents, column(parts))) == cents(sum(parts, ZERO).show())


@given(sums)
def test_not_known_is_never_a_sum_and_a_sum_is_never_nothing(cost: Cost):
    is_unknown = 0 < cost.requests == cost.unpriced_requests
    for text in (cost.show(), *column([cost]), cost.show_each(7)):
        assert (text == NOT_KNOWN) == is_unknown
        assert text != "$0.00" or cost.priced_micros < 7
    assert (cost.show() == "$0.00") == (cost.list_micros == 0)
    assert bool(cost.note()) == bool(cost.unpriced_requests)


@given(sums)
def test_json_says_null_for_what_is_not_known(cost: Cost):
    body = msgspec.json.encode(cost)
    assert (msgspec.json.decode(body)["list_micros"] is None) != cost.is_known
    assert msgspec.json.decode(body, type=Cost) == cost


@pytest.mark.parametrize("list_micros", [0, None])
def test_there_is_one_cost_that_is_not_known_and_one_of_nothing(list_micros: int | None):
    assert Cost(list_micros, 3, 3) == Cost(None, 3, 3)
    assert Cost(list_micros, 0, 0) == ZERO


def test_a_cost_in_words():
    texts = [
        f"{cost.show()}{cost.note(', and ')}"
        for cost in (
            ZERO,
            Cost(0, 2),
            Cost(4_120_000, 9),
            Cost(4_999, 1),
            Cost(4_120_000, 1234, 1230),
            Cost(None, 1, 1),
        )
    ]
    assert texts == snapshot(
        [
            "$0.00",
            "$0.00",
            "$4.12",
            "under $0.01",
            "$4.12, and 1,230 requests at a price that is not known",
            "not known, and 1 request at a price that is not known",
        ]
    )
