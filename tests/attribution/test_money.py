from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.money import cents_that_sum, from_usd, show, split, to_cents

amounts = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)


@given(amounts, weights)
def test_parts_sum_to_the_whole_and_are_fair_to_a_unit(total, weights):
    parts = split(total, weights)
    assert sum(parts) == total
    whole = sum(weights) or len(weights)
    for part, weight in zip(parts, weights if sum(weights) else [1] * len(weights), strict=True):
        assert abs(part * whole - total * weight) < whole


@given(amounts)
def test_one_takes_all(total):
    assert split(total, [3]) == [total]
    assert split(total, [0, 5, 0]) == [0, total, 0]


def test_split_refuses_what_it_cannot_share():
    with pytest.raises(ValueError, match="nothing to split"):
        split(5, [])
    with pytest.raises(ValueError, match="negative"):
        split(5, [2, -1])


@given(st.lists(st.integers(0, 10**10), max_size=30))
def test_a_column_of_cents_sums_to_its_total(parts):
    assert sum(cents_that_sum(parts)) == to_cents(sum(parts))


@given(st.integers(0, 10**12))
def test_cents_are_the_nearest(micros):
    assert abs(to_cents(micros) * 10_000 - micros) <= 5_000


def test_halves_go_to_even():
    assert [to_cents(5_000), to_cents(15_000), to_cents(25_000)] == [0, 2, 2]
    assert [from_usd(Decimal("0.0000005")), from_usd(Decimal("0.0000015"))] == [0, 2]


def test_a_small_amount_is_not_shown_as_nothing():
    assert show(1) == "under $0.01"
    assert show(0) == "$0.00"
    assert show(4_120_000) == "$4.12"
    assert show(1_234_567_890_000) == "$1,234,567.89"
