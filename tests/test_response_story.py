"""What single responses bill, from Claude Code's log through to the comment."""

import json
from typing import Any

import pytest

from attribution.pricing import Unpriced, price
from attribution.tools.claude_code import read_log
from attribution.usage import Usage, with_context
from tests.world import World

OPUS, FABLE, HAIKU = "claude-opus-4-8", "claude-fable-5", "claude-haiku-4-5"


def counts(entry: str = "", model: str = "", *, output: int = 0, written: int = 0, read: int = 0) -> dict[str, Any]:
    """The usage of a response, or an entry in its list."""
    kind = {"type": entry} if entry else {}
    of = {"model": model} if model else {}
    cache = {"cache_creation_input_tokens": written, "cache_read_input_tokens": read}
    return {**kind, **of, **cache, "input_tokens": 1_000, "output_tokens": output}


def log(model: str, usage: dict[str, Any], stop_reason: str = "end_turn") -> list[Usage]:
    """What is read of a transcript with one response in it."""
    line = {
        "type": "assistant", "timestamp": "2026-11-16T09:00:00Z", "sessionId": "s1", "uuid": "u1", "requestId": "req_1",
        "gitBranch": "feat/a",
        "message": {"id": "msg_1", "model": model, "stop_reason": stop_reason, "usage": usage, "content": []},
    }  # fmt: skip
    return read_log([json.dumps(line).encode()]).requests


def priced(usage: Usage) -> str:
    cost = price(usage)
    assert not isinstance(cost, Unpriced)
    return f"{cost.list_micros / 1_000_000:.6f}"


FALLBACK = log(
    OPUS,
    counts(output=40_000, read=80_000)
    | {"cache_creation": {"ephemeral_5m_input_tokens": 9_000}}  # what the declined attempt wrote
    | {
        "iterations": [
            counts("message", FABLE, output=600, written=9_000),
            counts("fallback_message", OPUS, output=40_000, read=80_000),
        ]
    },
)
DECLINED_AT_ONCE = log(
    OPUS,
    counts(output=40_000) | {"iterations": [counts("message", FABLE), counts("fallback_message", OPUS, output=40_000)]},
)
ADVISER = log(
    OPUS,
    counts(output=40_000)
    | {"iterations": [counts("message", output=40_000), counts("advisor_message", HAIKU, output=20_000)]},
)
COMPACTION = log(
    OPUS,
    counts(output=40_000) | {"iterations": [counts("compaction", output=10_000), counts("message", output=40_000)]},
)


@pytest.mark.parametrize(
    ("usages", "dollars", "total"),
    [
        (FALLBACK, {"msg_1": (OPUS, "1.045000"), "msg_1:message:0": (FABLE, "0.152500")}, "$1.20"),
        (DECLINED_AT_ONCE, {"msg_1": (OPUS, "1.005000")}, "$1.00"),
        (ADVISER, {"msg_1": (OPUS, "1.005000"), "msg_1:advisor_message:1": (HAIKU, "0.101000")}, "$1.11"),
        (COMPACTION, {"msg_1": (OPUS, "1.005000"), "msg_1:compaction:0": (OPUS, "0.255000")}, "$1.26"),
    ],
    ids=["fallback", "declined at once", "adviser", "compaction"],
)
def test_each_attempt_counts_once_at_its_own_price(
    world: World, usages: list[Usage], dollars: dict[str, tuple[str, str]], total: str
):
    assert {usage.request_id: (usage.model, priced(usage)) for usage in usages} == dollars
    world.open_pull(12, "feat/a")
    world.send_usage([with_context(usage, repository="acme/widgets") for usage in usages])
    world.settle()
    assert f"**This change cost at least {total}** of AI work" in world.comment(12)
    assert world.ledger_errors() == []


def test_figures_of_a_fallback():
    (served, declined) = FALLBACK
    assert (served.request_id, served.aliases, served.tokens.cache_write, served.tokens.output) == (
        "msg_1", ("req_1",), 0, 40_000,
    )  # fmt: skip
    assert (declined.request_id, declined.tokens.cache_write, declined.tokens.output) == ("msg_1:message:0", 9_000, 600)


def test_a_refusal_before_any_output_costs_nothing():
    assert log(OPUS, counts(), "refusal") == []
    (billed,) = log(OPUS, counts(output=3), "refusal")
    assert billed.tokens.output == 3
