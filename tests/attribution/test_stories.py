"""What really happens between a session and the pull request it ends in: a story for each trap."""

from datetime import timedelta

import msgspec
import pytest

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import Commit, Correction, Evidence, Stage
from attribution.usage import with_work
from tests.notation import MONDAY, pulls, session


def outcome(requests, changes, author="ann", **facts):
    """`#12 edits`, `#12+#14 files`, `- none` ... for each request in order."""
    claims = attribute(session(requests, author=author), RepositoryIndex(pulls(changes), "main", **facts))
    return [
        f"{'+'.join(f'#{number}' for number in claim.numbers) or '-'} {claim.evidence}" for claim in claims.values()
    ]


BY_HAND = """
09:00 main   $1.00
09:10 feat/a $1.00 edits a.py
09:20 feat/a $1.00
"""


def test_a_commit_made_by_hand_takes_the_work_on_its_files():
    assert outcome(BY_HAND, "#1 feat/a opened 10:00 commits c1\nc1 by ann at 09:30 changes a.py") == ["#1 edits"] * 3


def test_somebody_elses_commit_of_the_same_files_takes_nothing():
    changes = "#1 other opened 10:00 commits c1\nc1 by bob at 09:30 changes a.py"
    assert outcome("09:10 spike $1.00 edits a.py", changes) == ["- none"]


def test_a_force_push_keeps_the_work_by_authorship_or_patch():
    changes = pulls("#1 feat/a opened 10:00 commits new1,new2\nnew1 authorship x1\nnew2 patch p2")
    first, second = session("09:00 spike $1.00 commits old1\n09:10 spike $1.00 commits old2")
    reports = [msgspec.structs.replace(first.work.commits_made[0], authorship="x1")]
    reports += [msgspec.structs.replace(second.work.commits_made[0], patch_id="p2")]
    requests = [with_work(usage, commits_made=(it,)) for usage, it in zip((first, second), reports, strict=True)]
    claims = attribute(requests, RepositoryIndex(changes, "main"))
    assert [(claim.numbers, claim.evidence) for claim in claims.values()] == [((1,), Evidence.COMMIT)] * 2


def test_a_rewritten_commit_without_any_id_is_known_by_when_it_was_written():
    changes = "#1 - opened 10:00 commits new\nnew by ann at 09:11 again 12:00"
    assert outcome("09:00 spike $1.00\n09:10 spike $1.00 commits old", changes) == ["#1 commit", "#1 commit"]


def test_git_counts_whole_seconds_and_a_log_does_not():
    """The commit was asked for, and the file edited, half a second after the second that git wrote down had begun."""
    changes = RepositoryIndex(
        pulls("#1 - opened 10:00 commits new\nnew by ann at 09:10 again 12:00 changes a.py"), "main"
    )
    half = timedelta(milliseconds=500)
    for work in ("09:10 spike $1.00 commits old", "09:10 spike $1.00 edits a.py"):
        (request,) = session(work, author="ann")
        (claim,) = attribute([msgspec.structs.replace(request, at=request.at + half)], changes).values()
        assert claim.numbers == (1,)


def test_work_amended_into_an_older_commit_goes_to_it_and_not_to_a_later_change():
    changes = """
    #1 feat/a opened 08:30 merged 16:00 commits c1
    c1 by ann at 08:15 again 15:00 changes a.py
    #2 feat/b opened Tue 09:00 commits c2
    c2 by ann at Tue 08:00 changes a.py
    """
    assert outcome("13:00 feat/a $1.00 edits a.py\n14:00 feat/a $1.00 edits a.py", changes) == ["#1 edits"] * 2


def test_a_rebase_dates_commits_anew_and_takes_nothing():
    changes = """
    #1 feat/a opened 08:30 commits c1
    c1 by ann at 08:15 again 10:00 changes a.py
    #2 feat/b opened 12:00 commits c2
    c2 by ann at 11:00 changes a.py
    """
    assert outcome("09:00 feat/b $1.00 edits a.py", changes) == ["#2 edits"]


def test_stacked_changes_each_bear_their_own_commits():
    changes = """
    #1 feat/a opened 10:00 commits c1
    #2 feat/b opened 11:00 commits c1,c2
    c1 by ann at 09:30 changes a.py
    c2 by ann at 10:30 changes b.py
    """
    assert outcome("09:00 feat/a $1.00 edits a.py\n10:00 feat/b $1.00 edits b.py", changes) == ["#1 edits", "#2 edits"]


def test_a_renamed_branch_is_known_by_its_commits():
    changes = "#1 feat/better-name opened 10:00 commits c1\nc1 by ann at 09:30 changes a.py"
    assert outcome("09:00 temp $1.00\n09:10 temp $1.00 edits a.py", changes) == ["#1 edits"] * 2


