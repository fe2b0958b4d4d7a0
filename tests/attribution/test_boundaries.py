"""The last moment at which a rule still applies, and the first at which it does not."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from attribution.outcome import Details, outcomes
from attribution.periods import last_published, published_at, week_of
from tests.attribution.test_stories import outcome
from tests.notation import MONDAY, pulls

ANNS = "#1 x opened 08:00 by ann files a.py"


@pytest.mark.parametrize(
    ("requests", "changes", "answers"),
    [
        # A branch belongs to its pull request up to the moment at which that is closed.
        ("09:00 feat/a $1.00", "#1 feat/a opened 08:00 merged 09:00", ["#1 branch"]),
        ("09:01 feat/a $1.00", "#1 feat/a opened 08:00 merged 09:00", ["- none"]),
        # Of two from one name the author's own counts from the moment at which it is opened.
        ("09:00 x $1.00", "#1 x opened 08:00 by bob\n#2 x opened 09:00 by ann", ["#2 branch"]),
        ("08:59 x $1.00", "#1 x opened 08:00 by bob\n#2 x opened 09:00 by ann", ["#1 branch"]),
        # Planning is carried for 24 hours.
        ("09:00 main $1.00\nTue 09:00 feat/a $1.00", "#1 feat/a opened 08:00", ["#1 carried", "#1 branch"]),
        ("09:00 main $1.00\nTue 09:01 feat/a $1.00", "#1 feat/a opened 08:00", ["- none", "#1 branch"]),
        # A request is the end of a change within five minutes.
        ("09:00 main $1.00 commits c1\n09:05 main $1.00", "#1 x opened 08:00 commits c1", ["#1 commit", "#1 carried"]),
        ("09:00 main $1.00 commits c1\n09:06 main $1.00", "#1 x opened 08:00 commits c1", ["#1 commit", "- none"]),
        # Work waits for three days for a commit by hand.
        (
            "09:00 main $1.00 edits a.py",
            "#1 x opened 08:00 commits c1\nc1 by ann at Thu 09:00 changes a.py",
            ["#1 edits"],
        ),
        (
            "09:00 main $1.00 edits a.py",
            "#1 x opened 08:00 commits c1\nc1 by ann at Thu 09:01 changes a.py",
            ["- none"],
        ),
        # A commit whose id is lost is known by its time, up to five minutes after the request.
        ("09:00 main $1.00 commits gone", "#1 x opened 08:00 commits c1\nc1 by ann at 09:05", ["#1 commit"]),
        ("09:00 main $1.00 commits gone", "#1 x opened 08:00 commits c1\nc1 by ann at 09:06", ["- none"]),
        # Earlier work is left out after a pause of more than an hour.
        (
            "09:00 main $1.00 edits a.py,b.py\n10:00 main $1.00 edits c.py",
            "#1 x opened 08:00 commits c1\nc1 by ann at 10:10 changes c.py",
            ["- none", "- none"],
        ),
        (
            "09:00 main $1.00 edits a.py,b.py\n10:01 main $1.00 edits c.py",
            "#1 x opened 08:00 commits c1\nc1 by ann at 10:10 changes c.py",
            ["- none", "#1 edits"],
        ),
        # A commit date a minute after the author date is that of a slow hook, not of an amended commit.
        ("08:01 x $1.00 edits a.py", f"{ANNS} commits c1\nc1 by ann at 08:00 again 08:01 changes a.py", ["#1 branch"]),
        ("08:01 x $1.00 edits a.py", f"{ANNS} commits c1\nc1 by ann at 08:00 again 08:02 changes a.py", ["#1 edits"]),
        # A pull request that is opened three days later may contain the work, and one that is closed just then.
        ("09:00 spike $1.00 edits a.py", "#1 x opened Thu 09:00 by ann files a.py", ["#1 files"]),
        ("09:00 spike $1.00 edits a.py", "#1 x opened Thu 09:01 by ann files a.py", ["- none"]),
        ("09:00 spike $1.00 edits a.py", "#1 x opened 08:00 closed 09:00 by ann files a.py", ["#1 files"]),
        ("09:01 spike $1.00 edits a.py", "#1 x opened 08:00 closed 09:00 by ann files a.py", ["- none"]),
        # Of equal fits those that are open at the time of the work are taken.
        ("09:00 spike $1.00 edits a.py", f"{ANNS}\n#2 y opened 09:00 by ann files a.py", ["#1+#2 files"]),
        ("09:00 spike $1.00 edits a.py", f"{ANNS}\n#2 y opened 09:01 by ann files a.py", ["#1 files"]),
        # Half of the files is not most of them.
        ("09:00 spike $1.00 edits a.py,b.py", ANNS, ["- none"]),
        ("09:00 spike $1.00 edits a.py,b.py,c.py", "#1 x opened 08:00 by ann files a.py,b.py", ["#1 files"]),
    ],
)
def test_the_last_moment_of_a_rule(requests: str, changes: str, answers: list[str]):
    assert outcome(requests, changes) == answers


def test_a_revert_counts_up_to_the_last_moment_of_the_survival_window():
    changes = "#1 a opened 08:00 merged 09:00\n#2 b opened 08:00 merged Sun 09:00"
    by_number = {pull.number: pull for pull in pulls(changes)}
    details = {2: Details(reverts=(1,))}
    six_days = timedelta(days=6)
    assert outcomes(by_number, details, MONDAY + timedelta(days=30), window=six_days)[1].state == "reverted"
    shorter = six_days - timedelta(microseconds=1)
    assert outcomes(by_number, details, MONDAY + timedelta(days=30), window=shorter)[1].state != "reverted"


def test_a_merge_has_survived_from_the_last_moment_of_the_window():
    by_number = {pull.number: pull for pull in pulls("#1 a opened 08:00 merged 09:00")}
    window = timedelta(days=6)
    end = MONDAY + timedelta(hours=9) + window
    assert outcomes(by_number, {}, end - timedelta(microseconds=1), window=window)[1].state == "merged"
    assert outcomes(by_number, {}, end, window=window)[1].state == "surviving"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
def test_a_week_begins_at_its_first_moment_and_ends_before_the_next(zone: str):
    week = week_of(MONDAY, ZoneInfo(zone))
    moment = timedelta(microseconds=1)
    assert week_of(week.from_at, ZoneInfo(zone)) == week_of(week.to_at - moment, ZoneInfo(zone)) == week
    assert week_of(week.from_at - moment, ZoneInfo(zone)).to_at == week.from_at
    assert week_of(week.to_at, ZoneInfo(zone)).from_at == week.to_at
    due_at = published_at(week, "monday", ZoneInfo(zone))
    assert last_published(due_at, "monday", ZoneInfo(zone)) == week
    assert last_published(due_at - moment, "monday", ZoneInfo(zone)).to_at == week.from_at
