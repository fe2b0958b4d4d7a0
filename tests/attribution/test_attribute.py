"""What holds for every session and every set of facts."""

from collections import Counter
from datetime import timedelta

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from attribution.attribute import RULES, RepositoryIndex, attribute
from attribution.evidence import Commit, Correction, Evidence, PullRequest
from attribution.ledger import charge, check, share_out
from attribution.reported_commits import joined, pushed_directly, told
from attribution.usage import TOKEN_KINDS, Tokens, with_context, with_work
from tests.attribution.strategies import usages
from tests.notation import MONDAY, pulls, session

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
    max_size=4,
)  # fmt: skip


@st.composite
def sessions(draw):
    """One session of one author in the days of the changes."""
    return [
        with_context(
            msgspec.structs.replace(one, tool="codex", session_id="s1", at=draw(hours), agent_id=draw(agents)),
            author="ann",
        )
        for one in draw(st.lists(usages(), max_size=8, unique_by=lambda usage: usage.request_id))
    ]


LONG_AGO = MONDAY - timedelta(days=365)
agents = st.sampled_from(["", "", "k1"])
said = st.lists(
    st.builds(
        Correction, said_at=hours, tool=st.just("codex"), session_id=st.sampled_from(["s1", "s1", "s2"]),
        says=st.sampled_from(["link", "unlink"]),
        weights=st.dictionaries(st.integers(1, 4), st.integers(1, 99), min_size=1, max_size=2).map(lambda found: (*found.items(),)),
    ),
    max_size=2,
)  # fmt: skip


@st.composite
def facts(draw):
    """Pull requests, what maintainers said and what was pushed directly, as the index takes them."""
    return draw(changes), {"corrections": draw(said), "direct": draw(st.lists(commits, max_size=3))}


def known(found):
    pulls, more = found
    return RepositoryIndex(pulls, "main", **more)


@given(sessions(), facts())
def test_shares_of_every_charge_sum_to_it(session, found):
    charges = [charge(usage) for usage in session]
    claims = attribute(session, known(found))
    assert claims.keys() == {one.key for one in charges}
    assert check(charges, [share for one in charges for share in share_out(one, claims[one.key], 1)]) == []


@settings(max_examples=400)
@given(sessions(), facts(), st.randoms())
def test_order_and_repetition_of_facts_change_nothing(session, found, random):
    def shuffled(values):
        return random.sample([*values, *values], 2 * len(values))

    pulls, more = found
    mixed = RepositoryIndex(shuffled(pulls), "main", **{name: shuffled(values) for name, values in more.items()})
    assert attribute(shuffled(session), mixed) == attribute(session, known(found))


@given(sessions(), facts(), hours, st.sampled_from(["feat/a", "other"]))
def test_an_unrelated_pull_request_changes_nothing(session, found, at, branch):
    """Somebody else's, of the same files; also from a branch of that name that was closed long before."""
    commit = Commit(sha="eeeeeee", author="zoe", authored_at=at, committed_at=at, files=("a.py",))
    closed = {"created_at": LONG_AGO, "closed_at": LONG_AGO} if branch == "feat/a" else {"created_at": at}
    other = PullRequest(number=99, head_branch=branch, author="zoe", commits=(commit,), files=("a.py",), **closed)
    pulls, more = found
    assert attribute(session, RepositoryIndex([*pulls, other], "main", **more)) == attribute(session, known(found))


@given(sessions(), sessions(), facts())
def test_an_unrelated_session_changes_nothing(session, other, found):
    """What somebody else did elsewhere at the same time, with the commits that they tell of."""
    pulls, _ = found
    other = [
        with_work(
            with_context(msgspec.structs.replace(one, session_id="s2"), author="zoe"),
            commits_made=tuple(
                msgspec.structs.replace(made, sha=f"f{made.sha}", authorship="", authored_at=one.at, files=("z.py",))
                for made in one.work.commits_made
            ),
        )
        for one in other
    ]  # fmt: skip

    def placed(usages):
        commits_told = told(usages)
        held = joined(pulls, commits_told)
        return attribute(session, RepositoryIndex(held, "main", direct=pushed_directly(held, commits_told, "main")))

    assert placed([*session, *other]) == placed(session)