def test_a_recycled_branch_inherits_nothing():
    changes = """
    #9 next opened 09:00 merged 11:00 commits c1
    #10 next opened 12:00 merged 14:00 commits c2
    c1 by ann at 10:00 changes a.py
    c2 by ann at 13:00 changes a.py
    """
    work = "09:30 next $1.00 edits a.py\n11:30 next $1.00\n12:30 next $1.00 edits a.py\n15:00 next $1.00"
    assert outcome(work, changes) == ["#9 edits", "#10 edits", "#10 edits", "- none"]
    assert outcome(work.replace("edits a.py", ""), changes) == ["#9 branch", "#10 branch", "#10 branch", "- none"]


def test_sessions_at_once_are_distinguished_by_their_files():
    changes = """
    #1 feat/a opened 10:00 commits c1
    #2 feat/b opened 10:00 commits c2
    c1 by ann at 09:30 changes a.py
    c2 by ann at 09:40 changes b.py
    """
    assert outcome("09:00 - $1.00 edits a.py", changes) == ["#1 edits"]
    assert outcome("09:00 - $1.00 edits b.py", changes) == ["#2 edits"]


def test_one_session_serves_two_changes_and_each_bears_its_part():
    changes = """
    #1 feat/a opened 10:00 commits c1
    #2 feat/b opened 12:00 commits c2
    c1 by ann at 09:30 changes a.py
    c2 by ann at 11:30 changes b.py
    """
    work = "09:00 main $1.00\n09:10 feat/a $1.00 edits a.py\n11:00 main $1.00\n11:10 feat/b $1.00 edits b.py"
    assert outcome(work, changes) == ["#1 edits", "#1 edits", "#2 edits", "#2 edits"]


def test_a_hand_made_commit_ends_the_work_before_the_sessions_own_commit():
    changes = """
    #1 feat/a opened 10:00 commits c1
    #2 feat/b opened 12:00 commits c2345678
    c1 by ann at 09:30 changes a.py
    """
    work = "09:00 feat/a $1.00 edits a.py\n10:00 feat/b $1.00 edits b.py\n10:10 feat/b $1.00 commits c2345678"
    assert outcome(work, changes) == ["#1 edits", "#2 commit", "#2 commit"]


def test_what_was_pushed_directly_is_on_no_change():
    changes = "#1 feat/a opened 12:00 commits c1\nc1 by ann at 11:00 changes a.py"
    work = "09:00 main $1.00 edits a.py\n09:10 main $1.00 commits d1@main\n10:00 main $1.00 edits a.py"
    assert outcome(work, changes) == ["- commit", "- commit", "#1 edits"]


def test_direct_pushes_that_github_reports_end_work_too():
    changes = "#1 feat/a opened 12:00 commits c1\nc1 by ann at 11:00 changes a.py"
    direct = Commit(sha="d1", author="ann", authored_at=MONDAY.replace(hour=9, minute=30), files=("a.py",))
    work = "09:00 main $1.00 edits a.py\n10:00 main $1.00 edits a.py"
    assert outcome(work, changes, direct=[direct]) == ["- edits", "#1 edits"]


def test_a_commit_that_holds_little_of_the_work_does_not_take_it():
    changes = "#1 feat/a opened 12:00 commits c1\nc1 by ann at 11:00 changes README.md"
    assert outcome("09:00 main $1.00 edits README.md,a.py,b.py", changes) == ["- none"]


def test_after_a_pause_only_the_recent_work_is_asked_for():
    changes = "#1 feat/a opened 12:00 commits c1\nc1 by ann at 11:00 changes c.py"
    assert outcome("06:00 main $1.00 edits a.py,b.py\n10:30 main $1.00 edits c.py", changes) == ["- none", "#1 edits"]


def test_the_words_after_a_commit_are_its_end_while_the_session_stays_where_it_was():
    changes = "#1 feat/a opened 09:12 commits c1\nc1 by ann at 09:10 changes a.py"
    committed = "09:00 main $1.00 edits a.py\n09:10 main $1.00 commits c1\n"
    assert outcome(f"{committed}09:11 main $1.00\n09:13 main $1.00 saw create:1", changes)[2:] == ["#1 carried"] * 2
    assert outcome(f"{committed}09:16 main $1.00", changes)[2:] == ["- none"]
    assert outcome(f"{committed}09:11 - $1.00", changes)[2:] == ["- none"]
    assert outcome(f"{committed}09:11 main $1.00 edits b.py\n09:12 main $1.00", changes)[2:] == ["- none"] * 2


def test_a_commit_nobody_shows_any_more_leaves_its_branch():
    changes = "#1 feat/a opened 08:00\n#2 feat/b opened 08:00"
    work = "09:00 feat/a $1.00\n09:10 feat/b $1.00 commits gone@feat/b"
    assert outcome(work, changes) == ["#2 branch", "#2 branch"]


