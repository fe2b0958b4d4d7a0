"""Forecasts: what the weeks before bring again, never less than what is spent, and never without their past error."""

from collections.abc import Callable
from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from attribution.forecast import Daily, TrackRecord, error_percent, estimate, first_and_last, month, pace

DOLLAR = 1_000_000
DAY = timedelta(days=1)
# A Monday.
MAY_4 = date(2026, 5, 4)


def days(first: date, last: date, dollars: Callable[[date], int]) -> dict[date, int]:
    return {first + i * DAY: dollars(first + i * DAY) * DOLLAR for i in range((last - first).days + 1)}


def office(day: date) -> int:
    """Ten dollars a working day, one on the weekend."""
    return 10 if day.weekday() < 5 else 1


def test_a_month_like_those_before_is_forecast_to_the_dollar():
    daily = days(date(2026, 1, 1), date(2026, 5, 10), office)
    forecast = month(daily, date(2026, 5, 11))
    # May 2026 has 21 working days.
    assert forecast.micros == forecast.low_micros == forecast.high_micros == 220 * DOLLAR
    assert forecast.spent_micros == 64 * DOLLAR
    assert forecast.track_record == TrackRecord(error_percent=0, cases=3)


def test_the_weekend_is_part_of_what_is_left():
    daily = days(date(2026, 1, 1), date(2026, 5, 28), office)
    # From Friday the 29th until Sunday the 31st.
    forecast = month(daily, date(2026, 5, 29))
    assert forecast.micros - forecast.spent_micros == 12 * DOLLAR


def test_the_range_is_what_the_stretches_say_and_wider_where_they_share_days():
    # Ten dollars a day, but twenty in the week from 2 March.
    daily = days(
        date(2026, 1, 1), date(2026, 5, 31), lambda day: 20 if date(2026, 3, 2) <= day < date(2026, 3, 9) else 10
    )
    week = estimate(daily, date(2026, 4, 1), date(2026, 4, 26), date(2026, 4, 20))
    assert (week.micros, week.high_micros - week.micros) == (260 * DOLLAR, 70 * DOLLAR)
    # Neighbours of two weeks share one of them: half as much more.
    two = estimate(daily, date(2026, 4, 1), date(2026, 4, 26), date(2026, 4, 13))
    assert (two.low_micros, two.micros, two.high_micros - two.micros) == (260 * DOLLAR, 260 * DOLLAR, 105 * DOLLAR)


def test_twelve_weeks_back_count():
    def high(weeks: int) -> int:
        dear = {MAY_4 - timedelta(weeks=weeks): 90 * DOLLAR}
        forecast = estimate(days(date(2026, 1, 1), MAY_4, lambda _: 10) | dear, MAY_4, MAY_4, MAY_4)
        return forecast.high_micros // DOLLAR

    assert [high(weeks) for weeks in (1, 12, 13)] == [90, 90, 10]


def test_one_mad_day_does_not_repeat_itself():
    daily = days(date(2026, 1, 1), date(2026, 5, 10), office) | {date(2026, 5, 7): 3000 * DOLLAR}
    assert month(daily, date(2026, 5, 11)).micros == (220 + 2990) * DOLLAR


def test_what_today_cost_already_is_part_of_what_is_left():
    daily = days(date(2026, 1, 1), date(2026, 5, 30), office)
    assert month(daily, date(2026, 5, 31)).micros == 220 * DOLLAR
    assert month(daily | {date(2026, 5, 31): 50 * DOLLAR}, date(2026, 5, 31)).low_micros == 269 * DOLLAR


def test_the_error_is_that_of_the_months_before_on_the_same_day():
    # March costs twice as much on every day from the 16th on, which nobody could know on the 16th.
    daily = days(
        date(2026, 1, 1), date(2026, 4, 15), lambda day: 20 if date(2026, 3, 16) <= day < date(2026, 4, 1) else 10
    )
    # February: right. March: 310 of 470, 34 % off. January has too little before it.
    assert month(daily, date(2026, 4, 16)).track_record == TrackRecord(error_percent=17, cases=2)


def test_a_thin_history_makes_no_forecast():
    assert month({}, date(2026, 5, 11)) is None
    # April alone can be tried.
    assert month(days(date(2026, 2, 20), date(2026, 5, 10), office), date(2026, 5, 11)) is None
    assert month(days(date(2026, 2, 1), date(2026, 5, 10), office), date(2026, 5, 11)) is not None
    assert (
        estimate(days(date(2026, 4, 20), date(2026, 5, 10), office), *first_and_last(MAY_4), date(2026, 5, 11)) is None
    )


