import random
from datetime import UTC, datetime
from functools import reduce
from operator import or_

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.usage import TOKEN_KINDS, TOKENS_NOT_KNOWN, Context, ContextSource, Tokens, Usage, Work
from attribution.usage_merge import merge, unique, with_request_id
from tests.attribution.strategies import commits, counts, usages

ONE = {
    "tool": "claude-code", "session_id": "s", "request_id": "m1", "model": "claude-opus-5", "at": datetime(2026, 11, 23, tzinfo=UTC),
}  # fmt: skip
NAMES = ["m1", "r1", "s1"]


name_lists, one_usage = st.lists(st.sampled_from(NAMES), min_size=1, unique=True), usages()


@st.composite
def copies(draw):
    """A record of the one request, by some of its ids."""
    names = draw(name_lists)
    aliases = tuple(sorted(names[1:]))
    return msgspec.structs.replace(draw(one_usage), tool="codex", request_id=names[0], aliases=aliases)


tokens = st.one_of(st.just(TOKENS_NOT_KNOWN), st.builds(Tokens, **dict.fromkeys(TOKEN_KINDS, counts)))


@given(copies(), copies(), copies())
def test_order_and_repetition_of_copies_change_nothing(a, b, c):
    whole = reduce(merge, (a, b, c))
    assert reduce(merge, (c, b, a)) == whole
    assert reduce(merge, (b, a, c, a, whole)) == whole
    assert merge(a, merge(b, c)) == whole


@given(copies(), copies())
def test_counts_of_two_copies_are_never_mixed(a, b):
    whole = merge(a, b)
    assert whole.tokens.output == max(a.tokens.output, b.tokens.output)
    assert (whole.tokens, whole.model) in [(copy.tokens, copy.model) for copy in (a, b)]


@given(copies(), copies())
def test_facts_of_both_copies_are_kept(a, b):
    whole = merge(a, b)
    assert {*whole.work.edited_files} == {*a.work.edited_files, *b.work.edited_files}
    shas = {commit.sha for commit in (*a.work.commits_made, *b.work.commits_made)}
    assert {commit.sha for commit in whole.work.commits_made} == shas
    assert whole.at == min(a.at, b.at)
    assert {*whole.keys} == {*a.keys, *b.keys}


@given(st.lists(commits, min_size=1, max_size=5))
def test_the_branch_of_a_commit_is_the_one_that_the_hook_saw(reports):
    same = [msgspec.structs.replace(report, sha="aaaaaaa") for report in reports]
    (commit,) = reduce(or_, [Work(commits_made=(report,)) for report in same], Work()).commits_made
    best = [report for report in same if report.is_stamped] or same
    assert commit.branch == max(report.branch for report in best)


@given(st.lists(copies(), min_size=1, max_size=5))
def test_the_context_with_the_best_source_counts_whole(records):
    whole = reduce(merge, records)
    best = max(record.context.source.rank for record in records)
    assert whole.context in [record.context for record in records if record.context.source.rank == best]


def test_sources_of_context_from_best_to_worst():
    assert sorted(ContextSource, key=lambda source: -source.rank) == ["stamp", "reflog", "run", "log", "telemetry", ""]


def test_a_name_that_sorts_first_does_not_beat_a_better_source():
    log = Context(source=ContextSource.LOG, branch="main", commit="c1", repository="acme/widgets", author="ann")
    reflog = Context(source=ContextSource.REFLOG, branch="feat/a", repository="acme/widgets")
    usage = Usage(**ONE, context=log)
    other = msgspec.structs.replace(usage, context=reflog)
    assert merge(usage, other).context == merge(other, usage).context == reflog


@given(st.data())
def test_a_request_that_several_doors_name_by_some_of_its_ids_is_one(data):
    """Each request is seen through doors that name one, two or three of its ids, and some door ties them together."""
    records, requests = [], data.draw(st.integers(1, 3))
    for number in range(requests):
        seen_copies = data.draw(st.lists(copies(), max_size=4))
        whole = msgspec.structs.replace(data.draw(one_usage), tool="codex", request_id="m1", aliases=("r1", "s1"))
        records += [_of(number, copy) for copy in (*seen_copies, whole)]
    uniques = unique(records)
    assert len(uniques) == requests
    random.Random(data.draw(st.integers())).shuffle(records)
    half = len(records) // 2
    assert unique(records) == uniques
    assert unique([*unique(records[:half]), *unique(records[half:]), *records[:1]]) == uniques


def _of(number: int, usage: Usage) -> Usage:
    return msgspec.structs.replace(
        usage, request_id=f"{usage.request_id}-{number}", aliases=tuple(f"{name}-{number}" for name in usage.aliases)
    )


def test_ids_of_different_tools_are_different_requests():
    usage = Usage(**ONE)
    assert len(unique([usage, msgspec.structs.replace(usage, tool="codex")])) == 2


@given(copies(), st.sampled_from(NAMES))
def test_a_request_under_another_of_its_ids_is_the_same(usage, name):
    if name in (usage.request_id, *usage.aliases):
        assert merge(usage, with_request_id(usage, name)) == with_request_id(usage, min(usage.request_id, name))


@given(tokens, tokens, tokens)
def test_what_is_not_known_adds_nothing_and_is_no_zero(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + TOKENS_NOT_KNOWN == a
    assert (a + b).is_known == (a.is_known or b.is_known)
    assert (a + b).input == a.input + b.input
    assert Tokens() > TOKENS_NOT_KNOWN
