"""What pull requests say of issues and of each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.links import closes, issues_of_branch, reverted_commits, reverts

NAMES = {"acme/widgets", "acme/old-name"}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Fixes #12", (12,)),
        ("fixed: #12, resolves #3 and closes acme/widgets#4", (3, 4, 12)),
        ("Closes https://github.com/acme/widgets/issues/9", (9,)),
        ("Closes https://ghes.example/acme/Old-Name/issues/9.", (9,)),
        ("closes other/repo#5", ()),
        ("closes https://github.com/other/repo/issues/5", ()),
        ("see #12, prefixes #3, fixes 12", ()),
        ("`fixes #1` ```\nfixes #2\n``` <!-- fixes #3 -->", ()),
        ("fixes #0 fixes #12abc", ()),
        ("", ()),
    ],
)
def test_closing_keywords_are_githubs(text, numbers):
    assert closes([text], NAMES) == numbers


def test_the_revert_buttons_words_and_those_of_git():
    assert reverts("Reverts acme/widgets#12", NAMES) == (12,)
    assert reverts("Some words.\n\nReverts #12\n", NAMES) == (12,)
    assert reverts("This reverts nothing, it undoes #12. Reverts other/repo#3", NAMES) == ()
    assert reverted_commits(["This reverts commit 1F2E3D4aaaa.", "This reverts commit 1f2e3d4aaaa."]) == (
        "1f2e3d4aaaa",
    )


@pytest.mark.parametrize(
    ("branch", "numbers"),
    [
        ("190-rate-limit", (190,)),
        ("feat/190-rate-limit", (190,)),
        ("issue-190", (190,)),
        ("fix/gh-190_again", (190,)),
        ("alice/issue_7", (7,)),
        ("feat/limit", ()),
        ("release/v2", ()),
        ("main", ()),
        ("", ()),
    ],
)
def test_issues_that_a_branch_may_be_named_after(branch, numbers):
    assert issues_of_branch(branch) == numbers


@given(st.text())
def test_any_text_is_read(text):
    assert all(number > 0 for number in (*closes([text], NAMES), *reverts(text, NAMES), *issues_of_branch(text)))
