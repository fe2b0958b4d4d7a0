"""What tools write since some version, beside what their fixtures hold."""

import json

from attribution.tools import TOOLS, LogRead
from attribution.usage import Tokens


def log_of(tool: str, *lines: object) -> LogRead:
    return TOOLS[tool].read_log([json.dumps(line).encode() for line in lines])


def pi_answer(response_id: str, **usage: object) -> dict[str, object]:
    message = {"role": "assistant", "model": "m", "responseId": response_id, "content": [], "usage": usage}
    return {"type": "message", "id": response_id, "timestamp": "2026-11-27T17:00:00Z", "message": message}


def test_pi_splits_cache_writes_and_output():
    read = log_of(
        "pi",
        {"type": "session", "id": "s1", "cwd": "/w"},
        pi_answer("r1", input=1, output=50, cacheRead=7, cacheWrite=30, cacheWrite1h=20, reasoning=40),
    )
    assert [usage.tokens for usage in read.requests] == [
        Tokens(uncached_input=1, output=50, cache_read=7, cache_write_5m=10, cache_write_1h=20, reasoning=40)
    ]


def test_a_request_of_pi_that_failed_is_none():
    failed = pi_answer("r1", input=0, output=0, cacheRead=0, cacheWrite=0)
    failed["message"] = {**failed["message"], "stopReason": "error"}  # pyright: ignore[reportGeneralTypeIssues]
    read = log_of("pi", {"type": "session", "id": "s1"}, failed)
    assert (read.requests, read.skipped_records, read.unreadable_records) == ([], 1, 0)


def test_a_record_that_qwen_code_copied_into_a_fork_is_its_parents():
    record = {
        "type": "assistant", "sessionId": "s2", "timestamp": "2026-11-27T17:00:00Z", "model": "m",
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8},
    }  # fmt: skip
    read = log_of("qwen-code", record | {"forkedFrom": {"sessionId": "s1", "messageUuid": "u1"}}, record)
    assert (len(read.requests), read.skipped_records, read.unreadable_records) == (1, 1, 0)


def test_forks_of_kimi_code_without_their_parent_are_its_parents():
    step = {"type": "step.end", "uuid": "u1", "messageId": "m1", "usage": {"inputOther": 5, "output": 3}}
    line = {"type": "context.append_loop_event", "event": step, "time": 1795816870000}
    state = {"beside": "../../state.json", "content": json.dumps({"id": "two", "forkedFrom": "one"})}
    later = {**line, "event": {**step, "uuid": "u2", "messageId": "m2"}}
    read = log_of("kimi-code", state, line, {"type": "forked"}, later)
    assert [(usage.request_id, usage.session_id) for usage in read.requests] == [("m1", "one"), ("m2", "two")]


def test_sums_of_continue_cli_that_fit_nothing_leave_nothing_out():
    def read(**sums: int) -> list[str]:
        answers = [{"prompt_tokens": 10, "completion_tokens": 1}, {"prompt_tokens": 20, "completion_tokens": 2}]
        history = [{"message": {"role": "assistant", "usage": answer}} for answer in answers]
        session = {"sessionId": "s", "history": history, "usage": sums}
        modified = {"beside": "{modified}", "content": "2026-11-27T17:00:00+00:00"}
        return [usage.request_id[-1] for usage in log_of("continue-cli", modified, session).requests]

    assert read(promptTokens=20, completionTokens=2) == ["1"]
    assert read(promptTokens=30, completionTokens=3) == ["0", "1"]
    assert read(promptTokens=25, completionTokens=2) == ["0", "1"]
    assert read() == []
