"""Gemini CLI: `~/.gemini/tmp/<project>/chats`, where GEMINI_CLI_HOME stands for the home folder; the same on every system.

A chat is a log of events: a message is written again under its id when its tool calls are done, `$set` patches the chat and on
a resume repeats all messages, so a request is its message's id and the most complete copy counts. Versions before April 2026
keep the chat as one JSON document. `cached` is part of `input`, `thoughts` are not part of `output`. The working folder stands
beside the chats, branch and commit nowhere. Requests that choose a model ("router") are not logged.
https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/services/chatRecordingTypes.ts
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

import msgspec

from attribution.tools.effects import Effects, shell_output
from attribution.tools.log import (
    Count,
    Instant,
    JsonDocument,
    JsonLines,
    LogRead,
    OpenRecords,
    Text,
    decode,
    stands_beside,
    utc,
)
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "gemini-cli"
TITLE = "Gemini CLI"
_FOLDERS = (".gemini",)
_VARIABLES = (("GEMINI_CLI_HOME", ".gemini"),)
_BESIDE = ("../.project_root", "../../.project_root")
LOGS = (
    JsonLines(
        folders=_FOLDERS,
        variables=_VARIABLES,
        patterns=("tmp/*/chats/*.jsonl", "tmp/*/chats/*/*.jsonl"),
        beside=_BESIDE,
        needles=(b'"projectHash"', b'"tokens"', b'"toolCalls"'),
    ),
    JsonDocument(folders=_FOLDERS, variables=_VARIABLES, patterns=("tmp/*/chats/*.json",), beside=_BESIDE),
)

_EDITS = ("replace", "write_file", "edit")


class _Counts(msgspec.Struct):
    input: Count = None
    output: Count = None
    cached: Count = None
    thoughts: Count = None
    tool: Count = None


class _Arguments(msgspec.Struct):
    file_path: Text = None
    command: Text = None


class _Output(msgspec.Struct):
    output: Text = None


class _Response(msgspec.Struct):
    response: _Output | None = None


class _Part(msgspec.Struct, rename="camel"):
    function_response: _Response | None = None


class _ToolCall(msgspec.Struct):
    id: Text = None
    name: Text = None
    status: Text = None
    args: msgspec.Raw = msgspec.Raw(b"null")
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct, rename="camel"):
    id: Text = None
    type: Text = None
    timestamp: Instant | None = None
    model: Text = None
    tokens: _Counts | None = None
    tool_calls: list[_ToolCall] | None = None


class _Set(msgspec.Struct, rename="camel"):
    messages: list[_Message] | None = None


class _Record(_Message, rename="camel"):
    """A message, or the head of a chat, which an old document has together with all messages, or a patch."""

    session_id: Text = None
    kind: Text = None
    messages: list[_Message] | None = None
    patch: _Set | None = msgspec.field(name="$set", default=None)


_RECORD = msgspec.json.Decoder(_Record)
_ARGUMENTS = msgspec.json.Decoder(_Arguments)
_PARTS = msgspec.json.Decoder(list[_Part])


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. A sub-agent's chat lies in a folder named after its parent's session."""
    reading = _Reading(PurePosixPath(name).parts)
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            reading.cwd = reading.cwd or file.content.strip()
            continue
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
    )


class _Reading:
    """One chat while it is read."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        is_agent = len(parts) == 5  # tmp / project / chats / parent's session / agent.jsonl
        self.parent = parts[3] if is_agent else ""
        self.session_id = PurePosixPath(parts[-1]).stem if parts else ""
        self.cwd = ""
        self.requests: list[Usage] = []
        self.effects = Effects()
        self.open_records = OpenRecords()
        self.unreadable_records = 0

    def take(self, record: _Record) -> None:
        if record.session_id:
            self.session_id = record.session_id
            self.open_records.keep("head")
        patched = record.patch.messages if record.patch else None
        for message in (record, *(record.messages or ()), *(patched or ())):
            if message.type == "gemini" and message.id and message.timestamp and message.tokens:
                self._request(message, message.id, message.tokens)

    def _request(self, message: _Message, message_id: str, counts: _Counts) -> None:
        cached, thoughts = counts.cached or 0, counts.thoughts or 0
        if message.timestamp is None:
            return
        usage = Usage(
            tool=NAME,
            session_id=self.parent or self.session_id,
            request_id=message_id,
            at=utc(message.timestamp),
            model=message.model or "",
            agent_id=self.session_id if self.parent else "",
            tokens=Tokens(
                uncached_input=max((counts.input or 0) - cached, 0) + (counts.tool or 0),
                cache_read=cached,
                output=(counts.output or 0) + thoughts,
                reasoning=thoughts,
            ),
            context=Context(source=ContextSource.LOG, cwd=self.cwd),
        )
        self.requests.append(usage)
        for call in message.tool_calls or ():
            if call.id and call.status == "success":
                self._call(call, call.id, usage.request_id)

    def _call(self, call: _ToolCall, call_id: str, request_id: str) -> None:
        arguments = decode(_ARGUMENTS, call.args) or _Arguments()
        paths = (arguments.file_path or "",) if call.name in _EDITS else ()
        self.effects.add_call(call_id, request_id, paths=paths, command=arguments.command or "")
        if self.effects.waits_for(call_id):
            parts = decode(_PARTS, call.result) or []
            outputs = [part.function_response.response for part in parts if part.function_response]
            self.effects.add_answer(call_id, "\n".join(shell_output(part.output or "") for part in outputs if part))
