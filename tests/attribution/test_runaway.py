"""What is far outside of what is usual, and what is only large."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from attribution import runaway
from attribution.activity import Request, SessionActivity, activity_of, merge
from attribution.runaway import Rule, alerts, usual

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
DOLLAR = 1_000_000
MINUTE = timedelta(minutes=1)


def work(
    cents: int, requests: int = 1, *, at: datetime = MONDAY, every: timedelta = MINUTE, effect: int = 1, **more: object
) -> list[Request]:
    """So many requests of so many cents each; every so many of them has an effect, none with 0."""
    return [
        Request(at=at + i * every, micros=cents * 10_000, has_effect=bool(effect) and i % effect == 0, **more)
        for i in range(requests)
    ]


def past(*dollars: int, tool: str = "claude-code", effect: int = 1, requests: int = 1) -> list[SessionActivity]:
    """Sessions of the weeks before, of so many dollars each."""
    return [
        activity_of(
            tool, f"past-{i}", work(amount * 100 // requests, requests, at=MONDAY - timedelta(days=40 - i % 30), every=3 * MINUTE, effect=effect)
        )
        for i, amount in enumerate(dollars)
    ]  # fmt: skip


# Most cost a dollar or two, one of 20 costs ten.
ORDINARY = past(*([1, 2, 1, 3, 1, 2, 1, 4, 5, 10] * 8), requests=10, effect=10)


def alerts_of(requests: list[Request], before: list[SessionActivity], tool: str = "claude-code") -> list[runaway.Alert]:
    live = activity_of(tool, "s1", requests)
    return alerts(live, usual(before, live.from_at), live.to_at)


def sentences(requests: list[Request], before: list[SessionActivity], tool: str = "claude-code") -> list[str]:
    return [alert.sentence for alert in alerts_of(requests, before, tool)]


def test_a_session_that_costs_many_times_what_is_usual():
    assert sentences(work(60, 200, every=4 * MINUTE), ORDINARY) == snapshot(
        ["Session `b3ecf4` has cost $120.00 in 13 h 16 min, 12 times what 19 of 20 sessions here cost."]
    )


def test_a_costly_hour_is_reported_long_before_the_total_is():
    assert sentences(work(100, 70, every=timedelta(seconds=20)), ORDINARY) == snapshot(
        ["Session `b3ecf4` has cost $70.00 within an hour, 7 times the dearest hour of 19 of 20 sessions here."]
    )


def test_a_session_that_turns_in_circles():
    assert sentences(work(10, 400, effect=0), ORDINARY) == snapshot(
        [
            "Session `b3ecf4` made 400 requests for $40.00 without an edit or a commit, where 19 of 20 sessions of its tool make 5 at most."
        ]
    )


def test_whoever_edits_now_and_then_does_not_turn_in_circles():
    assert alerts_of(work(10, 400, effect=50), ORDINARY) == []
    assert alerts_of(work(10, 400, effect=0, is_sub_agent=True), ORDINARY) == []


def test_where_sessions_only_read_reading_is_nothing_special():
    readers = past(*([2] * 40), effect=0, requests=200)
    assert alerts_of(work(10, 400, effect=0), readers) == []
    others = past(*([2] * 11), requests=200), past(*([2] * 10), effect=0, requests=200)
    assert [alert.rule for alert in alerts_of(work(10, 700, effect=0), [*others[0], *others[1]])] == []


def test_where_a_tool_logs_no_edits_that_there_is_none_says_nothing():
    silent = past(*([2] * 40), effect=0)
    assert alerts_of(work(10, 400, effect=0), silent) == []


def test_what_a_stretch_without_effect_takes_to_be_a_loop():
    quick = past(*([1] * 1000))
    assert Rule.LOOP not in {alert.rule for alert in alerts_of(work(50, 100, effect=0), quick)}
    assert Rule.LOOP in {alert.rule for alert in alerts_of(work(50, 101, effect=0), quick)}
    # What it cost before it last edited a file is no part of it.
    cheap = [*work(3000), *work(1, 600, at=MONDAY + 30 * MINUTE, effect=0)]
    assert Rule.LOOP not in {alert.rule for alert in alerts_of(cheap, quick)}


def test_an_hour_is_four_quarters_in_a_row():
    assert activity_of("codex", "s1", work(1000, 5, every=15 * MINUTE)).hour_micros == 40 * DOLLAR
    assert activity_of("codex", "s1", work(1000, 5, every=60 * MINUTE)).hour_micros == 10 * DOLLAR


def test_a_tool_with_little_history_raises_no_alert_about_circles():
    assert alerts_of(work(10, 400, effect=0), ORDINARY, tool="codex") == []


def test_few_sessions_do_not_say_what_is_usual():
    few = past(*([1] * 19))
    assert alerts_of(work(100, 199, every=10 * MINUTE), few) == []
    assert sentences(work(101, 199, every=10 * MINUTE), few) == snapshot(
        ["Session `b3ecf4` has cost $200.99 in 33 h, and only 19 earlier sessions here to compare it with."]
    )
    assert alerts_of(work(101, 199, every=10 * MINUTE), past(*([300] * 10))) == []


def test_one_runaway_of_the_past_does_not_hide_the_next():
    assert [alert.rule for alert in alerts_of(work(60, 200, every=4 * MINUTE), [*ORDINARY, *past(3000)])] == [
        Rule.TOTAL
    ]


def test_a_few_dollars_are_never_an_alert():
    cheap = past(*([1] * 1000))
    assert alerts_of(work(100, 20), cheap) == []
    assert [alert.rule for alert in alerts_of(work(100, 30), cheap)] == [Rule.TOTAL, Rule.BURN]
    assert [alert.rule for alert in alerts_of(work(200, 15, every=10 * MINUTE), cheap)] == [Rule.TOTAL]


def test_what_was_over_long_ago_is_no_alert_any_more():
    live = activity_of("claude-code", "s1", work(60, 200))
    limits = usual(ORDINARY, live.from_at)
    assert alerts(live, limits, live.to_at + timedelta(hours=24))
    assert alerts(live, limits, live.to_at + timedelta(hours=25)) == []


def test_only_what_had_ended_before_counts_and_nothing_of_long_ago():
    old = [activity_of("claude-code", f"o{i}", work(100, at=MONDAY - timedelta(days=91))) for i in range(50)]
    running = [activity_of("claude-code", f"r{i}", work(100, 2, at=MONDAY - MINUTE)) for i in range(50)]
    assert usual([*old, *running], MONDAY).total.sessions == 0


def test_unknown_costs_are_named_in_the_alert():
    requests = [*work(60, 200, every=4 * MINUTE), Request(at=MONDAY, micros=None), Request(at=MONDAY, micros=None)]
    assert sentences(requests, ORDINARY)[0].endswith(" In no amount: 2 requests at a price that is not known.")


moments = st.integers(0, 3 * 24 * 60).map(lambda minutes: MONDAY + minutes * MINUTE)
requests = st.builds(
    Request,
    at=moments,
    micros=st.none() | st.integers(0, 30 * DOLLAR),
    has_effect=st.booleans(),
    is_sub_agent=st.booleans(),
)
sessions = st.lists(requests, min_size=1, max_size=30)
histories = st.lists(st.integers(0, 500), max_size=60).map(lambda dollars: past(*dollars))


@given(requests=sessions, history=histories, data=st.data())
def test_the_order_of_arrival_and_the_parts_change_nothing(requests, history, data: st.DataObject):
    shuffled = data.draw(st.permutations(requests))
    cut = data.draw(st.integers(1, len(shuffled)))
    parts = [activity_of("claude-code", "s1", part) for part in (shuffled[:cut], shuffled[cut:]) if part]
    whole = parts[0] if len(parts) == 1 else merge(*parts)
    assert whole == activity_of("claude-code", "s1", requests)
    assert whole.quarters == tuple(sorted(whole.quarters, key=lambda quarter: quarter.quarter))
    again = data.draw(st.permutations(history))
    assert alerts_of(requests, history) == alerts_of(shuffled, again)


@given(requests=sessions, history=histories)
def test_nothing_without_a_price_and_nothing_below_the_floor_is_an_alert(requests, history):
    for alert in alerts_of(requests, history):
        assert alert.micros > runaway.FLOOR_MICROS
        assert alert.session_micros == sum(request.micros or 0 for request in requests)
        assert alert.unpriced_requests == sum(request.micros is None for request in requests)
    unpriced = [Request(at=request.at, micros=None) for request in requests]
    assert alerts_of(unpriced * 50, history) == []


@given(requests=sessions, more=requests, history=histories)
def test_more_usage_never_takes_an_alert_about_money_back(requests, more, history):
    live, longer = (activity_of("claude-code", "s1", each) for each in (requests, [*requests, more]))
    limits = usual(history, MONDAY)
    assert longer.micros >= live.micros
    assert longer.hour_micros >= live.hour_micros
    before, after = ({alert.rule for alert in alerts(activity, limits, longer.to_at)} for activity in (live, longer))
    assert before - {Rule.LOOP} <= after


@given(requests=sessions)
def test_the_dearest_hour_is_part_of_the_session_and_a_stretch_too(requests):
    live = activity_of("claude-code", "s1", requests)
    assert max(quarter.micros for quarter in live.quarters) <= live.hour_micros <= live.micros
    assert sum(stretch.micros for stretch in live.stretches) <= live.micros
    assert sum(quarter.requests for quarter in live.quarters) == len(requests)
