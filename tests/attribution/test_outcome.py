"""What becomes of pull requests."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.evidence import Commit, PullRequest
from attribution.outcome import Details, State, outcomes, taking_back
from tests.notation import MONDAY, pulls

DAY = timedelta(days=1)


def after(days: float, text: str, **details: Details) -> dict[int, str]:
    """States by number, so many days after Monday."""
    by_number = {pull.number: pull for pull in pulls(text)}
    details_ = {int(name[1:]): item for name, item in details.items()}
    states = outcomes(by_number, details_, MONDAY + DAY * days)
    return {number: f"{state.state}{f' by #{state.by}' if state.by else ''}" for number, state in states.items()}


def test_open_merged_and_abandoned():
    text = """
    #1 a opened Mon 09:00
    #2 b opened Mon 09:00 merged Tue 09:00
    #3 c opened Mon 09:00 closed Tue 09:00
    #4 d opened Sun 09:00
    """
    assert after(3, text) == {1: "open", 2: "merged", 3: "abandoned"}
    assert after(0.5, text) == {1: "open", 2: "open", 3: "open"}


def test_a_merge_survives_after_two_weeks():
    text = "#2 b opened Mon 09:00 merged Tue 09:00"
    assert after(15.2, text) == {2: "merged"}
    assert after(15.4, text) == {2: "surviving"}


def test_silence_for_thirty_days_is_abandonment():
    text = "#1 a opened Mon 09:00"
    talked = Details(updated_at=MONDAY + 10 * DAY)
    assert after(31, text) == {1: "abandoned"}
    assert after(31, text, n1=talked) == {1: "open"}
    assert after(41, text, n1=talked) == {1: "abandoned"}


REVERT = """
#1 a opened Mon 09:00 merged Mon 10:00 commits aaaaaaa,bbbbbbb
#2 revert-1 opened Tue 09:00 merged Tue 10:00
"""


def test_githubs_revert_and_gits():
    assert after(3, REVERT, n2=Details(reverts=(1,))) == {1: "reverted by #2", 2: "merged"}
    assert after(1.1, REVERT, n2=Details(reverts=(1,))) == {1: "merged"}, "it is not merged yet"
    squash = Details(merge_commit="ccccccc1")
    assert after(3, REVERT, n1=squash, n2=Details(reverts_commits=("ccccccc1",)))[1] == "reverted by #2"
    assert after(3, REVERT, n1=squash, n2=Details(reverts_commits=("ccccccc",)))[1] == "reverted by #2"
    assert after(3, REVERT, n2=Details(reverts_commits=("aaaaaaa", "bbbbbbb")))[1] == "reverted by #2"
    assert after(3, REVERT, n2=Details(reverts_commits=("aaaaaaa",)))[1] == "merged", "a part of it stays"


def test_what_was_made_to_take_others_back():
    by_number = {pull.number: pull for pull in pulls(REVERT)}

    def back(**details: tuple) -> set[int]:
        return taking_back(by_number, {2: Details(**details)})

    assert back(reverts=(1,)) == back(reverts=(99,)) == {2}
    assert back(reverts_commits=("aaaaaaa", "bbbbbbb")) == {2}
    assert back(reverts_commits=("aaaaaaa",)) == set(), "a part of another"
    own = msgspec.structs.replace(by_number[2], commits=(Commit(sha="ccccccc"), Commit(sha="ddddddd")))
    assert taking_back(by_number | {2: own}, {2: Details(reverts_commits=("ccccccc",))}) == set(), "a try of its own"


def test_a_revert_of_a_revert_brings_it_back():
    text = f"{REVERT}\n#3 again opened Wed 09:00 merged Wed 10:00"
    details = {"n2": Details(reverts=(1,)), "n3": Details(reverts=(2,))}
    assert after(4, text, **details) == {1: "merged", 2: "reverted by #3", 3: "merged"}
    text += "\n#4 off opened Thu 09:00 merged Thu 10:00"
    assert after(5, text, **details, n4=Details(reverts=(3,))) == {
        1: "reverted by #2",
        2: "merged",
        3: "reverted by #4",
        4: "merged",
    }


def test_a_late_revert_is_an_ordinary_change():
    old = PullRequest(number=1, head_branch="a", created_at=MONDAY, closed_at=MONDAY, merged_at=MONDAY)
    late = msgspec.structs.replace(old, number=2, merged_at=MONDAY + 15 * DAY, closed_at=MONDAY + 15 * DAY)
    states = outcomes({1: old, 2: late}, {2: Details(reverts=(1,))}, MONDAY + 20 * DAY)
    assert states[1].state == State.SURVIVING


numbers = st.integers(1, 5)
times = st.integers(0, 40).map(lambda days: MONDAY + days * DAY)


@st.composite
def histories(draw):
    """Pull requests that take each other back in any order, even impossible ones."""
    by_number, details = {}, {}
    for number in range(1, draw(numbers) + 1):
        created_at, merged_at = draw(times), draw(st.none() | times)
        commit = Commit(sha=f"{number}" * 7)
        by_number[number] = PullRequest(
            number=number,
            head_branch="b",
            created_at=created_at,
            merged_at=merged_at,
            closed_at=merged_at,
            commits=(commit,),
        )
        shas = tuple(f"{digit}" * 7 for digit in draw(st.lists(numbers, max_size=2)))
        details[number] = Details(reverts=tuple(draw(st.lists(numbers, max_size=2))), reverts_commits=shas)
    return by_number, details


@given(histories(), times)
def test_states_are_complete_and_hold_together(history, at):
    by_number, details = history
    states = outcomes(by_number, details, at)
    assert states.keys() == {number for number, pull in by_number.items() if pull.created_at <= at}
    for number, outcome in states.items():
        merged_at = by_number[number].merged_at
        assert outcome.is_merged == (merged_at is not None and merged_at <= at)
        if outcome.by is not None:
            by = by_number[outcome.by].merged_at
            assert by is not None
            assert merged_at < by <= merged_at + timedelta(days=14)
