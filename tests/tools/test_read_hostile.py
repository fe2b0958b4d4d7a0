"""Logs of every tool with one value replaced by what no tool writes: reading goes on, and no figure becomes absurd."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.ledger import charge
from attribution.tools import TOOLS
from attribution.usage_merge import unique
from tests.tools import recordings

LOGS = {name: recordings.logs(name) for name in TOOLS}

# As JSON text: some of it is none.
NUMBERS = [
    "-1",
    "-0.01",
    "1e400",
    "-1e400",
    "1e300",
    "NaN",
    "Infinity",
    "99999999999999999999999",
    "1e12",
    "0",
    "-0.0",
    "true",
]
TIMES = [
    '"9999-12-31T23:59:59.999Z"',
    '"0001-01-01T00:00:00+23:59"',
    '"9999-12-31T23:59:59-23:59"',
    '"1969-12-31"',
    '"2026-02-30T00:00:00Z"',
]
TIMES += ["253402300799", "253402300799999", "-62135596800", "-62135596800000", "1e18", "9223372036854775807"]
TEXTS = [
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"../../../../dev/zero"',
    '"/dev/zero"',
    json.dumps("x" * 10_000),
    '"\\u001b[2J"',
    "null",
    "[]",
    "{}",
]
NESTED = ["[" * 10_000 + "]" * 10_000, '{"a":' * 10_000 + "1" + "}" * 10_000, "[" * 10_000]
HOSTILE = st.sampled_from([*NUMBERS, *TIMES, *TEXTS, *NESTED]) | st.integers().map(str) | st.floats().map(json.dumps)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value; a text that is JSON itself is looked into."""
    yield path
    inner = json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") and _is_json(value) else value
    for key, child in inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ():
        yield from places(child, (*path, key))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def replaced(value: Any, path: tuple[Any, ...], mark: str) -> Any:
    if not path:
        return mark
    if isinstance(value, str):
        return json.dumps(replaced(json.loads(value), path, mark))
    changed = replaced(value[path[0]], path[1:], mark)
    return (
        value | {path[0]: changed} if isinstance(value, dict) else [*value[: path[0]], changed, *value[path[0] + 1 :]]
    )


@pytest.mark.parametrize("name", TOOLS)
@given(data=st.data())
def test_no_value_makes_a_figure_absurd(name: str, data: st.DataObject):
    log = data.draw(st.sampled_from([log for log in LOGS[name] if log.records]))
    records = list(log.records)
    at = data.draw(st.integers(0, len(records) - 1))
    value = json.loads(records[at])
    path = data.draw(st.sampled_from(sorted(places(value), key=str)))
    text = json.dumps(replaced(value, path, "MARK"))
    hostile = data.draw(HOSTILE)
    records[at] = marked(text, hostile)
    check(name, records, log.name)


def marked(text: str, hostile: str) -> bytes:
    return text.replace('\\"MARK\\"', json.dumps(hostile)[1:-1]).replace('"MARK"', hostile).encode()


@pytest.mark.parametrize("name", TOOLS)
def test_no_number_makes_a_figure_absurd(name: str):
    """Each number of each kind of record in turn, once."""
    kinds: set[tuple[str, ...]] = set()
    for log in LOGS[name]:
        for at, record in enumerate(log.records):
            value = json.loads(record)
            for path in places(value):
                kind = tuple(key for key in path if isinstance(key, str))
                if kind not in kinds and _is_number(value, path):
                    kinds.add(kind)
                    text = json.dumps(replaced(value, path, "MARK"))
                    for hostile in ("-1", "-0.01", "1e300", "1e400", "NaN", "9e18"):
                        check(name, [*log.records[:at], marked(text, hostile), *log.records[at + 1 :]], log.name)


def _is_number(value: Any, path: tuple[Any, ...]) -> bool:
    for key in path:
        value = json.loads(value)[key] if isinstance(value, str) else value[key]
    return isinstance(value, int | float)


def check(name: str, records: list[bytes], log: str) -> None:
    for usage in unique(TOOLS[name].read_log(records, log).requests):
        for amount in (
            charge(usage).list_micros,
            usage.reported_micros,
            usage.credits_micros,
            usage.web_search_requests,
        ):
            assert amount is None or 0 <= amount < 10**18
        assert min(usage.tokens.input, usage.tokens.output, usage.tokens.reasoning) >= 0
