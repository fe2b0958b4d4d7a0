from functools import reduce

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.usage import merge
from tests.attribution.strategies import usages

copies = usages(request_id=st.just("one")).map(lambda usage: msgspec.structs.replace(usage, tool="codex"))


@given(copies, copies, copies)
def test_order_and_repetition_of_copies_change_nothing(a, b, c):
    whole = reduce(merge, (a, b, c))
    assert reduce(merge, (c, b, a)) == whole
    assert reduce(merge, (b, a, c, a, whole)) == whole
    assert merge(a, merge(b, c)) == whole


@given(copies, copies)
def test_counts_of_two_copies_are_never_mixed(a, b):
    whole = merge(a, b)
    assert whole.output_tokens == max(a.output_tokens, b.output_tokens)
    counts = ("uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens", "model")
    assert [getattr(whole, name) for name in counts] in [[getattr(copy, name) for name in counts] for copy in (a, b)]


@given(copies, copies)
def test_facts_of_both_copies_are_kept(a, b):
    whole = merge(a, b)
    assert {*whole.edited_files} == {*a.edited_files, *b.edited_files}
    assert {commit.sha for commit in whole.commits_made} == {
        commit.sha for commit in (*a.commits_made, *b.commits_made)
    }
    assert whole.at == min(a.at, b.at)
