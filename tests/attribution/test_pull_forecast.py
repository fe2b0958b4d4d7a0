"""Forecasts of open pull requests from the merged ones."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.forecast import TrackRecord
from attribution.pull_forecast import Curve, estimate, pull

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOLLAR = 1_000_000


def curve(opened_hour: int, merged_hour: int | None, *amounts: tuple[int, int]) -> Curve:
    """Hours since it was opened, and dollars."""
    opened_at = MONDAY + opened_hour * HOUR
    return Curve(
        opened_at=opened_at,
        merged_at=None if merged_hour is None else opened_at + merged_hour * HOUR,
        amounts=tuple((opened_at + at * HOUR, dollars * DOLLAR) for at, dollars in amounts),
    )


def alike(
    count: int, *, merged_hour: int = 30, amounts: tuple[tuple[int, int], ...] = ((0, 10), (2, 20), (10, 10))
) -> list[Curve]:
    """One after another, each worked on at once, after two hours and after ten."""
    return [curve(-1000 + 40 * i, merged_hour, *amounts) for i in range(count)]


def test_one_that_is_like_the_others_comes_to_what_they_came_to():
    forecast = pull(curve(0, None, (0, 50)), alike(16), MONDAY + HOUR)
    assert (forecast.spent_micros, forecast.micros) == (50 * DOLLAR, 200 * DOLLAR)
    assert (forecast.low_micros, forecast.high_micros) == (200 * DOLLAR, 200 * DOLLAR)
    assert forecast.track_record == TrackRecord(error_percent=0, cases=6)


def test_one_that_has_been_quiet_for_long_is_done():
    forecast = pull(curve(0, None, (0, 50)), alike(16), MONDAY + 15 * HOUR)
    assert forecast.micros == 50 * DOLLAR


def test_of_moments_that_are_as_quiet_the_nearest_in_age_counts():
    others = alike(16, amounts=((0, 10), (2, 20), (20, 10)))
    young, old = (estimate(curve(0, None, (at, 30)), others, MONDAY + (at + 1) * HOUR) for at in (0, 19))
    assert (young.micros, old.micros) == (120 * DOLLAR, 30 * DOLLAR)


def test_what_it_was_like_before_it_was_opened_does_not_count():
    others = alike(16, amounts=((-2, 10), (8, 30)))
    forecast = estimate(curve(0, None, (0, 30)), others, MONDAY + HOUR)
    # At nine hours they had cost all that they would; an hour before they were opened a quarter of it.
    assert forecast.micros == 30 * DOLLAR


def test_most_stay_within_the_range():
    others = [curve(-1000 + 40 * i, 30, (0, 10), (5, i)) for i in range(21)]
    forecast = estimate(curve(0, None, (0, 10)), others, MONDAY + HOUR)
    assert (forecast.low_micros, forecast.micros, forecast.high_micros) == (12 * DOLLAR, 20 * DOLLAR, 28 * DOLLAR)


def test_a_thin_history_makes_no_forecast():
    subject = curve(0, None, (0, 50))
    assert pull(subject, alike(14), MONDAY + HOUR) is None
    assert estimate(subject, alike(9), MONDAY + HOUR) is None
    never_merged = [msgspec.structs.replace(other, merged_at=None) for other in alike(16)]
    assert estimate(subject, never_merged, MONDAY + HOUR) is None
    not_yet = [msgspec.structs.replace(other, merged_at=MONDAY + 2 * HOUR) for other in alike(16)]
    assert estimate(subject, not_yet, MONDAY + HOUR) is None


def test_without_a_known_price_there_is_nothing_to_go_by():
    assert pull(curve(0, None), alike(16), MONDAY + HOUR) is None
    assert pull(curve(0, None, (0, 0)), alike(16), MONDAY + HOUR) is None


def test_the_error_is_that_of_the_merged_when_they_were_like_it():
    doubled = [curve(-300 + 40 * i, 30, (0, 10), (2, 20), (10, 50)) for i in range(5)]
    # When these had cost 10, a forecast by those before them said 40, and they came to 80.
    assert pull(curve(0, None, (0, 50)), [*alike(16), *doubled], MONDAY + HOUR).track_record == TrackRecord(
        error_percent=0, cases=11
    )
    assert pull(curve(0, None, (0, 50)), [*alike(10), *doubled], MONDAY + HOUR).track_record == TrackRecord(
        error_percent=50, cases=5
    )


spends = st.lists(st.tuples(st.integers(-20, 60), st.integers(0, 500)), max_size=6)
merges = st.builds(
    lambda opened_hour, merged_hour, amounts: curve(opened_hour, merged_hour, *amounts),
    st.integers(-900, -1),
    st.integers(1, 80),
    spends,
)
histories = st.lists(merges, min_size=8, max_size=40)
opens = spends.map(lambda amounts: curve(0, None, *amounts))
ages = st.integers(0, 100).map(lambda hours: MONDAY + hours * HOUR)


def times(curve_: Curve, factor: int) -> Curve:
    return msgspec.structs.replace(curve_, amounts=tuple((at, micros * factor) for at, micros in curve_.amounts))


@given(subject=opens, others=histories, now=ages, data=st.data())
def test_order_changes_nothing(subject: Curve, others: list[Curve], now: datetime, data: st.DataObject):
    shuffled = [
        msgspec.structs.replace(other, amounts=tuple(data.draw(st.permutations(other.amounts))))
        for other in data.draw(st.permutations(others))
    ]
    assert pull(subject, shuffled, now) == pull(subject, others, now)


@given(subject=opens, others=histories, now=ages, factor=st.integers(1, 1000))
def test_a_thousand_times_the_money_is_a_thousand_times_the_forecast(subject, others, now, factor: int):
    forecast, larger = (
        pull(subject, others, now),
        pull(times(subject, factor), [times(other, factor) for other in others], now),
    )
    assert (forecast is None) == (larger is None)
    if forecast and larger:
        assert larger.track_record == forecast.track_record
        assert abs(larger.micros - factor * forecast.micros) <= factor


@given(subject=opens, others=histories, now=ages)
def test_a_forecast_is_never_less_than_what_is_spent(subject: Curve, others: list[Curve], now: datetime):
    forecast = estimate(subject, others, now)
    if forecast:
        assert forecast.spent_micros == subject.micros
        assert forecast.spent_micros <= forecast.low_micros <= forecast.micros <= forecast.high_micros


@given(subject=opens, others=histories, now=ages)
def test_what_is_merged_later_is_not_known(subject: Curve, others: list[Curve], now: datetime):
    earlier = [other for other in others if other.merged_at < now]
    assert pull(subject, earlier, now) == pull(subject, others, now)
