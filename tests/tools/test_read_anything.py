"""Whatever a log holds, and in whatever order logs are read, reading neither fails nor changes its mind."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.tools import TOOLS, JsonLines
from attribution.usage_merge import unique
from collector.logs import Tally, matching_lines
from collector.sources import beside, files
from tests.examples import examples
from tests.tools import recordings

LINES = {name: [line for log in recordings.logs(name) for line in log.records] for name in TOOLS}
LOGS = {name: [log.requests for log in recordings.read(name)] for name in TOOLS}
# Made once: Hypothesis looks into every new strategy, which takes longer than to read what is drawn from it.
PLACES = {name: st.integers(0, len(lines) - 1) for name, lines in LINES.items()}
ORDERS = {name: st.permutations(logs) for name, logs in LOGS.items()}
REPETITIONS = {name: st.lists(st.sampled_from(logs)) for name, logs in LOGS.items()}
NOISE = st.binary(max_size=30)


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys(inner) for inner in value.values()))
    return set[str]().union(*(keys(inner) for inner in value)) if isinstance(value, list) else set()


NAMES = sorted({key for lines in LINES.values() for line in lines for key in keys(json.loads(line))})
KINDS = [
    "assistant",
    "user",
    "progress",
    "session_meta",
    "turn_context",
    "event_msg",
    "token_count",
    "token_usage_record",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*KINDS, "2026-11-23T17:00:00.000Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
    max_leaves=25,
)
NEEDLES = b' "output_tokens" "tool_use_id" "call_id" _token_usage" "session_meta" '


@settings(max_examples=examples(200))
@given(
    records=st.lists(
        st.binary() | st.binary().map(lambda noise: noise + NEEDLES) | VALUES.map(lambda v: json.dumps(v).encode())
    )
)
def test_no_record_is_fatal(records: list[bytes]):
    """All tools read the same: to make it takes many times as long."""
    for name, tool in TOOLS.items():
        read = tool.read_log(records)
        assert 0 <= read.unreadable_records + read.skipped_records <= 2 * len(records), name


@pytest.mark.parametrize("name", TOOLS)
@given(data=st.data())
def test_a_damaged_line_costs_no_other(name: str, data: st.DataObject):
    lines = LINES[name]
    at = data.draw(PLACES[name])
    cut = data.draw(st.integers(0, len(lines[at]) - 1))
    damaged = [*lines[:at], lines[at][:cut], *lines[at + 1 :]]
    TOOLS[name].read_log(damaged)
    noise = data.draw(NOISE)
    assert TOOLS[name].read_log([*lines, noise]).requests == TOOLS[name].read_log(lines).requests


@pytest.mark.parametrize("name", TOOLS)
@given(data=st.data())
def test_the_order_and_repetition_of_logs_change_nothing(name: str, data: st.DataObject):
    order = data.draw(ORDERS[name])
    again = data.draw(REPETITIONS[name])
    requests = unique(usage for log in LOGS[name] for usage in log)
    assert unique(usage for log in [*order, *again] for usage in log) == requests


@pytest.mark.parametrize("name", TOOLS)
@given(data=st.data())
def test_a_line_written_twice_changes_nothing(name: str, data: st.DataObject):
    lines = LINES[name]
    at = data.draw(PLACES[name])
    assert TOOLS[name].read_log([*lines[: at + 1], *lines[at:]]).requests == TOOLS[name].read_log(lines).requests


@pytest.mark.parametrize(
    "name", [name for name in TOOLS if any(isinstance(source, JsonLines) for source in TOOLS[name].LOGS)]
)
def test_only_lines_with_a_needle_matter(name: str):
    """The fixtures hold other lines too, which the collector leaves out: the requests must be the same with them."""
    below, left_out = recordings.FIXTURES / name, 0
    for source in TOOLS[name].LOGS:
        for path in files(source, below, Tally()) if isinstance(source, JsonLines) else ():
            records = list(beside(source, path))
            every = path.read_bytes().splitlines()
            with path.open("rb") as file:
                lines = list(matching_lines(file, source, Tally()))
            left_out += len(every) - len(lines)
            read_log, log = TOOLS[name].read_log, path.relative_to(below).as_posix()
            assert read_log(records + lines, log).requests == read_log(records + every, log).requests
    assert left_out > 0


def test_text_that_is_no_utf8_costs_no_request():
    line = next(line for line in LINES["claude-code"] if b'"output_tokens"' in line)
    broken = line.replace(b"feat/42", b"feat/\xff")
    assert [usage.context.branch for usage in TOOLS["claude-code"].read_log([broken]).requests] == [
        "feat/\ufffd-rate-limit"
    ]


def test_nesting_without_end_is_a_line_that_cannot_be_read():
    deep = b'{"type":"assistant","output_tokens":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for tool in TOOLS.values():
        assert tool.read_log([deep]).unreadable_records <= 1
        assert tool.read_log([deep]).requests == []
