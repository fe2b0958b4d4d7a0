"""What holds for every session and every set of facts."""

from collections import Counter
from datetime import timedelta

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from attribution.attribute import RULES, RepositoryIndex, attribute
from attribution.evidence import Commit, Correction, Evidence, PullRequest
from attribution.ledger import charge, check, share_out
from attribution.reported_commits import direct_commits, reported_commits, with_reports
from attribution.usage import TOKEN_KINDS, Tokens, with_context, with_work
from tests.attribution.strategies import usages
from tests.examples import examples
from tests.notation import MONDAY, pulls, session

hours = st.integers(-100, 100).map(lambda count: MONDAY + timedelta(hours=count))
names = st.sampled_from(["aaaaaaa", "bbbbbbb", "ccccccc", "ddddddd"])
paths = st.sets(st.sampled_from(["a.py", "b.py", "c.py"])).map(lambda drawn_paths: tuple(sorted(drawn_paths)))
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


usage_lists = st.lists(usages(), max_size=8, unique_by=lambda usage: usage.request_id)
few_commits = st.lists(commits, max_size=3)


@st.composite
def sessions(draw):
    """One session of one author in the days of the changes."""
    return [
        with_context(
            msgspec.structs.replace(usage, tool="codex", session_id="s1", at=draw(hours), agent_id=draw(agents)),
            author="ann",
        )
        for usage in draw(usage_lists)
    ]


LONG_AGO = MONDAY - timedelta(days=365)
agents = st.sampled_from(["", "", "k1"])


corrections = st.lists(
    st.builds(
        Correction, said_at=hours, tool=st.just("codex"), session_id=st.sampled_from(["s1", "s1", "s2"]),
        says=st.sampled_from(["link", "unlink"]),
        weights=st.dictionaries(st.integers(1, 4), st.integers(1, 99), min_size=1, max_size=2).map(lambda parts: (*parts.items(),)),
    ),
    max_size=2,
)  # fmt: skip


@st.composite
def facts(draw):
    """Pull requests, what maintainers said and what was pushed directly, as the index takes them."""
    return draw(changes), {"corrections": draw(corrections), "direct": draw(few_commits)}


def index_of(facts):
    pulls, more = facts
    return RepositoryIndex(pulls, "main", **more)


@given(sessions(), facts())
def test_shares_of_every_charge_sum_to_it(session, case):
    charges = [charge(usage) for usage in session]
    claims = attribute(session, index_of(case))
    assert claims.keys() == {charge.key for charge in charges}
    assert check(charges, [share for charge in charges for share in share_out(charge, claims[charge.key], 1)]) == []


@settings(max_examples=examples(150))
@given(sessions(), facts(), st.randoms())
def test_order_and_repetition_of_facts_change_nothing(session, case, random):
    def shuffled(values):
        return random.sample([*values, *values], 2 * len(values))

    pulls, more = case
    mixed = RepositoryIndex(shuffled(pulls), "main", **{name: shuffled(values) for name, values in more.items()})
    assert attribute(shuffled(session), mixed) == attribute(session, index_of(case))


@given(sessions(), facts(), hours, st.sampled_from(["feat/a", "other"]))
def test_an_unrelated_pull_request_changes_nothing(session, case, at, branch):
    """Somebody else's, of the same files; also from a branch of that name that was closed long before."""
    commit = Commit(sha="eeeeeee", author="zoe", authored_at=at, committed_at=at, files=("a.py",))
    times = {"created_at": LONG_AGO, "closed_at": LONG_AGO} if branch == "feat/a" else {"created_at": at}
    other = PullRequest(number=99, head_branch=branch, author="zoe", commits=(commit,), files=("a.py",), **times)
    pulls, more = case
    assert attribute(session, RepositoryIndex([*pulls, other], "main", **more)) == attribute(session, index_of(case))


