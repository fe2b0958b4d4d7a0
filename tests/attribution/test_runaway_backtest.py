"""What became of sessions that would have raised an alert, and whether that was right."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.activity import Request
from attribution.attribute import RepositoryIndex, attribute
from attribution.ledger import charge, share_out
from attribution.runaway import Rule
from attribution.runaway_backtest import Recorded, Told, Verdict, look_back, recorded
from tests.notation import pulls
from tests.notation import session as usages

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DOLLAR = 1_000_000


def one(
    name: str, dollars: int, *, day: int, shipped: int = 0, waits: int = 0, every: timedelta = timedelta(hours=1)
) -> Recorded:
    """A session of so many dollars, one a request."""
    start = MONDAY + timedelta(days=day)
    made = tuple(Request(at=start + i * every, micros=DOLLAR, has_effect=True) for i in range(dollars))
    return Recorded(
        tool="codex", session_id=name, requests=made, shipped_micros=shipped * DOLLAR, open_micros=waits * DOLLAR
    )


USUAL = [one(f"u{i}", 2, day=i - 40, shipped=2) for i in range(30)]


def told(*sessions: Recorded) -> list[Told]:
    return look_back([*USUAL, *sessions])


@pytest.mark.parametrize(
    ("dollars", "shipped", "waits", "verdict"),
    [
        (100, 0, 0, Verdict.HELD),
        (100, 49, 0, Verdict.HELD),
        (100, 50, 0, Verdict.WRONG),
        (100, 20, 30, Verdict.UNDECIDED),
        (100, 20, 29, Verdict.HELD),
        (300, 300, 0, Verdict.HELD),
        (170, 170, 0, Verdict.WRONG),
    ],
)
def test_whether_an_alert_held_up(dollars: int, shipped: int, waits: int, verdict: Verdict):
    (found,) = told(one("x", dollars, day=0, shipped=shipped, waits=waits))
    assert (found.alert.rule, found.alert.session_micros // DOLLAR) == (Rule.TOTAL, 87)
    assert found.verdict == verdict


def test_what_became_of_it_is_said():
    (found,) = told(one("x", 100, day=0, shipped=20, waits=30))
    assert found.became == "it went on from $87.00 to $100.00, of which $20.00 shipped, $30.00 is in open pull requests"


def test_only_sessions_that_had_ended_are_compared_with():
    before = told(one("x", 100, day=0))
    # These tell that a hundred dollars are usual, but only after it had begun.
    later = told(one("x", 100, day=0), *(one(f"l{i}", 100, day=0) for i in range(30)))
    assert [found for found in later if found.alert.session_id == "x"] == before
    assert told(one("x", 100, day=20), *(one(f"l{i}", 100, day=0) for i in range(30)))[0].alert.session_id != "x"


def test_a_rule_speaks_once_a_session():
    found = told(one("x", 200, day=0, every=timedelta(minutes=1)))
    assert [each.alert.rule for each in found] == [Rule.BURN, Rule.TOTAL]


def test_what_was_merged_or_pushed_directly_has_shipped():
    text = """
    09:00 feat/a $1.00 commits 1111111
    09:10 feat/b $2.00 commits 2222222
    09:20 feat/c $4.00 commits 3333333
    09:30 main   $8.00 commits 4444444@main
    09:40 spike  $16.00
    09:50 -      nobody-knows-1
    """
    listed = pulls("""
    #1 feat/a opened 09:00 merged 10:00 commits 1111111
    #2 feat/b opened 09:00 commits 2222222
    #3 feat/c opened 09:00 closed 10:00 commits 3333333
    """)
    claims = attribute(usages(text), RepositoryIndex(listed, "main"))
    booked = [
        (charge(usage), share) for usage in usages(text) for share in share_out(charge(usage), claims[usage.key], 1)
    ]
    (found,) = recorded(booked, listed)
    assert (found.shipped_micros // DOLLAR, found.open_micros // DOLLAR) == (9, 2)
    assert [each.micros for each in found.requests][-1] is None
    assert sum(each.micros or 0 for each in found.requests) == 31 * DOLLAR


@given(data=st.data())
def test_the_order_of_sessions_and_requests_changes_nothing(data: st.DataObject):
    sessions = [*USUAL, one("x", 100, day=0, every=timedelta(minutes=2)), one("y", 90, day=1, shipped=80)]
    shuffled = [
        Recorded(
            tool=each.tool, session_id=each.session_id, shipped_micros=each.shipped_micros, open_micros=each.open_micros,
            requests=tuple(data.draw(st.permutations(each.requests))),
        )
        for each in data.draw(st.permutations(sessions))
    ]  # fmt: skip
    assert look_back(shuffled) == look_back(sessions)
