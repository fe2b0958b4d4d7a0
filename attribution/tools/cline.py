"""Cline: `~/.cline/data/sessions/<id>/*.messages.json` (CLINE_SESSION_DATA_DIR, CLINE_DATA_DIR, CLINE_DIR), the same on every
system; before its SDK, task folders below an editor's settings and `~/.cline/data/tasks`.

The last assistant's message of a turn has the turn's `metrics`, so a request here is a turn. Their `inputTokens` include the
cache for most providers and leave it out for some: where the cache is more than the input, it is left out. Sub-agents have files
of their own, and the sums in the metadata leave them out; the metadata beside a session names remote and folder, and the branch
at the session's end, which is not used. https://github.com/cline/cline/blob/main/sdk/packages/core/docs/messages-contract-v1.md
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from attribution.tools import cline_tasks
from attribution.tools.effects import Effects
from attribution.tools.log import Count, JsonDocument, LogRead, Text, decode, stands_beside, usd_micros
from attribution.tools.remote import slug
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "cline"
TITLE = "Cline"
LOGS = (
    JsonDocument(
        folders=(".cline/data/sessions",),
        variables=(("CLINE_SESSION_DATA_DIR", ""), ("CLINE_DATA_DIR", "sessions"), ("CLINE_DIR", "data/sessions")),
        patterns=("*/*.messages.json",),
        beside=("{folder}.json",),
    ),
    cline_tasks.source("saoudrizwan.claude-dev", ".cline/data"),
)

_EDITS = ("replace_in_file", "write_to_file", "edit_file", "editor", "write_file", "apply_patch")


class _Metrics(msgspec.Struct, rename="camel"):
    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_tokens: Count = None
    cache_write_tokens: Count = None
    cost: Annotated[float, msgspec.Meta(ge=0, lt=10_000)] | None = None


class _Model(msgspec.Struct):
    id: Text = None
    provider: Text = None


class _Block(msgspec.Struct):
    type: Text = None
    id: Text = None
    name: Text = None
    tool_use_id: Text = None
    is_error: bool | None = None
    input: msgspec.Raw = msgspec.Raw(b"null")
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Result(msgspec.Struct):
    result: Text = None


class _Message(msgspec.Struct, rename="camel"):
    id: Text = None
    role: Text = None
    ts: Annotated[float, msgspec.Meta(ge=0, le=10**13)] | None = None
    model_info: _Model | None = None
    metrics: _Metrics | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Origin(msgspec.Struct, rename="camel"):
    parent_thread_id: Text = None
    subagent: Text = None


class _Session(msgspec.Struct, rename="camel"):
    session_id: Text = None
    origin: _Origin | None = None
    messages: list[_Message] = []


class _Git(msgspec.Struct):
    url: Text = None


class _Metadata(msgspec.Struct):
    git: _Git | None = None


class _About(msgspec.Struct):
    """The file beside a session."""

    cwd: Text = None
    workspace_root: Text = None
    metadata: _Metadata | None = None


class _Arguments(msgspec.Struct):
    path: Text = None
    file_path: Text = None
    command: Text = None
    commands: list[str] | None = None


_ABOUT = msgspec.json.Decoder(_About)
_SESSION = msgspec.json.Decoder(_Session)
_BLOCKS = msgspec.json.Decoder(list[_Block])
_ARGUMENTS = msgspec.json.Decoder(_Arguments)
_RESULTS = msgspec.json.Decoder(list[_Result])
_STRING = msgspec.json.Decoder(str)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`."""
    if not name.endswith(".messages.json"):
        return cline_tasks.read(records, name, NAME)
    about, log = _About(), LogRead(requests=[])
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            about = decode(_ABOUT, file.content.encode()) or about
            continue
        session = decode(_SESSION, raw)
        if session is None:
            log.unreadable_records += 1
        else:
            log.requests += _requests(session, about)
    log.requests = unique(log.requests)
    return log


def _requests(session: _Session, about: _About) -> list[Usage]:
    effects, requests, turn = Effects(), list[Usage](), list[_Block]()
    for message in session.messages:
        blocks = decode(_BLOCKS, message.content) or []
        if message.role == "assistant":
            turn += blocks
            if message.metrics and message.ts is not None:
                usage = _usage(session, about, message, message.metrics)
                requests.append(usage)
                for block in turn:
                    _call(effects, block, usage.request_id)
                turn.clear()
        for block in blocks:
            if block.type == "tool_result" and not block.is_error and effects.waits_for(block.tool_use_id or ""):
                effects.add_answer(block.tool_use_id or "", _output(block.content))
    return unique(effects.add_to(usage) for usage in requests)


def _output(content: msgspec.Raw) -> str:
    """What commands printed: text, or a list with the result of each."""
    text = decode(_STRING, content)
    return text if text is not None else "\n".join(result.result or "" for result in decode(_RESULTS, content) or ())


def _call(effects: Effects, block: _Block, request_id: str) -> None:
    if block.type == "tool_use" and block.id:
        arguments = decode(_ARGUMENTS, block.input) or _Arguments()
        paths = (arguments.path or arguments.file_path or "",) if block.name in _EDITS else ()
        command = arguments.command or "\n".join(arguments.commands or ())
        effects.add_call(block.id, request_id, paths=paths, command=command)


def _usage(session: _Session, about: _About, message: _Message, metrics: _Metrics) -> Usage:
    origin, model = session.origin or _Origin(), message.model_info or _Model()
    read, write = metrics.cache_read_tokens or 0, metrics.cache_write_tokens or 0
    input_tokens = metrics.input_tokens or 0
    session_id = session.session_id or ""
    git = about.metadata.git if about.metadata else None
    return Usage(
        tool=NAME,
        session_id=origin.parent_thread_id or session_id,
        request_id=f"{session_id}:{message.id}",
        at=datetime.fromtimestamp((message.ts or 0) / 1000, UTC),
        model=model.id or "",
        provider=model.provider or "",
        reported_micros=usd_micros(metrics.cost),
        agent_id=(origin.subagent or session_id) if origin.parent_thread_id else "",
        tokens=Tokens(
            uncached_input=input_tokens - read - write if read + write <= input_tokens else input_tokens,
            cache_read=read,
            cache_write_5m=write,
            output=metrics.output_tokens or 0,
        ),
        context=Context(
            source=ContextSource.LOG,
            repository=slug(git.url) if git and git.url else "",
            cwd=about.cwd or about.workspace_root or "",
        ),
    )