def test_on_which_day_a_budget_is_used_up():
    daily = days(date(2026, 4, 1), date(2026, 5, 13), office)
    today, week = date(2026, 5, 14), (date(2026, 5, 11), date(2026, 5, 17))
    assert pace(daily, *week, today, 35 * DOLLAR) == today
    assert pace(daily, *week, today, 51 * DOLLAR) == date(2026, 5, 16)
    assert pace(daily, *week, today, 60 * DOLLAR) is None
    assert pace(daily, *week, today, 20 * DOLLAR) == date(2026, 5, 12)
    assert pace(daily, *first_and_last(today), today, 150 * DOLLAR) == date(2026, 5, 21)


def test_the_pace_of_a_few_days():
    daily = {date(2026, 5, 12): 10 * DOLLAR, date(2026, 5, 13): 20 * DOLLAR}
    assert pace(daily, *first_and_last(MAY_4), date(2026, 5, 13), 74 * DOLLAR) == date(2026, 5, 16)
    assert pace({}, *first_and_last(MAY_4), date(2026, 5, 13), DOLLAR) is None
    assert pace({date(2026, 5, 14): DOLLAR}, *first_and_last(MAY_4), date(2026, 5, 13), DOLLAR) is None


def test_the_error_in_percent():
    assert [error_percent(*pair) for pair in ((50, 100), (150, 100), (0, 7), (7, 7), (995, 1000))] == [
        50,
        50,
        100,
        0,
        0,
    ]


dates = st.dates(date(2026, 1, 1), date(2026, 12, 31))
amounts = st.integers(0, 10**10)
histories = st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 8, 31)), amounts, min_size=40, max_size=240)


@given(daily=histories, today=dates, factor=st.integers(1, 1000))
def test_a_thousand_times_the_money_is_a_thousand_times_the_forecast(daily: Daily, today: date, factor: int):
    plain, other = (month({day: micros * by for day, micros in daily.items()}, today) for by in (1, factor))
    assert (plain is None) == (other is None)
    if plain and other:
        assert other.track_record == plain.track_record
        for name in ("spent_micros", "micros", "low_micros", "high_micros"):
            assert abs(getattr(other, name) - factor * getattr(plain, name)) <= factor


@given(daily=histories, today=dates, data=st.data())
def test_the_order_of_days_changes_nothing(daily: Daily, today: date, data: st.DataObject):
    shuffled = dict(data.draw(st.permutations(list(daily.items()))))
    assert month(shuffled, today) == month(daily, today)
    budget = data.draw(amounts)
    assert pace(shuffled, *first_and_last(today), today, budget) == pace(daily, *first_and_last(today), today, budget)


@given(daily=histories, today=dates)
def test_a_forecast_is_never_less_than_what_is_spent(daily: Daily, today: date):
    forecast = estimate(daily, *first_and_last(today), today)
    assume(forecast is not None)
    first, _ = first_and_last(today)
    assert forecast.spent_micros == sum(micros for day, micros in daily.items() if first <= day <= today)
    assert forecast.spent_micros <= forecast.low_micros <= forecast.micros <= forecast.high_micros


@given(daily=histories, today=dates, more=amounts, data=st.data())
def test_more_usage_this_month_never_lowers_anything(daily: Daily, today: date, more: int, data: st.DataObject):
    first, last = first_and_last(today)
    day = data.draw(st.dates(first, today))
    assume(min(daily) <= first)
    longer = {**daily, day: daily.get(day, 0) + more}
    before, after = (estimate(each, first, last, today) for each in (daily, longer))
    if before and after:
        assert after.spent_micros == before.spent_micros + more
        assert after.micros >= before.micros
    budget = data.draw(amounts)
    days = [pace(each, first, last, today, budget) for each in (daily, longer)]
    assert days[0] is None or (days[1] is not None and days[1] <= days[0])


@given(daily=histories, today=dates, later=st.dictionaries(dates, amounts))
def test_what_comes_later_is_not_known(daily: Daily, today: date, later: Daily):
    past = {day: micros for day, micros in daily.items() if day <= today}
    future = {day: micros for day, micros in later.items() if day > today}
    assert month(past, today) == month(past | future, today)
