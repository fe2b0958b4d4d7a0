"""Where work and commit do not meet on one branch: each rule where it holds, and where it must not."""

import pytest

from attribution.evidence import Commit
from tests.attribution.test_stories import outcome

# Ann made #1 on its branch, planned on main, and went on to #2.
STACK = """
#1 feat/a opened 08:00 by ann commits c1
#2 feat/b opened 11:00 by ann commits c2
c1 by ann at 09:05 changes a.py
c2 by ann at 10:30 changes b.py
"""


def test_steps_on_another_pull_requests_branch_stay_there():
    session = """
    09:00 feat/a $1.00 edits a.py
    09:10 feat/a $1.00  // pushes, and reads the checks
    09:20 feat/b $1.00 edits b.py
    """
    assert outcome(session, STACK) == ["#1 edits", "#1 branch", "#2 edits"]


def test_what_led_to_such_steps_goes_with_them():
    session = """
    09:10 spike  $1.00 edits b.py
    09:20 main   $1.00
    09:30 feat/a $1.00
    09:40 main   $1.00
    09:50 feat/b $1.00 edits b.py
    """
    assert outcome(session, STACK) == ["#2 edits", "#1 carried", "#1 branch", "#2 edits", "#2 edits"]


def test_steps_that_edited_a_file_of_the_commit_go_with_it_wherever_they_stood():
    session = """
    09:10 feat/a $1.00
    09:20 feat/a $1.00 edits b.py
    09:30 feat/a $1.00
    """
    assert outcome(session, STACK) == ["#2 edits"] * 3


def test_the_branch_that_a_session_began_on_and_left_says_where_the_checkout_stood():
    assert outcome("09:10 feat/a $1.00\n09:20 feat/b $1.00 edits b.py", STACK) == ["#2 edits", "#2 edits"]
    edited = "09:10 feat/a $1.00 edits z.py\n09:20 feat/b $1.00 edits b.py"
    assert outcome(edited, STACK) == ["#1 branch", "#2 edits"]


def test_a_branch_whose_pull_request_was_closed_by_then_keeps_no_steps():
    changes = STACK.replace("opened 08:00", "opened 08:00 merged 09:08")
    session = """
    09:00 feat/a $1.00 edits a.py
    09:10 feat/a $1.00
    09:20 feat/b $1.00 edits b.py
    """
    assert outcome(session, changes) == ["#1 edits", "#2 edits", "#2 edits"]


def test_the_merged_one_of_two_pull_requests_bears_a_commit_that_both_hold():
    changes = """
    #1 feat/a opened 08:00 {end} commits c1
    #2 feat/a-again opened 12:00 merged 13:00 commits c2
    c1 by ann at 09:10 changes a.py authorship x1
    c2 by ann at 09:10 again 11:50 changes a.py authorship x1
    """
    for end in ("", "closed 11:40"):
        assert (
            outcome("09:00 feat/a $1.00\n09:10 feat/a $1.00 commits c1", changes.format(end=end)) == ["#2 commit"] * 2
        )
        assert outcome("09:00 feat/a $1.00 edits a.py", changes.format(end=end)) == ["#2 edits"]


def test_one_and_the_same_commit_is_the_merged_ones_too():
    changes = "#1 feat/a opened 08:00 commits c1\n#2 feat/b opened 12:00 merged 13:00 commits c1"
    assert outcome("09:10 feat/a $1.00 commits c1", changes) == ["#2 commit"]


@pytest.mark.parametrize(
    "other",
    [
        "#2 feat/b opened 12:00 commits c2\nc2 by ann at 09:10 again 11:50 changes a.py authorship x1",
        "#2 feat/b opened 12:00 merged 13:00 commits c2\nc2 by ann at 09:10 changes z.py authorship x1",
        "#2 feat/b opened 12:00 merged 13:00 commits c2\nc2 by ann at 09:11 changes a.py authorship x2",
    ],
    ids=["not merged", "other files, written by a script in the same second", "written at another time"],
)
def test_what_is_no_merged_copy_takes_nothing(other: str):
    changes = "#1 feat/a opened 08:00 commits c1\nc1 by ann at 09:10 changes a.py authorship x1\n" + other
    assert outcome("09:10 feat/a $1.00 commits c1", changes) == ["#1 commit"]


def test_a_merged_pull_request_keeps_its_commit_though_a_later_one_has_a_copy():
    changes = """
    #1 feat/a opened 08:00 merged 10:00 commits c1
    #2 backport opened 12:00 merged 13:00 commits c2
    c1 by ann at 09:10 changes a.py authorship x1
    c2 by ann at 09:10 again 11:50 changes a.py authorship x1
    """
    assert outcome("09:10 feat/a $1.00 commits c1", changes) == ["#1 commit"]


@pytest.mark.parametrize("branch", ["main", "-", "HEAD"])
def test_a_commit_that_no_fact_shows_was_pushed_directly_from_the_default_branch(branch: str):
    session = f"09:00 {branch} $1.00 commits fffffff@main\n09:10 feat/a $1.00"
    assert outcome(session, "#1 feat/a opened 10:00") == ["- commit", "#1 branch"]


def test_a_scratch_repository_has_a_default_branch_too():
    session = "09:00 feat/a $1.00 commits fffffff@main\n09:10 feat/a $1.00"
    assert outcome(session, "#1 feat/a opened 10:00") == ["#1 branch", "#1 branch"]


def test_a_commit_that_a_fact_shows_was_pushed_directly_wherever_the_log_says_that_it_stood():
    session = "09:00 feat/a $1.00 commits fffffff@main\n09:10 feat/a $1.00"
    answers = outcome(session, "#1 feat/a opened 10:00", direct=[Commit(sha="fffffff1")])
    assert answers == ["- commit", "#1 branch"]


MORE_THAN_A_COMMIT = "09:00 {branch} $1.00 edits x.py,y.py,z.py\n09:10 {branch} $1.00 edits a.py,b.py"


@pytest.mark.parametrize("branch", ["new", "HEAD", "-"])
def test_a_commit_that_the_work_made_as_a_whole_takes_it_whatever_else_was_edited(branch: str):
    changes = "#1 feat/a opened 10:00 commits c1\nc1 by ann at 09:30 changes a.py,b.py"
    assert outcome(MORE_THAN_A_COMMIT.format(branch=branch), changes) == ["#1 edits"] * 2


def test_a_commit_with_a_file_of_others_takes_only_most_of_the_work():
    changes = "#1 feat/a opened 10:00 commits c1\nc1 by ann at 09:30 changes a.py,b.py,c.py"
    assert outcome(MORE_THAN_A_COMMIT.format(branch="new"), changes) == ["- none"] * 2


def test_on_the_default_branch_much_work_waits_that_is_never_committed():
    changes = "#1 feat/a opened 10:00 commits c1\nc1 by ann at 09:30 changes a.py,b.py"
    assert outcome(MORE_THAN_A_COMMIT.format(branch="main"), changes) == ["- none"] * 2
