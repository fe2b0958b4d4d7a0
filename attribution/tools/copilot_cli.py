"""GitHub Copilot CLI: `~/.copilot` (COPILOT_HOME), the same on every system.

Each session's `session-state/<id>/events.jsonl` has a `session.usage_record` for every request, with exact tokens
(`inputTokens` include what was read from cache and written to it) and, on GitHub's own models, AI credits. Versions before
that record only keep the requests in `session-store.db`, whose old rows are pruned. Neither names a request in a way that
the other knows, so a request is its session, model and token counts; the call id of a record is an alias. What
`session.shutdown` sums up is not read.
The branch is that of the start or the resume. https://github.com/github/copilot-sdk/blob/main/docs/features/streaming-events.md
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from attribution.tools.effects import Effects, patched
from attribution.tools.log import Count, Instant, JsonLines, LogRead, OpenRecords, Sqlite, Text, decode, utc
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "copilot-cli"
TITLE = "GitHub Copilot CLI"
_FOLDERS = (".copilot",)
_VARIABLES = (("COPILOT_HOME", ""),)
# Older stores lack what is added to it.
_ROWS = """SELECT json_object('type', 'row', 'timestamp', strftime('%Y-%m-%dT%H:%M:%fZ', e.created_at){agent},
    'sessionId', e.session_id, 'usage', json_object('model', e.model, 'inputTokens', e.input_tokens,
    'outputTokens', e.output_tokens, 'cacheReadTokens', e.cache_read_tokens, 'cacheWriteTokens', e.cache_write_tokens,
    'reasoningTokens', e.reasoning_tokens{credits}), 'context', json_object('cwd', s.cwd, 'repository', s.repository{branch}))
    FROM assistant_usage_events e LEFT JOIN sessions s ON s.id = e.session_id ORDER BY e.id"""
LOGS = (
    JsonLines(
        folders=_FOLDERS,
        variables=_VARIABLES,
        patterns=("session-state/*/events.jsonl", "session-state/*.jsonl"),
        needles=(
            b'"session.usage_record"',
            b'"session.start"',
            b'"session.resume"',
            b'"session.context_changed"',
            b'"toolRequests":[{',
            b'"toolRequests": [{',
            b'"tool.execution_complete"',
        ),
    ),
    Sqlite(
        folders=_FOLDERS,
        variables=_VARIABLES,
        patterns=("session-store.db",),
        queries=(
            _ROWS.format(
                agent=", 'agentId', e.agent_id",
                credits=", 'totalNanoAiu', e.total_nano_aiu",
                branch=", 'branch', s.branch",
            ),
            _ROWS.format(branch="", agent="", credits=""),
        ),
    ),
)

_EDITS = {"create": "path", "edit": "path", "str_replace_editor": "path", "write": "path"}
# A credit is 10^9 nano-AIU: https://docs.github.com/en/copilot/concepts/billing
_NANO_IN_MICRO = 1000


class _Counts(msgspec.Struct, rename="camel"):
    model: Text = None
    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_tokens: Count = None
    cache_write_tokens: Count = None
    reasoning_tokens: Count = None
    total_nano_aiu: Annotated[float, msgspec.Meta(ge=0, le=10**15)] | None = None
    model_provider: Text = None
    api_call_id: Text = None


class _Context(msgspec.Struct, rename="camel"):
    cwd: Text = None
    repository: Text = None
    repository_host: Text = None
    branch: Text = None
    head_commit: Text = None


class _Request(msgspec.Struct, rename="camel"):
    tool_call_id: Text = None
    name: Text = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")


class _Result(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Data(_Context, rename="camel"):
    session_id: Text = None
    context: _Context | None = None
    usage: _Counts | None = None
    api_call_id: Text = None
    tool_requests: list[_Request] | None = None
    tool_call_id: Text = None
    success: bool | None = None
    result: _Result | None = None


class _Event(msgspec.Struct, rename="camel"):
    type: Text = None
    timestamp: Instant | None = None
    agent_id: Text = None
    data: _Data | None = None
    session_id: Text = None  # these three of a row of the database
    usage: _Counts | None = None
    context: _Context | None = None


class _Arguments(msgspec.Struct):
    path: str = ""
    command: str = ""


_EVENT = msgspec.json.Decoder(_Event)
_ARGUMENTS = msgspec.json.Decoder(_Arguments | str)
_STRING = msgspec.json.Decoder(str)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. The folder's name is the session's id."""
    parts = name.split("/")
    reading = _Reading(parts[-2] if name.endswith("/events.jsonl") and len(parts) > 1 else "")
    for record in records:
        event = decode(_EVENT, record)
        reading.open_records.see(record)
        if event is None:
            reading.unreadable_records += 1
        else:
            reading.take(event)
    return LogRead(
        requests=[
            reading.effects.add_to(usage, reading.calls_of.get(usage.request_id, ""))
            for usage in unique(reading.requests)
        ],
        carry=reading.open_records.records,
        unreadable_records=reading.unreadable_records,
    )


