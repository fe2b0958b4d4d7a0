"""What Hypothesis draws requests and costs from."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from attribution.cost import Cost
from attribution.usage import CommitMade, Context, ContextSource, PullSeen, Tokens, Usage, Work

counts = st.integers(0, 2_000_000)
models = st.sampled_from(["claude-opus-5-5", "claude-sonnet-4-5", "gpt-5.5", "gpt-5.3-codex", "nobody-knows-1"])
times = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 20), timezones=st.just(UTC))  # noqa: DTZ001
commits = st.builds(
    CommitMade, sha=st.sampled_from(["aaaaaaa", "bbbbbbb", "ccccccc"]), authorship=st.sampled_from(["", "x1", "x2"]),
    branch=st.sampled_from(["", "main", "feat/a"]), files=st.sampled_from([(), ("a.py",), ("b.py",)]),
    is_stamped=st.sampled_from([False, False, True]),
)  # fmt: skip
looks = st.builds(PullSeen, number=st.integers(1, 4), how=st.sampled_from(["view", "create"]))


request_ids = st.uuids().map(str)
# Made once: Hypothesis looks into every new strategy, which takes longer than to draw from it.
tools, session_ids = st.sampled_from(["claude-code", "codex"]), st.sampled_from(["s1", "s2", "s3"])
sources, repositories = st.sampled_from(ContextSource), st.sampled_from(["", "acme/widgets", "acme/fork"])
heads, branches = st.sampled_from(["", "c1", "c2"]), st.sampled_from(["", "main", "HEAD", "feat/a", "feat/b", "gone"])
ci_refs = st.sampled_from(["", "", "", "refs/pull/1/merge", "refs/heads/main"])
file_lists = st.lists(st.sampled_from(["a.py", "b.py", "c.py"]), max_size=3, unique=True)
commit_lists = st.lists(commits, max_size=2, unique_by=lambda commit: commit.sha)
look_lists = st.lists(looks, max_size=2, unique=True)


@st.composite
def costs(draw, most_micros=10**10):
    """Of one request or more; where none has a price, without money."""
    unpriced, priced_count = draw(st.integers(0, 3)), draw(st.integers(0, 6))
    requests = max(priced_count + unpriced, 1)
    return Cost(draw(st.integers(0, most_micros)) if requests > unpriced else None, requests, unpriced)


@st.composite
def usages(draw, request_id=request_ids):
    output = draw(counts)
    return Usage(
        tool=draw(tools),
        session_id=draw(session_ids),
        request_id=draw(request_id),
        at=draw(times),
        model=draw(models),
        tokens=Tokens(
            uncached_input=draw(counts),
            cache_read=draw(counts),
            cache_write_5m=draw(counts),
            cache_write_1h=draw(counts),
            output=output,
            reasoning=draw(counts) % (output + 1),
        ),
        context=Context(
            source=draw(sources),
            repository=draw(repositories),
            commit=draw(heads),
            branch=draw(branches),
            ci_ref=draw(ci_refs),
        ),
        work=Work(
            edited_files=tuple(draw(file_lists)),
            commits_made=tuple(draw(commit_lists)),
            pulls_seen=tuple(draw(look_lists)),
        ),
    )