@given(sessions(), sessions(), facts())
def test_an_unrelated_session_changes_nothing(session, other, case):
    """What somebody else did elsewhere at the same time, with the commits that they report."""
    pulls, _ = case
    other = [
        with_work(
            with_context(msgspec.structs.replace(usage, session_id="s2"), author="zoe"),
            commits_made=tuple(
                msgspec.structs.replace(commit, sha=f"f{commit.sha}", authorship="", authored_at=usage.at, files=("z.py",))
                for commit in usage.work.commits_made
            ),
        )
        for usage in other
    ]  # fmt: skip

    def claims_of(usages):
        reports = reported_commits(usages)
        listed_pulls = with_reports(pulls, reports)
        return attribute(
            session, RepositoryIndex(listed_pulls, "main", direct=direct_commits(listed_pulls, reports, "main"))
        )

    assert claims_of([*session, *other]) == claims_of(session)


@given(sessions(), facts())
def test_a_stronger_evidence_never_loses_to_a_weaker(session, case):
    index = index_of(case)
    before = attribute(session, index, ())
    for count in range(1, len(RULES) + 1):
        after = attribute(session, index, RULES[:count])
        apart = {key for key, claim in before.items() if claim.evidence is Evidence.IMPLAUSIBLE}
        assert {key for key, claim in after.items() if claim.evidence is Evidence.IMPLAUSIBLE} == apart
        firm = {key for key, claim in before.items() if claim.evidence is not Evidence.NONE} - apart
        assert all(after[key] == before[key] for key in firm)
        before = after


def test_the_levels_are_in_the_order_in_which_they_win():
    """A request that every rule has an answer for; without the strongest the next one wins."""
    changes_text = """
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
    index = RepositoryIndex(pulls(changes_text), "main", corrections=[link])
    requests = session(work, author="ann")
    winners = {}
    for count in range(len(RULES) + 1):
        claim = next(iter(attribute(requests, index, RULES[count:]).values()))
        winners[claim.numbers, claim.evidence] = None
    assert [*winners] == [
        ((1,), "correction"), ((2,), "stamp"), ((3,), "stamp"), ((3,), "commit"), ((5,), "edits"), ((6,), "branch"),
        ((5, 7), "files"), ((), "several"), ((), "none"),
    ]  # fmt: skip
    ranks = [[*Evidence].index(level) for _, level in winners]
    assert ranks == sorted(ranks)


@given(sessions(), facts())
def test_a_maintainer_has_the_last_word(session, case):
    links, exclusions = {}, set()
    for correction in sorted(set(case[1]["corrections"])):
        if correction.session_id == "s1" and correction.says == "link":
            links, exclusions = dict(correction.weights), exclusions - dict(correction.weights).keys()
        elif correction.session_id == "s1":
            links = {number: weight for number, weight in links.items() if number not in dict(correction.weights)}
            exclusions |= dict(correction.weights).keys()
    for claim in attribute(session, index_of(case)).values():
        assert exclusions.isdisjoint((*claim.numbers, *claim.candidates))
        if claim.evidence is Evidence.IMPLAUSIBLE:
            assert claim.numbers == ()
            assert not links or {*claim.candidates} == links.keys()
        else:
            assert not links or dict(claim.weights) == links


@given(sessions(), facts(), st.data())
def test_more_usage_never_lowers_a_total(session, case, data):
    """Of usage that a model can have had: what outgrows every model is unconfirmed."""
    assume(session)
    at = data.draw(st.integers(0, len(session) - 1))
    possible = [
        msgspec.structs.replace(
            usage, tokens=Tokens(**{kind: getattr(usage.tokens, kind) % 30_000 for kind in TOKEN_KINDS})
        )
        for usage in session
    ]
    more = list(possible)
    more[at] = msgspec.structs.replace(more[at], tokens=more[at].tokens + Tokens(output=100_000))
    before, after = totals(possible, case), totals(more, case)
    assert all(after[number] >= micros for number, micros in before.items())
    without = [usage for i, usage in enumerate(possible) if i != at]
    assert sum(totals(without, case).values()) <= sum(before.values())


def totals(session, case):
    claims = attribute(session, index_of(case))
    sums = Counter()
    for usage in session:
        for share in share_out(charge(usage), claims[usage.key], 1):
            sums[share.pull_number] += share.micros or 0
    return sums
