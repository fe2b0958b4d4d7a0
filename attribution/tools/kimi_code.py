"""Kimi Code: `~/.kimi-code/sessions` (KIMI_CODE_HOME), the same on every system: a log for each agent of a session, with what is
known of the session in `state.json` above it.

A request is the end of a step, by the provider's id of the response; `usage.record` and `agent.message.appended` repeat it. The
model stands in the `llm.request` before it, tool calls and their results too. A fork begins with its parent's lines, up to the
line `forked`. Token kinds are disjoint; cache writes are not split by lifetime. No branch, no remote. Shapes from version 2.1.0:
https://www.npmjs.com/package/@moonshot-ai/kimi-code
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated

import msgspec

from attribution.tools.effects import Effects
from attribution.tools.log import Count, JsonLines, LogRead, OpenRecords, Text, decode, stands_beside
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "kimi-code"
TITLE = "Kimi Code"
LOGS = (
    JsonLines(
        folders=(".kimi-code",),
        variables=(("KIMI_CODE_HOME", ""),),
        patterns=("sessions/*/*/agents/*/wire.jsonl",),
        beside=("../../state.json",),
        needles=(b'"tool.call"', b'"tool.result"', b'"step.end"', b'"llm.request"', b'"forked"'),
    ),
)

_EDITS = ("Write", "Edit")


class _State(msgspec.Struct, rename="camel"):
    id: Text = None
    cwd: Text = None
    forked_from: Text = None


class _Counts(msgspec.Struct, rename="camel"):
    input_other: Count = None
    output: Count = None
    input_cache_read: Count = None
    input_cache_creation: Count = None

    @property
    def total(self) -> int:
        kinds = (self.input_other, self.output, self.input_cache_read, self.input_cache_creation)
        return sum(count or 0 for count in kinds)


class _Arguments(msgspec.Struct):
    path: Text = None
    command: Text = None


class _Result(msgspec.Struct, rename="camel"):
    output: Text = None
    is_error: bool | None = None


class _Event(msgspec.Struct, rename="camel"):
    type: Text = None
    uuid: Text = None
    step_uuid: Text = None
    message_id: Text = None
    usage: _Counts | None = None
    tool_call_id: Text = None
    name: Text = None
    args: msgspec.Raw = msgspec.Raw(b"null")
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct):
    type: Text = None
    time: Annotated[float, msgspec.Meta(ge=0, le=10**13)] | None = None
    model: Text = None
    provider: Text = None
    event: _Event | None = None


_STATE = msgspec.json.Decoder(_State)
_LINE = msgspec.json.Decoder(_Line)
_ARGUMENTS = msgspec.json.Decoder(_Arguments)
_RESULT = msgspec.json.Decoder(_Result)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. The folder names the agent, and that above its session."""
    reading = _Reading(PurePosixPath(name))
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            reading.begin(decode(_STATE, file.content.encode()) or _State())
            continue
        reading.open_records.see(raw)
        line = decode(_LINE, raw)
        if line is None:
            reading.unreadable_records += 1
        else:
            reading.take(line)
    return LogRead(
        requests=unique(reading.effects.add_to(usage, step) for step, usage in reading.requests),
        carry=reading.open_records.records,
        unreadable_records=reading.unreadable_records,
        skipped_records=reading.skipped_records,
    )


class _Reading:
    """One agent's log while it is read."""

    def __init__(self, path: PurePosixPath) -> None:
        agent = path.parent.name
        self.agent_id = "" if agent == "main" else agent
        self.own_id = self.session_id = path.parent.parent.parent.name
        self.cwd = self.model = self.provider = ""
        self.requests: list[tuple[str, Usage]] = []  # with the step that each ended
        self.calls: dict[str, list[str]] = {}  # of each step that goes on
        self.open_records = OpenRecords()
        self.effects = Effects(self.open_records)
        self.unreadable_records = self.skipped_records = 0

    def begin(self, state: _State) -> None:
        self.own_id = state.id or self.own_id
        self.session_id = state.forked_from or self.own_id
        self.cwd = state.cwd or ""

    def take(self, line: _Line) -> None:
        event = line.event or _Event()
        if line.type == "llm.request":
            self.model, self.provider = line.model or "", line.provider or ""
            self.open_records.keep("request")
        elif line.type == "forked":
            self.session_id = self.own_id
            self.open_records.keep("fork")
        elif event.type == "tool.call":
            self._call(event, event.tool_call_id or "", event.step_uuid or "")
        elif event.type == "tool.result":
            self._result(event, event.tool_call_id or "")
        elif event.type == "step.end":
            self._end(line, event, event.uuid or "")

    def _call(self, event: _Event, call_id: str, step: str) -> None:
        arguments = decode(_ARGUMENTS, event.args) or _Arguments()
        paths = (arguments.path or "",) if event.name in _EDITS else ()
        self.effects.add_call(call_id, step, paths=paths, command=arguments.command or "")
        if self.effects.waits_for(call_id):
            # The request that it belongs to comes later: until then its records are needed, although it has its answer.
            self.calls.setdefault(step, []).append(call_id)
            self.open_records.keep(f"step's call {call_id}")

    def _result(self, event: _Event, call_id: str) -> None:
        if self.effects.waits_for(call_id):
            result = decode(_RESULT, event.result) or _Result()
            self.effects.add_answer(call_id, result.output or "", is_failure=bool(result.is_error))
            self.open_records.keep(f"step's result {call_id}")

    def _end(self, line: _Line, event: _Event, step: str) -> None:
        for call_id in self.calls.pop(step, ()):
            self.open_records.drop(f"step's call {call_id}")
            self.open_records.drop(f"step's result {call_id}")
            if self.effects.waits_for(call_id):
                self.open_records.keep(f"request of {call_id}")
        if event.usage is None or not event.usage.total:  # it failed, or broke off
            self.skipped_records += 1
        elif line.time is None or not (event.message_id or step):
            self.unreadable_records += 1
        else:
            self.requests.append((step, self._usage(event, event.usage, line.time)))

    def _usage(self, event: _Event, counts: _Counts, time: float) -> Usage:
        return Usage(
            tool=NAME,
            session_id=self.session_id,
            request_id=event.message_id or event.uuid or "",
            at=datetime.fromtimestamp(time / 1000, UTC),
            model=self.model,
            provider=self.provider,
            agent_id=self.agent_id,
            tokens=Tokens(
                uncached_input=counts.input_other or 0,
                cache_read=counts.input_cache_read or 0,
                cache_write_5m=counts.input_cache_creation or 0,
                output=counts.output or 0,
            ),
            context=Context(source=ContextSource.LOG, cwd=self.cwd),
        )
