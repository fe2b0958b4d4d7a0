"""Claude Code's events, against what was really used when they were recorded, and beside the transcripts of the same sessions."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.telemetry import LogRecord, Refusal, Value
from attribution.tools.claude_code import read_log
from attribution.tools.claude_code_telemetry import ATTRIBUTES, request_of
from attribution.usage import Tokens, Usage
from attribution.usage_merge import unique

FIXTURES = Path(__file__).parents[1] / "fixtures"
# What the API had sent to the recorded sessions, compaction included. Input is without cache.
TRUTH = (40, 45_845, 809_185, 35_340, 7_775)
AT = datetime(2026, 11, 23, 17, tzinfo=UTC)


def events() -> list[Usage]:
    lines = (FIXTURES / "claude-code-telemetry/events.jsonl").read_text().splitlines()
    records = [
        LogRecord(event["event"], datetime.fromisoformat(event["at"]), event["attributes"])
        for event in map(json.loads, lines)
    ]
    return [usage for record in records if isinstance(usage := request_of(record), Usage)]


def transcripts() -> list[Usage]:
    requests: list[Usage] = []
    for path in sorted((FIXTURES / "claude-code").rglob("*.jsonl")):
        with path.open("rb") as file:
            requests += read_log(file, path.name).requests
    return requests


def sums(usages: Iterable[Usage]) -> tuple[int, ...]:
    requests = unique(usages)
    total = sum((usage.tokens for usage in requests), Tokens())
    return (len(requests), total.uncached_input, total.cache_read, total.cache_write, total.output)


def record(event: str = "api_request", **changes: Value | None) -> LogRecord:
    attributes: dict[str, Value | None] = {
        "session.id": "s1", "request_id": "req_1", "model": "claude-opus-5-5", "input_tokens": 3, "output_tokens": 5,
        "cache_read_tokens": 7, "cache_creation_tokens": 11, "cache_creation_1h_tokens": 4, "cost_usd_micros": 20,
    }  # fmt: skip
    return LogRecord(event, AT, {name: value for name, value in (attributes | changes).items() if value is not None})


@pytest.mark.parametrize("seed", range(5))
def test_events_in_any_order_and_twice_sum_to_what_was_used(seed: int) -> None:
    twice = [*events(), *events()]
    Random(seed).shuffle(twice)
    assert sums(twice) == TRUTH


@pytest.mark.parametrize("seed", range(5))
def test_transcripts_and_events_of_the_same_sessions_are_one_charge_a_request(seed: int) -> None:
    logged = transcripts()
    assert 0 < len(logged) < TRUTH[0]
    both = [*logged, *events()]
    Random(seed).shuffle(both)
    assert sums(both) == TRUTH


def test_an_event_and_its_line_agree_in_all_that_both_say() -> None:
    by_id = {usage.request_id: usage for usage in events()}
    logged = unique(transcripts())
    assert len(logged) == 16
    for usage in logged:
        (request_id,) = usage.aliases
        event = by_id[request_id]
        assert (event.session_id, event.agent_id, event.model) == (usage.session_id, usage.agent_id, usage.model)
        # Events do not say how much of the output was reasoning.
        assert event.tokens == replace(usage.tokens, reasoning=0)


def test_each_kind_of_token_and_the_tools_own_cost() -> None:
    usage = request_of(record(speed="fast"))
    assert isinstance(usage, Usage)
    assert usage.tokens == Tokens(uncached_input=3, cache_read=7, cache_write_5m=7, cache_write_1h=4, output=5)
    assert (usage.session_id, usage.request_id, usage.at) == ("s1", "req_1", AT)
    assert (usage.reported_micros, usage.speed) == (20, "fast")


def test_counts_of_older_versions_are_texts() -> None:
    assert request_of(record(input_tokens="3", output_tokens="5", cost_usd_micros="20")) == request_of(record())


def test_nothing_else_that_a_record_says_is_kept() -> None:
    content = {"prompt": "secret", "tool_parameters": "secret", "user.email": "secret"}
    assert request_of(record(**content)) == request_of(record())
    assert ATTRIBUTES.isdisjoint(content)


@pytest.mark.parametrize("event", ["user_prompt", "tool_result", "api_error", ""])
def test_other_events_are_no_requests(event: str) -> None:
    assert request_of(record(event)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"input_tokens": -1},
        {"output_tokens": "-1"},
        {"output_tokens": float("nan")},
        {"output_tokens": float("inf")},
        {"output_tokens": "1e400"},
        {"cache_read_tokens": 1.5},
        {"cache_read_tokens": None},
        {"input_tokens": None},
        {"cache_creation_1h_tokens": 12},
        {"request_id": None},
        {"request_id": ""},
        {"session.id": None},
    ],
)
def test_what_cannot_be_or_is_not_known_is_refused_with_a_reason(changes: dict[str, Value | None]) -> None:
    refusal = request_of(record(**changes))
    assert isinstance(refusal, Refusal)
    assert refusal.reason


@given(st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), st.text() | st.integers() | st.floats() | st.booleans()))
def test_no_attributes_are_too_odd(changes: dict[str, Value]) -> None:
    usage = request_of(record(**changes))
    if isinstance(usage, Usage):
        assert min(usage.tokens.uncached_input, usage.tokens.cache_write_5m, usage.tokens.cache_write_1h) >= 0
