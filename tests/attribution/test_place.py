"""What holds for every session and every set of facts."""

from collections import Counter
from datetime import timedelta

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from attribution.evidence import Commit, Evidence, PullRequest
from attribution.ledger import charge, check, share_out
from attribution.share import RULES, Pulls, place
from tests.attribution.strategies import usages
from tests.notation import MONDAY

hours = st.integers(-100, 100).map(lambda count: MONDAY + timedelta(hours=count))
names = st.sampled_from(["aaaaaaa", "bbbbbbb", "ccccccc", "ddddddd"])
paths = st.sets(st.sampled_from(["a.py", "b.py", "c.py"])).map(lambda found: tuple(sorted(found)))
branches = st.sampled_from(["feat/a", "feat/b", "gone"])
commits = st.builds(
    Commit, sha=names, author=st.sampled_from(["ann", "bob"]), authored_at=hours, committed_at=hours, files=paths
)
changes = st.lists(
    st.builds(
        PullRequest, number=st.integers(1, 4), head_branch=branches, author=st.sampled_from(["ann", "bob"]),
        created_at=hours, closed_at=st.none() | hours, commits=st.lists(commits, max_size=3).map(tuple), files=paths,
    ),
    max_size=4, unique_by=lambda pull: pull.number,
)  # fmt: skip


@st.composite
def sessions(draw):
    """One session of one author in the days of the changes."""
    return [
        msgspec.structs.replace(one, tool="codex", session_id="s1", author="ann", at=draw(hours), agent_id=draw(agents))
        for one in draw(st.lists(usages(), max_size=8, unique_by=lambda usage: usage.request_id))
    ]


agents = st.sampled_from(["", "", "k1"])
COUNTS = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)


@given(sessions(), changes)
def test_shares_of_every_charge_sum_to_it(session, pulls):
    charges = [charge(usage) for usage in session]
    claims = place(session, Pulls(pulls, "main"))
    assert check(charges, [share for one in charges for share in share_out(one, claims[one.key], 1)]) == []


@given(sessions(), changes, st.randoms())
def test_order_and_repetition_of_facts_change_nothing(session, pulls, random):
    shuffled, again = random.sample(session, len(session)), random.sample([*pulls, *pulls], 2 * len(pulls))
    assert place([*shuffled, *session], Pulls(again, "main")) == place(session, Pulls(pulls, "main"))


@given(sessions(), changes, hours)
def test_an_unrelated_pull_request_changes_nothing(session, pulls, at):
    commit = Commit(sha="eeeeeee", author="zoe", authored_at=at, committed_at=at, files=("a.py",))
    other = PullRequest(number=99, head_branch="other", author="zoe", created_at=at, commits=(commit,), files=("a.py",))
    assert place(session, Pulls([*pulls, other], "main")) == place(session, Pulls(pulls, "main"))


@given(sessions(), changes)
def test_a_stronger_evidence_never_loses_to_a_weaker(session, pulls):
    index = Pulls(pulls, "main")
    before = place(session, index, ())
    for count in range(1, len(RULES) + 1):
        after = place(session, index, RULES[:count])
        assert all(after[key] == one for key, one in before.items() if one.evidence is not Evidence.NONE)
        before = after


@given(sessions(), changes, st.data())
def test_more_usage_never_lowers_a_total(session, pulls, data):
    """Of usage that a model can have had: a request that outgrows every model is questioned."""
    assume(session)
    at = data.draw(st.integers(0, len(session) - 1))
    possible = [
        msgspec.structs.replace(one, **{name: getattr(one, name) % 300_000 for name in COUNTS}) for one in session
    ]
    more = list(possible)
    more[at] = msgspec.structs.replace(more[at], output_tokens=more[at].output_tokens + 500_000)
    less, grown = totals(possible, pulls), totals(more, pulls)
    assert all(grown[number] >= micros for number, micros in less.items())


def totals(session, pulls):
    claims = place(session, Pulls(pulls, "main"))
    found = Counter()
    for usage in session:
        for share in share_out(charge(usage), claims[usage.key], 1):
            found[share.pull_number] += share.micros or 0
    return found
