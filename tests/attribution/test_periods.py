"""Weeks by the clock on the wall: daylight saving, the date line, and years of 53 weeks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.periods import last_published, name_of, published_at, week_named, week_number, week_of, weeks_later

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_week_begins_on_monday_at_midnight_where_people_live():
    week = week_named("2026-W47", ZoneInfo("Pacific/Kiritimati"))
    assert (week.from_at, week.to_at) == (utc("2026-11-15 10:00"), utc("2026-11-22 10:00"))
    assert published_at(week, "monday", ZoneInfo("Pacific/Kiritimati")) == utc("2026-11-22 16:00")


@pytest.mark.parametrize(
    ("zone", "name", "hours", "week_start"),
    [
        ("Europe/Berlin", "2026-W13", 167, "2026-03-30 04:00"),
        ("Europe/Berlin", "2026-W43", 169, "2026-10-26 05:00"),
        ("America/New_York", "2026-W10", 167, "2026-03-09 10:00"),
        ("America/New_York", "2026-W44", 169, "2026-11-02 11:00"),
        ("UTC", "2026-W44", 168, "2026-11-02 06:00"),
    ],
)
def test_daylight_saving_makes_weeks_shorter_and_longer(zone, name, hours, week_start):
    week = week_named(name, ZoneInfo(zone))
    assert week.to_at - week.from_at == timedelta(hours=hours)
    assert published_at(week, "monday", ZoneInfo(zone)) == utc(week_start)


@pytest.mark.parametrize("zone", ZONES)
def test_the_turn_of_a_year_with_53_weeks(zone):
    last = week_named("2026-W53", ZoneInfo(zone))
    assert weeks_later(last, 1, ZoneInfo(zone)).name == "2027-W01"
    assert weeks_later(last, -53, ZoneInfo(zone)).name == "2025-W52"
    assert week_of(last.from_at, ZoneInfo(zone)) == last
    assert week_of(last.to_at, ZoneInfo(zone)).name == "2027-W01"
    assert last.to_at.astimezone(ZoneInfo(zone)).date().isoformat() == "2027-01-04"


@pytest.mark.parametrize("name", ["2025-W53", "2026-W00", "2026-W54", "2026-47", "2026-W7", "", "1999-W01"])
def test_names_that_are_no_week(name):
    assert week_named(name, ZoneInfo("UTC")) is None


def test_the_day_is_the_first_such_day_after_the_week():
    zone = ZoneInfo("UTC")
    assert last_published(utc("2026-11-23 05:59"), "monday", zone).name == "2026-W46"
    assert last_published(utc("2026-11-23 06:00"), "monday", zone).name == "2026-W47"
    assert last_published(utc("2026-11-23 06:00"), "friday", zone).name == "2026-W46"
    assert last_published(utc("2026-11-27 06:00"), "friday", zone).name == "2026-W47"


moments = st.integers(0, 15 * 365 * 24 * 60).map(lambda minutes: utc("2020-01-01") + timedelta(minutes=minutes))


@given(moments, st.sampled_from(sorted(available_timezones())))
def test_weeks_follow_each_other_without_gap_in_every_zone(at, name):
    zone = ZoneInfo(name)
    week = week_of(at, zone)
    assert week.from_at <= at < week.to_at
    assert weeks_later(week, 1, zone).from_at == week.to_at
    assert weeks_later(weeks_later(week, 1, zone), -1, zone) == week
    assert week_named(week.name, zone) == week
    assert name_of(week_number(week.name)) == week.name
    assert published_at(last_published(at, "monday", zone), "monday", zone) <= at
