from functools import reduce

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.usage import merge
from tests.attribution.strategies import usages

copies = usages(request_id=st.just("one")).map(lambda usage: msgspec.structs.replace(usage, tool="codex"))


@given(copies, copies, copies)
def test_order_and_repetition_of_copies_change_nothing(a, b, c):
    merged = reduce(merge, (a, b, c))
    assert reduce(merge, (c, b, a)) == merged
    assert reduce(merge, (b, a, c, a, merged)) == merged
    assert merge(a, merge(b, c)) == merged


@given(copies, copies)
def test_counts_of_two_copies_are_never_mixed(a, b):
    merged = merge(a, b)
    assert merged.output_tokens == max(a.output_tokens, b.output_tokens)
    counts = ("uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens", "model")
    assert [getattr(merged, name) for name in counts] in [[getattr(one, name) for name in counts] for one in (a, b)]


@given(copies, copies)
def test_facts_of_both_copies_are_kept(a, b):
    merged = merge(a, b)
    assert {*merged.edited_files} == {*a.edited_files, *b.edited_files}
    assert {one.sha for one in merged.commits_made} == {one.sha for one in (*a.commits_made, *b.commits_made)}
    assert merged.at == min(a.at, b.at)
