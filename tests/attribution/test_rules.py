import msgspec

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import Evidence
from attribution.usage import with_work
from tests.notation import pulls, session


def claims_of(requests, changes, default_branch="main"):
    """`#12 commit`, `#12 branch`, `- none` ... for each request in order."""
    claims = attribute(session(requests), RepositoryIndex(pulls(changes), default_branch))
    return [
        f"{'#' + str(number) if number else '-'} {claim.evidence}"
        for claim in claims.values()
        for number, _ in claim.weights
    ]


def test_work_up_to_a_commit_belongs_to_the_change_that_holds_it():
    assert claims_of(
        """
        09:00 feat/a $1.00
        09:10 feat/a $1.00 commits aaaaaaa
        09:20 feat/a $1.00 commits bbbbbbb
        09:30 feat/a $1.00
        """,
        """
        #1 other  opened 10:00 commits aaaaaaa
        #2 feat/a opened 10:00 commits bbbbbbb
        """,
    ) == ["#1 commit", "#1 commit", "#2 commit", "#2 branch"]


def test_a_branch_counts_for_the_change_that_holds_it_at_the_time():
    assert claims_of(
        """
        Mon 09:00 next $1.00
        Mon 12:00 next $1.00
        Tue 09:00 next $1.00
        Thu 09:00 next $1.00
        """,
        """
        #1 next opened Mon 10:00 merged Mon 11:00
        #2 next opened Tue 10:00 merged Tue 11:00
        """,
    ) == ["#1 branch", "#2 branch", "#2 branch", "- none"]


def test_planning_before_the_branch_goes_to_the_next_change_of_the_session():
    assert claims_of(
        """
        09:00 main   $1.00
        09:10 -      $1.00
        09:20 feat/a $1.00
        09:30 main   $1.00
        09:40 feat/b $1.00
        09:50 main   $1.00
        """,
        """
        #1 feat/a opened 10:00
        #2 feat/b opened 10:00
        """,
    ) == ["#1 carried", "#1 carried", "#1 branch", "#2 carried", "#2 branch", "- none"]


def test_nothing_is_carried_over_a_long_pause_or_across_foreign_work():
    changes = "#1 feat/a opened Wed 10:00"
    assert claims_of("Mon 09:00 main $1.00\nWed 09:00 feat/a $1.00", changes) == ["- none", "#1 branch"]
    assert claims_of("09:00 main $1.00\n09:10 spike $1.00\n09:20 feat/a $1.00", changes) == [
        "- none",
        "- none",
        "#1 branch",
    ]


def test_a_stacked_change_does_not_take_the_commits_of_the_one_below():
    changes = "#1 feat/a opened 09:00 commits aaaaaaa\n#2 feat/b opened 09:30 commits aaaaaaa,bbbbbbb"
    assert claims_of("09:00 feat/a $1.00 commits aaaaaaa\n09:40 feat/b $1.00 commits bbbbbbb", changes) == [
        "#1 commit",
        "#2 commit",
    ]


def test_a_rewritten_commit_is_known_by_who_wrote_it_and_when():
    request = session("09:00 spike $1.00 commits aaaaaaa")[0]
    request = with_work(request, commits_made=(msgspec.structs.replace(request.work.commits_made[0], authorship="x1"),))
    change = pulls("#1 feat/a opened 10:00 commits fffffff")[0]
    change = msgspec.structs.replace(change, commits=(msgspec.structs.replace(change.commits[0], authorship="x1"),))
    assert [claim.evidence for claim in attribute([request], RepositoryIndex([change], "main")).values()] == [
        Evidence.COMMIT
    ]


def test_the_reason_can_be_read():
    claims = attribute(
        session("09:00 main $1.00\n09:10 feat/a $1.00"), RepositoryIndex(pulls("#12 feat/a opened 10:00"), "main")
    )
    assert [claim.why for claim in claims.values()] == [
        "same session, before it turned to #12",
        "on branch `feat/a` of #12",
    ]
