"""Amp: `threads/T-<id>.json` below `~/.local/share/amp` (XDG_DATA_HOME), on Windows below `AppData/Local/amp`.

An assistant's message has the usage of its request, in disjoint kinds. Old threads have a ledger of events with credits
instead. Where neither says when, the thread's start stands. Sub-agents (oracle, librarian) leave no usage, and threads that
live on the server only are not here. The format is not published: shapes from public readers of it,
https://ampcode.com/manual
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from attribution.tools.effects import Effects
from attribution.tools.log import Count, Instant, JsonDocument, LogRead, Text, decode, utc
from attribution.tools.remote import path_of
from attribution.usage import TOKENS_NOT_KNOWN, Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "amp"
TITLE = "Amp"
LOGS = (
    JsonDocument(
        folders=(".local/share/amp/threads", "AppData/Local/amp/threads"),
        variables=(("XDG_DATA_HOME", "amp/threads"),),
        patterns=("T-*.json",),
    ),
)

_EDITS = ("edit_file", "create_file")


class _Counts(msgspec.Struct, rename="camel"):
    input_tokens: Count = None
    output_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_read_input_tokens: Count = None
    model: Text = None
    timestamp: Instant | None = None


class _Block(msgspec.Struct, rename={"tool_use_id": "toolUseID"}):
    type: Text = None
    id: Text = None
    name: Text = None
    tool_use_id: Text = None
    input: msgspec.Raw = msgspec.Raw(b"null")
    run: msgspec.Raw = msgspec.Raw(b"null")


class _Arguments(msgspec.Struct):
    path: Text = None
    cmd: Text = None


class _Output(msgspec.Struct):
    output: Text = None


class _Run(msgspec.Struct):
    status: Text = None
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct, rename={"message_id": "messageId"}):
    role: Text = None
    message_id: int | str | None = None
    usage: _Counts | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")


class _EventTokens(msgspec.Struct):
    input: Count = None
    output: Count = None


class _Event(msgspec.Struct):
    id: Text = None
    timestamp: Instant | None = None
    model: Text = None
    credits: Annotated[float, msgspec.Meta(ge=0, lt=10**6)] | None = None
    tokens: _EventTokens | None = None


class _Ledger(msgspec.Struct):
    events: list[_Event] = []


class _Tree(msgspec.Struct):
    uri: Text = None


class _Initial(msgspec.Struct):
    trees: list[_Tree] | None = None


class _Env(msgspec.Struct):
    initial: _Initial | None = None


class _Thread(msgspec.Struct, rename={"usage_ledger": "usageLedger"}):
    id: Text = None
    created: Annotated[float, msgspec.Meta(ge=0, le=10**13)] | None = None
    messages: list[_Message] = []
    usage_ledger: _Ledger | None = None
    env: _Env | None = None

    @property
    def cwd(self) -> str:
        trees = (self.env and self.env.initial and self.env.initial.trees) or []
        return path_of(next((tree.uri for tree in trees if tree.uri), ""))


_THREAD = msgspec.json.Decoder(_Thread)
_BLOCKS = msgspec.json.Decoder(list[_Block])
_ARGUMENTS = msgspec.json.Decoder(_Arguments)
_RUN = msgspec.json.Decoder(_Run)
_OUTPUT = msgspec.json.Decoder(_Output)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the document says all)
    """See `attribution.tools.log.Tool`."""
    log = LogRead(requests=[])
    for raw in records:
        thread = decode(_THREAD, raw)
        if thread is None or not thread.id:
            log.unreadable_records += 1
        else:
            log.requests += _requests(thread, thread.id) or _of_ledger(thread, thread.id)
    log.requests = unique(log.requests)
    return log


def _requests(thread: _Thread, thread_id: str) -> list[Usage]:
    effects, requests = Effects(), list[Usage]()
    start = datetime.fromtimestamp((thread.created or 0) / 1000, UTC)
    for number, message in enumerate(thread.messages):
        counts, blocks = message.usage, decode(_BLOCKS, message.content) or []
        if message.role == "assistant" and counts:
            usage = Usage(
                tool=NAME,
                session_id=thread_id,
                request_id=f"{thread_id}:{number if message.message_id is None else message.message_id}",
                at=utc(counts.timestamp) if counts.timestamp else start,
                model=counts.model or "",
                tokens=Tokens(
                    uncached_input=counts.input_tokens or 0,
                    cache_read=counts.cache_read_input_tokens or 0,
                    cache_write_5m=counts.cache_creation_input_tokens or 0,
                    output=counts.output_tokens or 0,
                ),
                context=Context(source=ContextSource.LOG, cwd=thread.cwd),
            )
            requests.append(usage)
            for block in blocks:
                _call(effects, block, usage.request_id)
        for block in blocks:
            run = decode(_RUN, block.run) if block.type == "tool_result" else None
            if run and run.status == "done" and block.tool_use_id:
                output = decode(_OUTPUT, run.result)
                effects.add_answer(block.tool_use_id, (output and output.output) or "")
    return unique(effects.add_to(usage) for usage in requests)


def _call(effects: Effects, block: _Block, request_id: str) -> None:
    if block.type == "tool_use" and block.id:
        arguments = decode(_ARGUMENTS, block.input) or _Arguments()
        paths = (arguments.path or "",) if block.name in _EDITS else ()
        effects.add_call(block.id, request_id, paths=paths, command=arguments.cmd or "")


def _of_ledger(thread: _Thread, thread_id: str) -> list[Usage]:
    events = thread.usage_ledger.events if thread.usage_ledger else []
    return unique(
        Usage(
            tool=NAME,
            session_id=thread_id,
            request_id=f"{thread_id}:{event.id}",
            at=utc(event.timestamp),
            model=event.model or "",
            credits_micros=round(event.credits * 1_000_000) if event.credits else None,
            tokens=Tokens(
                uncached_input=(event.tokens and event.tokens.input) or 0,
                output=(event.tokens and event.tokens.output) or 0,
            )
            if event.tokens is not None
            else TOKENS_NOT_KNOWN,
            context=Context(source=ContextSource.LOG, cwd=thread.cwd),
        )
        for event in events
        if event.timestamp
    )
