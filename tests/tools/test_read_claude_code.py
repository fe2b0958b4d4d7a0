"""Claude Code's transcripts, request by request."""

import json
from pathlib import Path

from attribution.tools.claude_code import read_log
from attribution.tools.log import LogRead
from attribution.usage import CommitMade, Usage
from attribution.usage_merge import unique

LOGS = Path(__file__).parents[1] / "fixtures/claude-code/projects/-home-dev-widgets"
MAIN = "aab8820c-6dee-4d56-872a-9fb32bea7b9b"
FORK = "455bd92f-5ef3-4f96-8e3b-eb22bb7f40a1"
PARENT = "6d43fc6a-6e1d-4965-8794-03e3e205c2e2"


def read(name: str) -> LogRead:
    with (LOGS / name).open("rb") as file:
        return read_log(file, name)


def numbers(usage: Usage) -> tuple[str, int, int, int, int, int, int]:
    return (
        usage.request_id, usage.tokens.uncached_input, usage.tokens.cache_read, usage.tokens.cache_write_5m,
        usage.tokens.cache_write_1h, usage.tokens.output, usage.tokens.reasoning,
    )  # fmt: skip


def line(**changes: object) -> dict[str, object]:
    """An assistant's line with one text block."""
    return {
        "type": "assistant", "timestamp": "2026-11-23T17:00:00.000Z", "sessionId": "s1", "uuid": "u1", "requestId": "req_1",
        "cwd": "/w", "gitBranch": "main",
        "message": {"id": "msg_1", "model": "claude-opus-5-5", "usage": {"input_tokens": 3, "output_tokens": 5}, "content": []},
    } | changes  # fmt: skip


def message(**changes: object) -> dict[str, object]:
    return {
        "id": "msg_1",
        "model": "claude-opus-5-5",
        "usage": {"input_tokens": 3, "output_tokens": 5},
        "content": [],
    } | changes


def log_of(*lines: object) -> LogRead:
    return read_log(json.dumps(entry).encode() for entry in lines)


def test_a_response_is_one_request_though_each_block_has_a_line():
    assert [numbers(usage) for usage in read(f"{MAIN}.jsonl").requests] == [
        ("msg_25e97cc1", 1007, 20011, 301, 503, 95, 21),
        ("msg_78704c26", 1014, 20022, 302, 506, 100, 0),
        ("msg_ba016eaa", 1021, 20033, 303, 509, 105, 0),
        ("msg_4be055cd", 1028, 20044, 304, 512, 110, 0),
        ("msg_15ad2003", 1035, 20055, 305, 515, 115, 0),
        ("msg_f17cb179", 1077, 20121, 311, 533, 145, 31),
        ("msg_638b0d9a", 1084, 20132, 312, 536, 150, 0),
    ]


def test_the_request_that_called_the_tool_has_the_file_and_the_commit():
    effects = {
        usage.request_id: (usage.work.edited_files, usage.work.commits_made)
        for usage in read(f"{MAIN}.jsonl").requests
        if usage.work.edited_files or usage.work.commits_made
    }
    assert effects == {
        "msg_78704c26": (("/home/dev/widgets/app.py",), ()),
        "msg_ba016eaa": (("/home/dev/widgets/limiter.py",), ()),
        "msg_4be055cd": ((), (CommitMade(sha="5902654f230bc089279aadb0ed884b7fcdba70a0"),)),
        "msg_f17cb179": ((), (CommitMade(sha="2dfe1fe51f1ecb181f43789ccbd4f96b31af1288"),)),
    }


def test_a_summary_line_names_a_commit_too():
    commits = [
        usage.work.commits_made
        for usage in read("6b5e595a-1e56-4c03-a002-89480439696b.jsonl").requests
        if usage.work.commits_made
    ]
    assert commits == [(CommitMade(sha="11a0d17"),)]


def test_a_fork_adds_only_its_own_request_and_the_parent_keeps_its_own():
    parent, fork = read(f"{MAIN}.jsonl").requests, read(f"{FORK}.jsonl").requests
    both = unique([*fork, *parent])
    assert len(fork) == len(parent) + 1
    assert len(both) == len(parent) + 1
    assert [usage for usage in both if usage.session_id == MAIN] == parent
    assert [numbers(usage) for usage in both if usage.session_id == FORK] == [
        ("msg_2c415ac8", 1091, 20143, 313, 539, 155, 33)
    ]


def test_a_sub_agent_belongs_to_its_parents_session():
    name = f"{PARENT}/subagents/agent-a712ff6d299f76390.jsonl"
    assert {(usage.session_id, usage.agent_id) for usage in read(name).requests} == {(PARENT, "a712ff6d299f76390")}
    assert {usage.agent_id for usage in read(f"{PARENT}.jsonl").requests} == {""}


def test_a_sub_agents_file_names_it_where_its_lines_do_not():
    read = read_log([json.dumps(line(isSidechain=True)).encode()], "projects/p/agent-a7.jsonl")
    assert [usage.agent_id for usage in read.requests] == ["a7"]