def test_sub_agents_follow_the_request_that_started_them():
    changes = """
    #1 feat/a opened 08:00 commits c1
    c1 by ann at 09:10 changes a.py
    #2 feat/b opened 08:00 commits c2
    c2 by ann at 09:40 changes b.py
    """
    work = """
    09:00 feat/a $1.00 edits a.py
    09:05 feat/a $1.00 agent k1
    09:20 feat/b $1.00 edits b.py
    09:25 feat/a $1.00 agent k1
    """
    claims = attribute(session(work, author="ann"), RepositoryIndex(pulls(changes), "main"))
    assert {key[1]: claim.numbers for key, claim in claims.items()} == {
        "s1-0": (1,), "s1-1": (1,), "s1-2": (2,), "s1-3": (1,),
    }  # fmt: skip


def test_reading_somebody_elses_change_is_review():
    changes = "#7 feat/theirs opened 08:00 by bob\n#8 feat/other opened 08:00 by bob"
    requests = session("09:00 main $1.00 saw view:7\n09:10 main $1.00\n09:20 main $1.00 saw comment:8", author="ann")
    claims = [*attribute(requests, RepositoryIndex(pulls(changes), "main")).values()]
    assert [(claim.numbers, claim.stage) for claim in claims] == [((7,), "review"), ((8,), "review"), ((8,), "review")]
    standing = attribute(session("09:00 feat/theirs $1.00", author="ann"), RepositoryIndex(pulls(changes), "main"))
    assert [(claim.numbers, claim.stage) for claim in standing.values()] == [((7,), Stage.REVIEW)]


def test_looking_at_a_change_while_building_another_is_not_review():
    changes = "#7 feat/theirs opened 08:00 by bob\n#8 feat/mine opened 08:00 by ann"
    assert outcome("09:00 feat/mine $1.00 saw diff:7\n09:10 feat/mine $1.00 edits a.py", changes) == ["#8 branch"] * 2


def test_what_fits_two_equally_well_is_shared_and_what_fits_badly_is_offered():
    changes = "#1 x opened 08:00 by ann files a.py\n#2 y opened 08:00 by ann files a.py"
    assert outcome("09:00 spike $1.00 edits a.py", changes) == ["#1+#2 files"]
    badly = attribute(
        session("09:00 spike $1.00 edits a.py,b.py,c.py", author="ann"), RepositoryIndex(pulls(changes), "main")
    )
    assert [(claim.numbers, claim.candidates) for claim in badly.values()] == [((), (1, 2))]


def test_a_stamp_beats_what_the_branch_says():
    changes = "#1 feat/a opened 08:00\n#2 feat/b opened 08:00 commits c2\nc2 by ann at 09:30"
    assert outcome("09:00 feat/a $1.00 commits c2!\n09:40 feat/a $1.00", changes) == ["#2 stamp", "#1 branch"]


def test_of_two_stamps_each_takes_the_work_since_the_one_before():
    changes = "#1 feat/a opened 08:00 commits c1\n#2 feat/b opened 08:00 commits c2"
    work = "09:00 - $1.00\n09:10 - $1.00 commits c1!\n09:20 - $1.00\n09:30 - $1.00 commits c2!"
    assert outcome(work, changes) == ["#1 stamp", "#1 stamp", "#2 stamp", "#2 stamp"]


def correction(says, *numbers, hour, weight=1):
    weights = tuple((number, weight) for number in numbers)
    at = MONDAY.replace(hour=hour)
    return Correction(said_at=at, tool="claude-code", session_id="s1", says=says, weights=weights, by="maintainer")


def test_a_maintainer_has_the_last_word_and_may_change_it():
    changes = "#1 feat/a opened 08:00 commits c1\n#2 feat/b opened 08:00"
    work = "09:00 feat/a $1.00 commits c1"
    link, unlink, again = (
        correction("link", 2, hour=10), correction("unlink", 2, hour=11), correction("link", 1, 2, hour=12),
    )  # fmt: skip
    assert outcome(work, changes, corrections=[link]) == ["#2 correction"]
    assert outcome(work, changes, corrections=[unlink, link]) == ["#1 commit"]
    assert outcome(work, changes, corrections=[again, link, unlink]) == ["#1+#2 correction"]
    assert outcome(work, changes, corrections=[correction("unlink", 1, hour=10)]) == ["- none"]
    assert outcome(work, changes, corrections=[again, correction("unlink", 1, hour=13)]) == ["#2 correction"]


def test_an_empty_correction_is_refused():
    with pytest.raises(ValueError, match="link, unlink or confirm"):
        correction("merge", 1, hour=9)
    with pytest.raises(ValueError, match="weight above 0"):
        correction("link", 1, hour=9, weight=0)
