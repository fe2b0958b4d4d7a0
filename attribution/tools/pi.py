"""Pi and its sibling OMP: `~/.pi/agent/sessions` (PI_CODING_AGENT_DIR) and `~/.omp/agent/sessions`, the same on every system.

A session is a tree of entries, and every branch of it was paid. A fork copies its parent's entries with their ids, so a request
is its `responseId`, or its entry's id within the session where the provider gives none. Token kinds are disjoint; `cacheWrite1h`
is part of `cacheWrite`, which versions before 1.6 do not split. A failed request has counts of 0. No branch, no remote.
https://github.com/badlogic/pi-mono/tree/main/packages/coding-agent
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from attribution.tools.effects import Effects
from attribution.tools.log import Count, Instant, JsonLines, LogRead, OpenRecords, Text, decode, usd_micros, utc
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "pi"
TITLE = "Pi"
LOGS = (
    JsonLines(
        folders=(".pi/agent", ".omp/agent"),
        variables=(("PI_CODING_AGENT_DIR", ""),),
        patterns=("sessions/**/*.jsonl",),
        needles=(b'"type":"session"', b'"type": "session"', b'"totalTokens"', b'"toolResult"'),
    ),
)

_EDITS = ("edit", "write")


class _Cost(msgspec.Struct):
    total: Annotated[float, msgspec.Meta(ge=0, lt=10_000)] | None = None


class _Counts(msgspec.Struct, rename="camel"):
    input: Count = None
    output: Count = None
    cache_read: Count = None
    cache_write: Count = None
    cache_write_1h: Count = msgspec.field(name="cacheWrite1h", default=None)
    reasoning: Count = None
    cost: _Cost | None = None


class _Message(msgspec.Struct, rename="camel"):
    role: Text = None
    provider: Text = None
    model: Text = None
    response_id: Text = None
    stop_reason: Text = None
    usage: _Counts | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")
    tool_call_id: Text = None
    is_error: bool | None = None


class _Entry(msgspec.Struct, rename="camel"):
    type: Text = None
    id: Text = None
    timestamp: Instant | None = None
    cwd: Text = None
    message: _Message | None = None


class _Arguments(msgspec.Struct):
    path: Text = None
    command: Text = None


class _Block(msgspec.Struct):
    type: Text = None
    id: Text = None
    name: Text = None
    text: Text = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")


_ENTRY = msgspec.json.Decoder(_Entry)
_BLOCKS = msgspec.json.Decoder(list[_Block])
_ARGUMENTS = msgspec.json.Decoder(_Arguments)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the head says whose it is)
    """See `attribution.tools.log.Tool`."""
    reading = _Reading()
    for raw in records:
        entry = decode(_ENTRY, raw)
        reading.open_records.see(raw)
        if entry is None:
            reading.unreadable_records += 1
        elif entry.type == "session":
            reading.head = entry
            reading.open_records.keep("head")
        elif entry.type == "message" and entry.message:
            reading.take(entry, entry.message)
    return LogRead(
        requests=[reading.effects.add_to(usage) for usage in unique(reading.requests)],
        carry=reading.open_records.records,
        unreadable_records=reading.unreadable_records,
        skipped_records=reading.skipped_records,
    )


class _Reading:
    """One session while it is read."""

    def __init__(self) -> None:
        self.head = _Entry()
        self.requests: list[Usage] = []
        self.open_records = OpenRecords()
        self.effects = Effects(self.open_records)
        self.unreadable_records = self.skipped_records = 0

    def take(self, entry: _Entry, message: _Message) -> None:
        if message.role == "toolResult" and not message.is_error and self.effects.waits_for(message.tool_call_id or ""):
            blocks = decode(_BLOCKS, message.content) or []
            self.effects.add_answer(message.tool_call_id or "", "\n".join(block.text or "" for block in blocks))
        elif message.role == "assistant" and message.usage and entry.timestamp:
            self._request(entry, message, message.usage)

    def _request(self, entry: _Entry, message: _Message, counts: _Counts) -> None:
        session_id = self.head.id or ""
        cost = counts.cost.total if counts.cost else None
        if entry.timestamp is None:
            return
        hour = counts.cache_write_1h or 0
        tokens = Tokens(
            uncached_input=counts.input or 0,
            cache_read=counts.cache_read or 0,
            cache_write_5m=max((counts.cache_write or 0) - hour, 0),
            cache_write_1h=hour,
            output=counts.output or 0,
            reasoning=min(counts.reasoning or 0, counts.output or 0),
        )
        if message.stop_reason == "error" and tokens == Tokens():
            self.skipped_records += 1
            return
        usage = Usage(
            tool=NAME,
            session_id=session_id,
            request_id=message.response_id or f"{session_id}:{entry.id}",
            at=utc(entry.timestamp),
            model=message.model or "",
            provider=message.provider or "",
            reported_micros=usd_micros(cost),
            tokens=tokens,
            context=Context(source=ContextSource.LOG, cwd=self.head.cwd or ""),
        )
        self.requests.append(usage)
        for block in decode(_BLOCKS, message.content) or ():
            if block.type == "toolCall" and block.id:
                arguments = decode(_ARGUMENTS, block.arguments) or _Arguments()
                paths = (arguments.path or "",) if block.name in _EDITS else ()
                self.effects.add_call(block.id, usage.request_id, paths=paths, command=arguments.command or "")