@given(sessions(), facts())
def test_a_stronger_evidence_never_loses_to_a_weaker(session, found):
    index = known(found)
    before = attribute(session, index, ())
    for count in range(1, len(RULES) + 1):
        after = attribute(session, index, RULES[:count])
        assert all(after[key] == one for key, one in before.items() if one.evidence is not Evidence.NONE)
        before = after


def test_the_levels_are_in_the_order_in_which_they_win():
    """A request that every rule has an answer for; without the strongest the next one wins."""
    listed = """
    #1 a opened 08:00 by ann
    #2 b opened 08:00 by ann
    #3 c opened 08:00 by ann commits c3
    #5 e opened 08:00 by ann commits c5
    c5 by ann at 09:10 changes a.py
    #6 feat/six opened 08:00 by ann
    #7 g opened 08:00 by ann files a.py
    #8 feat/eight opened 08:00 by ann
    """
    work = "09:00 feat/six $1.00 edits a.py commits c3! ci refs/pull/2/merge\n09:01 feat/eight $1.00"
    link = Correction(said_at=MONDAY, tool="claude-code", session_id="s1", says="link", weights=((1, 1),))
    index = RepositoryIndex(pulls(listed), "main", corrections=[link])
    requests = session(work, author="ann")
    won = {}
    for count in range(len(RULES) + 1):
        claim = next(iter(attribute(requests, index, RULES[count:]).values()))
        won[claim.numbers, claim.evidence] = None
    assert [*won] == [
        ((1,), "correction"), ((2,), "stamp"), ((3,), "stamp"), ((3,), "commit"), ((5,), "edits"), ((6,), "branch"),
        ((5, 7), "files"), ((), "several"), ((), "none"),
    ]  # fmt: skip
    ranks = [[*Evidence].index(level) for _, level in won]
    assert ranks == sorted(ranks)


@given(sessions(), facts())
def test_a_maintainer_has_the_last_word(session, found):
    linked, barred = {}, set()
    for one in sorted(set(found[1]["corrections"])):
        if one.session_id == "s1" and one.says == "link":
            linked, barred = dict(one.weights), barred - dict(one.weights).keys()
        elif one.session_id == "s1":
            linked = {number: weight for number, weight in linked.items() if number not in dict(one.weights)}
            barred |= dict(one.weights).keys()
    for claim in attribute(session, known(found)).values():
        assert barred.isdisjoint((*claim.numbers, *claim.candidates))
        assert not linked or dict(claim.weights) == linked


@given(sessions(), facts(), st.data())
def test_more_usage_never_lowers_a_total(session, found, data):
    """Of usage that a model can have had: a request that outgrows every model is questioned."""
    assume(session)
    at = data.draw(st.integers(0, len(session) - 1))
    possible = [
        msgspec.structs.replace(
            one, tokens=Tokens(**{kind: getattr(one.tokens, kind) % 300_000 for kind in TOKEN_KINDS})
        )
        for one in session
    ]
    more = list(possible)
    more[at] = msgspec.structs.replace(more[at], tokens=more[at].tokens + Tokens(output=500_000))
    less, grown = totals(possible, found), totals(more, found)
    assert all(grown[number] >= micros for number, micros in less.items())
    without = [one for i, one in enumerate(possible) if i != at]
    assert sum(totals(without, found).values()) <= sum(less.values())


def totals(session, found):
    claims = attribute(session, known(found))
    sums = Counter()
    for usage in session:
        for share in share_out(charge(usage), claims[usage.key], 1):
            sums[share.pull_number] += share.micros or 0
    return sums