def test_requests_of_sub_agents_in_progress_lines_are_the_same_as_in_their_own_file():
    nested = {"type": "assistant", "timestamp": "2026-11-23T17:00:00.000Z", "requestId": "req_1", "message": message()}
    progress = {
        "type": "progress", "sessionId": "s1", "cwd": "/w", "gitBranch": "main", "timestamp": "2026-11-23T17:00:09.000Z",
        "data": {"type": "agent_progress", "agentId": "a7", "message": nested},
    }  # fmt: skip
    own = line(isSidechain=True, agentId="a7")
    assert log_of(progress).requests == log_of(own).requests == log_of(progress, own).requests


def test_the_largest_of_growing_counts_stands_with_the_earliest_time():
    longer = message(usage={"input_tokens": 3, "output_tokens": 50, "cache_read_input_tokens": 7})
    (usage,) = log_of(line(), line(message=longer, timestamp="2026-11-23T17:00:02.000Z")).requests
    assert (usage.tokens.output, usage.tokens.cache_read, usage.at.second) == (50, 7, 0)


def test_cache_writes_by_lifetime():
    def writes(**usage: object) -> tuple[int, int]:
        (request,) = log_of(line(message=message(usage={"output_tokens": 1, **usage}))).requests
        return request.tokens.cache_write_5m, request.tokens.cache_write_1h

    split = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 50}
    assert writes(cache_creation_input_tokens=80, cache_creation=split) == (30, 50)
    assert writes(cache_creation_input_tokens=80) == (80, 0)
    assert writes(cache_creation_input_tokens=0, cache_creation=split) == (30, 50)
    assert writes(cache_creation_input_tokens=100, cache_creation=split) == (50, 50)
    assert writes(cache_creation_input_tokens=None, cache_creation=None) == (0, 0)


def test_what_decides_the_price_besides_tokens():
    usage = {"output_tokens": 1, "speed": "fast", "service_tier": "priority", "inference_geo": "us",
             "server_tool_use": {"web_search_requests": 4}}  # fmt: skip
    (request,) = log_of(line(message=message(usage=usage))).requests
    assert (request.speed, request.service_tier, request.inference_geo, request.web_search_requests) == (
        "fast",
        "priority",
        "us",
        4,
    )
    (request,) = log_of(line(message=message(usage={"output_tokens": 1, "inference_geo": "not_available"}))).requests
    assert request.inference_geo == ""


def test_an_adviser_inside_a_response_is_a_request_of_its_own():
    steps = [
        {"type": "message", "input_tokens": 3, "output_tokens": 5},
        {"type": "advisor_message", "model": "claude-opus-9", "input_tokens": 70, "output_tokens": 11},
    ]
    requests = log_of(
        line(message=message(usage={"input_tokens": 3, "output_tokens": 5, "iterations": steps}))
    ).requests
    assert [
        (usage.request_id, usage.model, usage.tokens.uncached_input, usage.tokens.output) for usage in requests
    ] == [
        ("msg_1", "claude-opus-5-5", 3, 5),
        ("msg_1:advisor_message:1", "claude-opus-9", 70, 11),
    ]


def test_a_request_without_a_message_id_is_known_by_the_next_best():
    assert log_of(line(message=message(id=None))).requests[0].request_id == "req_1"
    assert log_of(line(message=message(id=None), requestId=None)).requests[0].request_id == "s1:u1"


def test_placeholders_and_unknown_lines_are_counted_and_left_out():
    read = log_of(
        line(message=message(model="<synthetic>")),
        {"type": "new-kind", "text": "output_tokens"},
        line(timestamp="yesterday"),
        line(message=message(usage={"output_tokens": -1})),
    )
    assert (read.requests, read.skipped_records, read.unreadable_records) == ([], 1, 2)


def test_a_branch_called_head_is_not_known():
    assert log_of(line(gitBranch="HEAD")).requests[0].context.branch == ""
    assert log_of(line(gitBranch="fix/7")).requests[0].context.branch == "fix/7"


def test_an_edit_counts_once_it_is_known_to_have_worked():
    def edits_of(*results: object) -> tuple[str, ...]:
        call = {"type": "tool_use", "id": "t1", "name": "NotebookEdit", "input": {"notebook_path": "/w/a.ipynb"}}
        return log_of(line(message=message(content=[call])), *results).requests[0].work.edited_files

    def result(**block: object) -> object:
        return {
            "type": "user",
            "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", **block}]},
        }

    assert edits_of() == ()
    assert edits_of(result(is_error=True, content="denied")) == ()
    assert edits_of(result(content=[{"type": "text", "text": "done"}])) == ("/w/a.ipynb",)


def test_an_odd_tool_call_does_not_cost_the_request():
    odd = [
        {"type": "tool_use", "id": 7, "input": [1]},
        "text",
        {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": 1}},
    ]
    assert len(log_of(line(message=message(content=odd))).requests) == 1
    assert len(log_of(line(message=message(content="plain"))).requests) == 1


def test_two_responses_with_one_request_id_stay_two():
    """Some gateways answer every request with the same one."""
    (one, two) = log_of(line(), line(message=message(id="msg_2"))).requests
    assert [(usage.request_id, usage.aliases) for usage in (one, two)] == [("msg_1", ()), ("msg_2", ())]


def test_a_line_from_before_a_response_was_refused_is_no_request():
    usage = {"input_tokens": 3, "output_tokens": 0}
    refusal = message(usage=usage, stop_reason="refusal")
    assert log_of(line(message=message(usage=usage)), line(message=refusal)).requests == []