class _Reading:
    """One log while it is read."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.context = _Context()
        self.requests: list[Usage] = []
        self.calls_of: dict[str, str] = {}  # request -> the id under which its tool calls are known
        self.open_records = OpenRecords()
        self.effects = Effects(self.open_records)
        self.unreadable_records = 0

    def take(self, event: _Event) -> None:
        data = event.data or _Data()
        match event.type:
            case "session.start" | "session.resume":
                self.session_id = data.session_id or self.session_id
                self.context = data.context or self.context
                self.open_records.keep("context")
            case "session.context_changed":
                self.context = data
                self.open_records.keep("context")
            case "session.usage_record" if data.usage and event.timestamp:
                self._request(event, data.usage, self.session_id, self.context)
                self.open_records.keep("request")
            case "row" if event.usage and event.timestamp:
                self._request(event, event.usage, event.session_id or "", event.context or _Context())
            case "assistant.message":
                self._calls(data)
            case "tool.execution_complete" if data.success and self.effects.waits_for(data.tool_call_id or ""):
                output = decode(_STRING, data.result.content) if data.result else None
                self.effects.add_answer(data.tool_call_id or "", output or "")
            case _:
                pass

    def _request(self, event: _Event, counts: _Counts, session_id: str, context: _Context) -> None:
        if event.timestamp is None:
            return
        read, write = counts.cache_read_tokens or 0, counts.cache_write_tokens or 0
        vector = (counts.input_tokens or 0, counts.output_tokens or 0, read, write)
        usage = Usage(
            tool=NAME,
            session_id=session_id,
            request_id=":".join((session_id, counts.model or "", *map(str, vector))),
            aliases=(counts.api_call_id,) if counts.api_call_id else (),
            at=utc(event.timestamp),
            model=counts.model or "",
            provider=counts.model_provider or "",
            credits_micros=round(counts.total_nano_aiu / _NANO_IN_MICRO) if counts.total_nano_aiu else None,
            agent_id=event.agent_id or "",
            tokens=Tokens(
                uncached_input=max(vector[0] - read - write, 0),
                cache_read=read,
                cache_write_5m=write,
                output=vector[1],
                reasoning=min(counts.reasoning_tokens or 0, vector[1]),
            ),
            context=Context(
                source=ContextSource.LOG,
                repository=_slug(context),
                branch=context.branch or "",
                commit=context.head_commit or "",
                cwd=context.cwd or "",
            ),
        )
        self.requests.append(usage)
        if counts.api_call_id:
            self.calls_of[usage.request_id] = counts.api_call_id

    def _calls(self, data: _Data) -> None:
        for request in data.tool_requests or ():
            arguments = decode(_ARGUMENTS, request.arguments)
            if arguments is None or not request.tool_call_id or not data.api_call_id:
                continue
            if isinstance(arguments, str):
                self.effects.add_call(request.tool_call_id, data.api_call_id, paths=patched(arguments))
            elif request.name in _EDITS:
                self.effects.add_call(request.tool_call_id, data.api_call_id, paths=(arguments.path,))
            else:
                self.effects.add_call(request.tool_call_id, data.api_call_id, command=arguments.command)


def _slug(context: _Context) -> str:
    host = context.repository_host or "github.com"
    return context.repository or "" if host == "github.com" else f"{host}/{context.repository or ''}"
