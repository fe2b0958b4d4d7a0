"""A log that grows is read in pieces, and comes to the same as if it were read at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.tools import TOOLS
from attribution.usage_merge import unique
from tests.tools import recordings

GROWING = [name for name in TOOLS if all(log.carry is not None for log in recordings.read(name))]


def test_these_tools_are_read_in_pieces():
    assert GROWING == [
        "claude-code",
        "codex",
        "copilot-cli",
        "gemini-cli",
        "grok-build",
        "kimi-code",
        "pi",
        "qwen-code",
    ]


@pytest.mark.parametrize("name", GROWING)
@given(data=st.data())
def test_pieces_come_to_the_same_as_the_whole(name: str, data: st.DataObject):
    log = data.draw(st.sampled_from(recordings.logs(name)))
    beside = [record for record in log.records if record.startswith(b'{"beside":')]
    lines = log.records[len(beside) :]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=3)))
    requests, carry = [], ()
    for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        read = TOOLS[name].read_log([*beside, *carry, *lines[start:end]], log.name)
        assert read.carry is not None
        requests, carry = [*requests, *read.requests], read.carry
    assert unique(requests) == unique(TOOLS[name].read_log(log.records, log.name).requests)
    assert len(carry) < 10
