"""Invariants that independent auditors hold tools against which count tokens: https://github.com/lizhuojunx86/token-accounting-conformance
(I-1 to I-11) and https://github.com/roy-tong/AgentMeasure. Restated here, on transcripts of our own."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from attribution.cost import ZERO, cost_of_request
from attribution.ledger import charge
from attribution.tools.codex import read_log as read_codex
from attribution.usage import Usage, with_context
from collector.index import Index
from collector.scan import scan
from tests.world import World

ENV = {"PATH": ""}
FULL = {"input_tokens": 10, "cache_read_input_tokens": 2_000, "cache_creation_input_tokens": 300, "output_tokens": 90}
PARTIAL = FULL | {"output_tokens": 4}


def line(message_id: str, usage: dict[str, int] | None = None, **more: Any) -> dict[str, Any]:
    content = more.pop("content", [{"type": "text", "text": "x"}])
    message = {"id": message_id, "model": "claude-opus-4-8", "usage": usage or FULL, "content": content}
    return {
        "type": "assistant", "timestamp": "2026-11-16T09:00:00Z", "sessionId": "s1", "requestId": f"req_{message_id}",
        "uuid": message_id, "message": message, **more,
    }  # fmt: skip


class Machine:
    """A home folder with transcripts, and what is read of it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def write(self, name: str, *lines: object) -> Path:
        path = self.home / ".claude/projects/-w" / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
        return path

    def usages(self, index: Index | None = None) -> list[Usage]:
        return scan(self.home, ENV, index).usages


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home")


def outputs(usages: list[Usage]) -> dict[str, int]:
    return {usage.request_id: usage.tokens.output for usage in usages}


def test_a_message_counts_once_and_not_once_a_record(machine: Machine):  # I-1
    machine.write("s1", *[line("m1")] * 3, *[line("m2")] * 2)
    assert outputs(machine.usages()) == {"m1": 90, "m2": 90}


@pytest.mark.parametrize("order", [[PARTIAL, FULL], [FULL, PARTIAL], [PARTIAL, PARTIAL, FULL]])
def test_of_a_running_total_the_last_counts_whole(machine: Machine, order: list[dict[str, int]]):  # I-2, I-4
    machine.write("s1/subagents/agent-a", *[line("m1", usage, isSidechain=True) for usage in order])
    (usage,) = machine.usages()
    assert (usage.tokens.uncached_input, usage.tokens.cache_read, usage.tokens.cache_write, usage.tokens.output) == (
        10, 2_000, 300, 90,
    )  # fmt: skip


def test_a_replay_of_zeros_takes_nothing_away(machine: Machine):  # I-2
    machine.write("s1", line("m1"), line("m1", dict.fromkeys(FULL, 0)))
    assert outputs(machine.usages()) == {"m1": 90}


def test_what_a_resumed_session_replays_counts_once_over_all_files(machine: Machine):  # I-3
    machine.write("s1", line("m1"), line("m2"))
    machine.write("s2", *[line(name, sessionId="s2") for name in ("m1", "m2", "m3")])
    assert outputs(machine.usages()) == {"m1": 90, "m2": 90, "m3": 90}


def test_transcripts_below_a_session_are_found(machine: Machine):  # I-5
    machine.write("s1", line("m1"))
    machine.write("s1/subagents/agent-a", line("m2", isSidechain=True))
    machine.write("s1/subagents/deeper/agent-b", line("m3", isSidechain=True))
    assert len(machine.usages()) == 3


def test_the_text_of_a_tools_result_adds_nothing(machine: Machine):  # I-6
    def read(text: str) -> list[Usage]:
        call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "git commit"}}
        result = {"type": "tool_result", "tool_use_id": "t1", "content": text}
        machine.write("s1", line("m1", content=[call]), {"type": "user", "message": {"content": [result]}}, line("m2"))
        return machine.usages()

    assert [usage.tokens for usage in read("")] == [usage.tokens for usage in read("output_tokens " * 5_000)]


def test_what_was_read_outlasts_its_file(machine: Machine, tmp_path: Path):  # I-7, I-9
    path = machine.write("s1", line("m1"), line("m2"))
    with Index(tmp_path / "index.db") as index:
        before = machine.usages(index)
        path.unlink()
        assert machine.usages(index) == before


def test_a_transcript_that_was_rewritten_lowers_no_total(machine: Machine, world: World):  # I-7
    world.open_pull(12, "feat/a")

    def push() -> dict[str, int]:
        place = {"repository": "acme/widgets", "branch": "feat/a"}
        world.send_usage([with_context(usage, **place) for usage in machine.usages()])
        world.settle()
        return world.shares()

    machine.write("s1", *[line(name, FULL | {"output_tokens": 20_000}) for name in ("m1", "m2")])
    before = push()
    machine.write("s1", line("m2", PARTIAL))
    assert push() == before
    assert sum(before.values()) > 0


def test_each_request_is_of_one_day(machine: Machine):  # I-8
    times = ("2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00+02:00")
    machine.write("s1", *[line(f"m{number}", timestamp=at) for number, at in enumerate(times)])
    days = Counter(usage.at.date().isoformat() for usage in machine.usages())
    assert days == {"2026-10-31": 2, "2026-11-01": 1}


def test_one_tools_logs_say_nothing_of_anothers(machine: Machine):  # I-10
    path = machine.write("s1", line("m1"))
    pi = machine.home / ".pi/agent/sessions/-w/s.jsonl"
    pi.parent.mkdir(parents=True)
    answer = {"role": "assistant", "model": "m", "responseId": "r1", "usage": {"output": 7, "totalTokens": 7}}
    records = (
        {"type": "session", "id": "p1"},
        {"type": "message", "timestamp": "2026-11-16T09:00:00Z", "message": answer},
    )
    pi.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert outputs(machine.usages()) == {"m1": 90, "r1": 7}
    path.unlink()
    assert outputs(machine.usages()) == {"r1": 7}


def test_a_model_without_a_price_is_counted_and_is_no_zero(machine: Machine):  # I-11
    unknown = line("m2")
    unknown["message"]["model"] = "claude-of-tomorrow"
    machine.write("s1", line("m1"), unknown)
    charges = [charge(usage) for usage in machine.usages()]
    costs = [cost_of_request(each.list_micros) for each in charges]
    assert [each.unpriced for each in charges] == ["", "no list price known for the model 'claude-of-tomorrow'"]
    assert sorted(cost.show() for cost in costs) == ["$0.01", "not known"]
    assert sum(costs, ZERO).note() == "1 request at a price that is not known"


def test_counts_that_codex_emits_again_count_once():  # AgentMeasure
    counts = {"input_tokens": 50, "cached_input_tokens": 20, "output_tokens": 9, "total_tokens": 59}
    event = {
        "timestamp": "2026-11-16T09:00:01Z", "type": "event_msg",
        "payload": {"type": "token_count", "info": {"last_token_usage": counts, "total_token_usage": counts}},
    }  # fmt: skip
    head = {"timestamp": "2026-11-16T09:00:00Z", "type": "session_meta", "payload": {"id": "c1", "cwd": "/w"}}
    turn = {"timestamp": "2026-11-16T09:00:00Z", "type": "turn_context", "payload": {"model": "gpt-5.5", "cwd": "/w"}}
    again = event | {"timestamp": "2026-11-16T10:00:00Z"}
    read = read_codex([json.dumps(record).encode() for record in (head, turn, event, event, again)])
    assert [(usage.tokens.input, usage.tokens.output) for usage in read.requests] == [(50, 9)]
