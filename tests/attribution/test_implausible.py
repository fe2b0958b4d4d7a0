"""What looks invented, and that nothing real does."""

from collections import defaultdict
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.rules.implausible import MOST_OUTPUT_TOKENS, MOST_REPEATS, doubts
from attribution.session import session_of
from attribution.tools import TOOLS
from attribution.usage import Tokens, Usage
from tests.notation import MONDAY
from tests.tools import recordings

USAGE = Usage(
    tool="claude-code",
    session_id="s1",
    request_id="r",
    at=MONDAY,
    model="claude-opus-5",
    tokens=Tokens(uncached_input=1000, output=100),
)


def requests(count: int, seconds: float, first_output: int = 100, **changes) -> list[Usage]:
    """Requests so many seconds apart, each a little longer than the one before."""
    return [
        msgspec.structs.replace(
            USAGE,
            request_id=f"r{i:05}",
            at=MONDAY + timedelta(seconds=i * seconds),
            **{"tokens": Tokens(uncached_input=1000 + i, output=first_output + i)} | changes,
        )
        for i in range(count)
    ]


def whys(usages: list[Usage]) -> set[str]:
    return set(doubts(session_of(usages)).values())


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_in_real_sessions_looks_invented(tool: str):
    by_session: defaultdict[str, list[Usage]] = defaultdict(list)
    for log in recordings.read(tool):
        for usage in log.requests:
            by_session[usage.session_id].append(usage)
    assert [doubt for usages in by_session.values() for doubt in whys(usages)] == []


@pytest.mark.parametrize(
    ("model", "tokens", "is_doubted"),
    [
        ("claude-opus-5", 1_900_000, False),
        ("claude-opus-5", 2_000_001, True),
        ("claude-opus-4-1", 1_000_000, False),
        ("claude-opus-4-1", 1_100_000, True),
        ("some-model", 2_000_000, False),
        ("some-model", 2_200_000, True),
    ],
)
def test_a_request_is_limited_by_the_window_of_its_model(model: str, tokens: int, is_doubted: bool):
    usage = msgspec.structs.replace(USAGE, model=model, tokens=Tokens(cache_read=tokens))
    assert whys([usage]) == ({"more tokens in one request than its model takes"} if is_doubted else set())


def test_an_answer_is_limited():
    usage = msgspec.structs.replace(USAGE, tokens=Tokens(output=MOST_OUTPUT_TOKENS + 1))
    assert whys([usage]) == {"a longer answer than any model gives"}


@pytest.mark.parametrize("output_tokens", [19_000, 21_000])
def test_no_agent_writes_faster_than_models_do(output_tokens: int):
    """Sixty answers in ten minutes."""
    fast = requests(60, 10, output_tokens)
    assert whys(fast) == ({"faster than any model writes"} if output_tokens > 20_000 else set())
    apart = [msgspec.structs.replace(usage, agent_id=f"a{i % 2}") for i, usage in enumerate(fast)]
    assert whys(apart) == set(), "agents write side by side"


@pytest.mark.parametrize(("most", "seconds"), [(200, 0.04), (400, 0.14)])
def test_no_session_asks_so_often(most: int, seconds: float):
    assert whys(requests(most, seconds)) == set()
    assert len(doubts(session_of(requests(most + 1, seconds)))) == 1


def test_one_time_for_all_is_how_some_tools_log_up_to_a_number():
    assert whys(requests(1_000, 0)) == set()
    assert len(doubts(session_of(requests(1_100, 0)))) == 100


def test_searches_sums_and_the_tools_own_figures_are_limited_in_dollars():
    search = msgspec.structs.replace(USAGE, web_search_requests=1_000_000)
    assert whys([search]) == {"dearer than any request"}
    unlisted = requests(7, 60, model="some-model", reported_micros=99_000_000)
    assert set(doubts(session_of(unlisted))) == {5, 6}
    sums = requests(3, 60, is_sum=True, tokens=Tokens(uncached_input=40_000_000))
    assert set(doubts(session_of(sums))) == {2}
    assert whys(requests(1, 1, is_sum=True, tokens=Tokens(cache_read=1_100_000_000)))


def test_equal_counts_are_short_of_real():
    assert len(doubts(session_of(requests(30, 60, tokens=USAGE.tokens)))) == 30 - MOST_REPEATS


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 300_000)), max_size=12), st.data())
def test_more_requests_within_the_limits_of_time_take_nothing_away(pairs, data):
    """Whoever adds a later request to a session cannot make the earlier ones look invented."""
    usages = [
        msgspec.structs.replace(
            USAGE,
            request_id=f"r{i}",
            at=MONDAY + timedelta(seconds=second),
            tokens=Tokens(uncached_input=i, output=tokens),
        )
        for i, (second, tokens) in enumerate(pairs)
    ]
    at = max((usage.at for usage in usages), default=MONDAY) + timedelta(seconds=data.draw(st.integers(0, 5)))
    later = msgspec.structs.replace(
        USAGE, request_id="z", at=at, tokens=Tokens(output=data.draw(st.integers(0, 300_000)))
    )

    def doubted(requests: list[Usage]) -> set[str]:
        turns = session_of(requests)
        return {turns.turns[i].usage.request_id for i in doubts(turns)} - {"z"}

    assert doubted([*usages, later]) == doubted(usages)
