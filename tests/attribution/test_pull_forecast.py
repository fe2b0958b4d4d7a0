"""Forecasts of open pull requests from the merged ones."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.forecast import Tried
from attribution.pull_forecast import Curve, estimate, pull

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOLLAR = 1_000_000


def curve(opened: int, merged: int | None, *spent: tuple[int, int]) -> Curve:
    """Hours since it was opened, and dollars."""
    opened_at = MONDAY + opened * HOUR
    return Curve(
        opened_at=opened_at,
        merged_at=None if merged is None else opened_at + merged * HOUR,
        spent=tuple((opened_at + at * HOUR, dollars * DOLLAR) for at, dollars in spent),
    )


def alike(
    count: int, *, merged: int = 30, spent: tuple[tuple[int, int], ...] = ((0, 10), (2, 20), (10, 10))
) -> list[Curve]:
    """One after another, each worked on at once, after two hours and after ten."""
    return [curve(-1000 + 40 * i, merged, *spent) for i in range(count)]


def test_one_that_is_like_the_others_comes_to_what_they_came_to():
    found = pull(curve(0, None, (0, 50)), alike(16), MONDAY + HOUR)
    assert (found.spent_micros, found.micros) == (50 * DOLLAR, 200 * DOLLAR)
    assert (found.low_micros, found.high_micros) == (200 * DOLLAR, 200 * DOLLAR)
    assert found.tried == Tried(error_percent=0, cases=6)


def test_one_that_has_been_quiet_for_long_is_done():
    found = pull(curve(0, None, (0, 50)), alike(16), MONDAY + 15 * HOUR)
    assert found.micros == 50 * DOLLAR


def test_of_moments_that_are_as_quiet_the_nearest_in_age_counts():
    others = alike(16, spent=((0, 10), (2, 20), (20, 10)))
    young, old = (estimate(curve(0, None, (at, 30)), others, MONDAY + (at + 1) * HOUR) for at in (0, 19))
    assert (young.micros, old.micros) == (120 * DOLLAR, 30 * DOLLAR)


def test_what_it_was_like_before_it_was_opened_does_not_count():
    others = alike(16, spent=((-2, 10), (8, 30)))
    found = estimate(curve(0, None, (0, 30)), others, MONDAY + HOUR)
    # At nine hours they had cost all that they would; an hour before they were opened a quarter of it.
    assert found.micros == 30 * DOLLAR


def test_most_stay_within_the_range():
    others = [curve(-1000 + 40 * i, 30, (0, 10), (5, i)) for i in range(21)]
    found = estimate(curve(0, None, (0, 10)), others, MONDAY + HOUR)
    assert (found.low_micros, found.micros, found.high_micros) == (12 * DOLLAR, 20 * DOLLAR, 28 * DOLLAR)


def test_a_thin_history_makes_no_forecast():
    one = curve(0, None, (0, 50))
    assert pull(one, alike(14), MONDAY + HOUR) is None
    assert estimate(one, alike(9), MONDAY + HOUR) is None
    never_merged = [msgspec.structs.replace(other, merged_at=None) for other in alike(16)]
    assert estimate(one, never_merged, MONDAY + HOUR) is None
    not_yet = [msgspec.structs.replace(other, merged_at=MONDAY + 2 * HOUR) for other in alike(16)]
    assert estimate(one, not_yet, MONDAY + HOUR) is None


def test_without_a_known_price_there_is_nothing_to_go_by():
    assert pull(curve(0, None), alike(16), MONDAY + HOUR) is None
    assert pull(curve(0, None, (0, 0)), alike(16), MONDAY + HOUR) is None


def test_the_error_is_that_of_the_merged_when_they_were_like_it():
    doubled = [curve(-300 + 40 * i, 30, (0, 10), (2, 20), (10, 50)) for i in range(5)]
    # When these had cost 10, a forecast by those before them said 40, and they came to 80.
    assert pull(curve(0, None, (0, 50)), [*alike(16), *doubled], MONDAY + HOUR).tried == Tried(
        error_percent=0, cases=11
    )
    assert pull(curve(0, None, (0, 50)), [*alike(10), *doubled], MONDAY + HOUR).tried == Tried(
        error_percent=50, cases=5
    )


spends = st.lists(st.tuples(st.integers(-20, 60), st.integers(0, 500)), max_size=6)
merges = st.builds(
    lambda opened, merged, spent: curve(opened, merged, *spent), st.integers(-900, -1), st.integers(1, 80), spends
)
histories = st.lists(merges, min_size=8, max_size=40)
opens = spends.map(lambda spent: curve(0, None, *spent))
ages = st.integers(0, 100).map(lambda hours: MONDAY + hours * HOUR)


def times(one: Curve, factor: int) -> Curve:
    return msgspec.structs.replace(one, spent=tuple((at, micros * factor) for at, micros in one.spent))


@given(one=opens, others=histories, now=ages, data=st.data())
def test_order_changes_nothing(one: Curve, others: list[Curve], now: datetime, data: st.DataObject):
    shuffled = [
        msgspec.structs.replace(other, spent=tuple(data.draw(st.permutations(other.spent))))
        for other in data.draw(st.permutations(others))
    ]
    assert pull(one, shuffled, now) == pull(one, others, now)


@given(one=opens, others=histories, now=ages, factor=st.integers(1, 1000))
def test_a_thousand_times_the_money_is_a_thousand_times_the_forecast(one, others, now, factor: int):
    found, scaled = pull(one, others, now), pull(times(one, factor), [times(other, factor) for other in others], now)
    assert (found is None) == (scaled is None)
    if found and scaled:
        assert scaled.tried == found.tried
        assert abs(scaled.micros - factor * found.micros) <= factor


@given(one=opens, others=histories, now=ages)
def test_a_forecast_is_never_less_than_what_is_spent(one: Curve, others: list[Curve], now: datetime):
    found = estimate(one, others, now)
    if found:
        assert found.spent_micros == one.micros
        assert found.spent_micros <= found.low_micros <= found.micros <= found.high_micros


@given(one=opens, others=histories, now=ages)
def test_what_is_merged_later_is_not_known(one: Curve, others: list[Curve], now: datetime):
    known = [other for other in others if other.merged_at < now]
    assert pull(one, known, now) == pull(one, others, now)
