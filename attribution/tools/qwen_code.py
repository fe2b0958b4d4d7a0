"""Qwen Code: `~/.qwen/projects/<folder>` (QWEN_RUNTIME_DIR), the same on every system: `chats/` and `subagents/<session>/`.

A request is written twice: as `usageMetadata` of the assistant's message, and as a `ui_telemetry` event of the session, which
alone tells of side requests. Neither names the other, so a request is its session and its token counts. `/branch` copies records
with a `forkedFrom`, text or an object, which are not counted again. With OpenAI's protocol, which is the default, thoughts are
part of the output; with Gemini's they come on top, and the total tells which. The branch follows checkouts.
https://github.com/QwenLM/qwen-code/blob/main/packages/core/src/services/chatRecordingService.ts
"""

from collections.abc import Iterable

import msgspec

from attribution.tools.effects import Effects, shell_output
from attribution.tools.log import Count, Instant, JsonLines, LogRead, OpenRecords, Text, decode, utc
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "qwen-code"
TITLE = "Qwen Code"
LOGS = (
    JsonLines(
        folders=(".qwen",),
        variables=(("QWEN_RUNTIME_DIR", ""),),
        patterns=("projects/*/chats/*.jsonl", "projects/*/subagents/*/*.jsonl"),
        needles=(b'"usageMetadata"', b'"functionCall"', b'"tool_result"', b'.api_response"'),
    ),
)

_EDITS = ("edit", "write_file", "replace")


class _Counts(msgspec.Struct, rename="camel"):
    prompt_token_count: Count = None
    candidates_token_count: Count = None
    thoughts_token_count: Count = None
    total_token_count: Count = None
    cached_content_token_count: Count = None


class _UiEvent(msgspec.Struct):
    name: Text = msgspec.field(name="event.name", default=None)
    model: Text = None
    input_token_count: Count = None
    output_token_count: Count = None
    cached_content_token_count: Count = None
    thoughts_token_count: Count = None
    total_token_count: Count = None

    @property
    def counts(self) -> _Counts:
        return _Counts(
            prompt_token_count=self.input_token_count,
            candidates_token_count=self.output_token_count,
            thoughts_token_count=self.thoughts_token_count,
            total_token_count=self.total_token_count,
            cached_content_token_count=self.cached_content_token_count,
        )


class _Payload(msgspec.Struct, rename="camel"):
    ui_event: _UiEvent | None = None


class _Arguments(msgspec.Struct):
    file_path: Text = None
    command: Text = None


class _FunctionCall(msgspec.Struct):
    id: Text = None
    name: Text = None
    args: msgspec.Raw = msgspec.Raw(b"null")


class _Output(msgspec.Struct):
    output: Text = None


class _FunctionResponse(msgspec.Struct):
    id: Text = None
    response: _Output | None = None


class _Part(msgspec.Struct, rename="camel"):
    function_call: _FunctionCall | None = None
    function_response: _FunctionResponse | None = None


class _Message(msgspec.Struct):
    parts: msgspec.Raw = msgspec.Raw(b"null")


class _Result(msgspec.Struct, rename="camel"):
    call_id: Text = None
    status: Text = None


class _Record(msgspec.Struct, rename="camel"):
    type: Text = None
    session_id: Text = None
    timestamp: Instant | None = None
    cwd: Text = None
    git_branch: Text = None
    agent_id: Text = None
    is_sidechain: bool | None = None
    forked_from: msgspec.Raw = msgspec.Raw(b"null")
    model: Text = None
    message: _Message | None = None
    usage_metadata: _Counts | None = None
    tool_call_result: _Result | None = None
    system_payload: _Payload | None = None


_RECORD = msgspec.json.Decoder(_Record)
_PARTS = msgspec.json.Decoder(list[_Part])
_ARGUMENTS = msgspec.json.Decoder(_Arguments)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the records say all)
    """See `attribution.tools.log.Tool`."""
    reading = _Reading()
    for raw in records:
        record = decode(_RECORD, raw)
        reading.open_records.see(raw)
        if record is None:
            reading.unreadable_records += 1
        else:
            reading.take(record)
    return LogRead(
        requests=[reading.effects.add_to(usage) for usage in unique(reading.requests)],
        carry=reading.open_records.records,
        unreadable_records=reading.unreadable_records,
        skipped_records=reading.skipped_records,
    )


class _Reading:
    """One chat while it is read."""

    def __init__(self) -> None:
        self.requests: list[Usage] = []
        self.last = ""  # the request to which tool calls in records of their own belong
        self.open_records = OpenRecords()
        self.effects = Effects(self.open_records)
        self.unreadable_records = self.skipped_records = 0

    def take(self, record: _Record) -> None:
        if bytes(record.forked_from) != b"null":
            self.skipped_records += record.usage_metadata is not None
            return
        event = record.system_payload.ui_event if record.system_payload else None
        if record.type == "assistant":
            self._message(record)
        elif record.type == "tool_result":
            self._result(record)
        elif event and (event.name or "").endswith(".api_response"):
            self._request(record, event.model or "", event.counts)

    def _message(self, record: _Record) -> None:
        if record.usage_metadata:
            self.last = self._request(record, record.model or "", record.usage_metadata)
            self.open_records.keep("request")
        for part in (decode(_PARTS, record.message.parts) if record.message else None) or ():
            call = part.function_call
            if call and call.id:
                arguments = decode(_ARGUMENTS, call.args) or _Arguments()
                paths = (arguments.file_path or "",) if call.name in _EDITS else ()
                self.effects.add_call(call.id, self.last, paths=paths, command=arguments.command or "")

    def _result(self, record: _Record) -> None:
        if record.tool_call_result and record.tool_call_result.status in ("error", "cancelled"):
            return
        for part in (decode(_PARTS, record.message.parts) if record.message else None) or ():
            answer = part.function_response
            if answer and answer.id and self.effects.waits_for(answer.id):
                output = (answer.response and answer.response.output) or ""
                self.effects.add_answer(answer.id, shell_output(output))

    def _request(self, record: _Record, model: str, counts: _Counts) -> str:
        """Adds a request and returns its id."""
        if record.timestamp is None:
            self.unreadable_records += 1
            return ""
        prompt, cached = counts.prompt_token_count or 0, counts.cached_content_token_count or 0
        output, thoughts = counts.candidates_token_count or 0, counts.thoughts_token_count or 0
        is_beside = counts.total_token_count == prompt + output + thoughts
        session_id = record.session_id or ""
        usage = Usage(
            tool=NAME,
            session_id=session_id,
            request_id=":".join((session_id, *map(str, (prompt, cached, output, thoughts)))),
            at=utc(record.timestamp),
            model=model,
            agent_id=(record.agent_id or "") if record.is_sidechain else "",
            tokens=Tokens(
                uncached_input=max(prompt - cached, 0),
                cache_read=cached,
                output=output + thoughts if is_beside else output,
                reasoning=thoughts if is_beside else min(thoughts, output),
            ),
            context=Context(source=ContextSource.LOG, branch=record.git_branch or "", cwd=record.cwd or ""),
        )
        self.requests.append(usage)
        return usage.request_id
