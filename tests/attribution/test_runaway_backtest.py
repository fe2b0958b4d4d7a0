"""What became of sessions that would have raised an alert, and whether that was right."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.activity import Request
from attribution.attribute import RepositoryIndex, attribute
from attribution.ledger import charge, share_out
from attribution.runaway import Rule
from attribution.runaway_backtest import PastAlert, SessionRecord, Verdict, past_alerts, session_records
from tests.notation import pulls
from tests.notation import session as usages

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DOLLAR = 1_000_000


def record(
    name: str,
    dollars: int,
    *,
    day: int,
    shipped_dollars: int = 0,
    open_dollars: int = 0,
    every: timedelta = timedelta(hours=1),
) -> SessionRecord:
    """A session of so many dollars, one a request."""
    start = MONDAY + timedelta(days=day)
    requests = tuple(Request(at=start + i * every, micros=DOLLAR, has_effect=True) for i in range(dollars))
    return SessionRecord(
        tool="codex",
        session_id=name,
        requests=requests,
        shipped_micros=shipped_dollars * DOLLAR,
        open_micros=open_dollars * DOLLAR,
    )


USUAL = [record(f"u{i}", 2, day=i - 40, shipped_dollars=2) for i in range(30)]


def alerts_of(*sessions: SessionRecord) -> list[PastAlert]:
    return past_alerts([*USUAL, *sessions])


@pytest.mark.parametrize(
    ("dollars", "shipped_dollars", "open_dollars", "verdict"),
    [
        (100, 0, 0, Verdict.RIGHT),
        (100, 49, 0, Verdict.RIGHT),
        (100, 50, 0, Verdict.WRONG),
        (100, 20, 30, Verdict.UNDECIDED),
        (100, 20, 29, Verdict.RIGHT),
        (300, 300, 0, Verdict.RIGHT),
        (170, 170, 0, Verdict.WRONG),
    ],
)
def test_whether_an_alert_held_up(dollars: int, shipped_dollars: int, open_dollars: int, verdict: Verdict):
    (past,) = alerts_of(record("x", dollars, day=0, shipped_dollars=shipped_dollars, open_dollars=open_dollars))
    assert (past.alert.rule, past.alert.session_micros // DOLLAR) == (Rule.TOTAL, 87)
    assert past.verdict == verdict


def test_the_outcome_of_an_alert_is_described():
    (past,) = alerts_of(record("x", 100, day=0, shipped_dollars=20, open_dollars=30))
    assert past.result == "it went on from $87.00 to $100.00, of which $20.00 shipped, $30.00 is in open pull requests"


def test_only_sessions_that_had_ended_are_compared_with():
    before = alerts_of(record("x", 100, day=0))
    # These tell that a hundred dollars are usual, but only after it had begun.
    later = alerts_of(record("x", 100, day=0), *(record(f"l{i}", 100, day=0) for i in range(30)))
    assert [past for past in later if past.alert.session_id == "x"] == before
    assert (
        alerts_of(record("x", 100, day=20), *(record(f"l{i}", 100, day=0) for i in range(30)))[0].alert.session_id
        != "x"
    )


def test_a_rule_speaks_once_a_session():
    results = alerts_of(record("x", 200, day=0, every=timedelta(minutes=1)))
    assert [result.alert.rule for result in results] == [Rule.BURN, Rule.TOTAL]


def test_what_was_merged_or_pushed_directly_has_shipped():
    text = """
    09:00 feat/a $1.00 commits 1111111
    09:10 feat/b $2.00 commits 2222222
    09:20 feat/c $4.00 commits 3333333
    09:30 main   $8.00 commits 4444444@main
    09:40 spike  $16.00
    09:50 -      nobody-knows-1
    """
    changes = pulls("""
    #1 feat/a opened 09:00 merged 10:00 commits 1111111
    #2 feat/b opened 09:00 commits 2222222
    #3 feat/c opened 09:00 closed 10:00 commits 3333333
    """)
    claims = attribute(usages(text), RepositoryIndex(changes, "main"))
    ledger = [
        (charge(usage), share) for usage in usages(text) for share in share_out(charge(usage), claims[usage.key], 1)
    ]
    (session_record,) = session_records(ledger, changes)
    assert (session_record.shipped_micros // DOLLAR, session_record.open_micros // DOLLAR) == (9, 2)
    assert [each.micros for each in session_record.requests][-1] is None
    assert sum(each.micros or 0 for each in session_record.requests) == 31 * DOLLAR


@given(data=st.data())
def test_the_order_of_sessions_and_requests_changes_nothing(data: st.DataObject):
    sessions = [*USUAL, record("x", 100, day=0, every=timedelta(minutes=2)), record("y", 90, day=1, shipped_dollars=80)]
    shuffled = [
        SessionRecord(
            tool=each.tool, session_id=each.session_id, shipped_micros=each.shipped_micros, open_micros=each.open_micros,
            requests=tuple(data.draw(st.permutations(each.requests))),
        )
        for each in data.draw(st.permutations(sessions))
    ]  # fmt: skip
    assert past_alerts(shuffled) == past_alerts(sessions)
