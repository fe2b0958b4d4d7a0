"""Aider: the file that `--analytics-log` or AIDER_ANALYTICS_LOG names; without it there is no exact record.

A `message_send` is one request, with Aider's own cost; no split by cache, no folder, no session, so a run of the program
stands for the session. Its chat history is rounded and its commits' `Co-authored-by: aider` names a model but no tokens:
neither is read. https://github.com/Aider-AI/aider/blob/main/aider/analytics.py
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from attribution.tools.log import JsonLines, LogRead, Text, Tokens, decode, reported, unique
from attribution.usage import Usage

NAME = "aider"
LOGS = (
    JsonLines(
        folders=(),
        variables=(("AIDER_ANALYTICS_LOG", ""),),
        patterns=("*.jsonl",),
        needles=(b'"message_send"', b'"launched"'),
    ),
)

Seconds = Annotated[float, msgspec.Meta(ge=0, le=10**10)]


class _Properties(msgspec.Struct):
    main_model: Text = None
    prompt_tokens: Tokens = None
    completion_tokens: Tokens = None
    cost: Annotated[float, msgspec.Meta(ge=0, lt=10_000)] | None = None
    total_cost: float | None = None


class _Event(msgspec.Struct):
    event: Text = None
    time: Seconds | None = None
    properties: _Properties | None = None


_EVENT = msgspec.json.Decoder(_Event)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the events say all)
    """See `attribution.tools.log.Tool`."""
    log, launched = LogRead(requests=[]), 0.0
    for raw in records:
        event = decode(_EVENT, raw)
        if event is None or event.time is None:
            log.unreadable_records += 1
        elif event.event == "launched":
            launched = event.time
        elif event.event == "message_send" and event.properties:
            log.requests.append(_usage(f"{int(launched or event.time)}", event.time, event.properties))
    log.requests = unique(log.requests)
    return log


def _usage(session_id: str, at: float, sent: _Properties) -> Usage:
    prompt, completion = sent.prompt_tokens or 0, sent.completion_tokens or 0
    return Usage(
        tool=NAME,
        session_id=session_id,
        request_id=f"{session_id}:{int(at)}:{prompt}:{completion}:{sent.total_cost or 0}",
        at=datetime.fromtimestamp(at, UTC),
        model=sent.main_model or "",
        uncached_input_tokens=prompt,
        cache_read_tokens=0,
        cache_write_5m_tokens=0,
        cache_write_1h_tokens=0,
        output_tokens=completion,
        reasoning_tokens=0,
        reported_micros=reported(sent.cost),
    )
