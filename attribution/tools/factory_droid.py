"""Factory Droid: `~/.factory/sessions/<folder>/<id>.jsonl` (FACTORY_DIR), the same on every system.

Tokens stand only in `<id>.settings.json` beside the log, as one sum of the session, so a session is one figure, at the time
of its first message. A sub-agent's session is a file of its own. Edits and commits come from the messages. The format is
not published: shapes from public readers of it, https://docs.factory.ai
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

import msgspec

from attribution.tools.effects import Effects
from attribution.tools.log import Count, Instant, JsonLines, LogRead, Text, decode, stands_beside, utc
from attribution.usage import Context, ContextSource, Tokens, Usage

NAME = "factory-droid"
TITLE = "Factory Droid"
LOGS = (
    JsonLines(
        folders=(".factory",),
        variables=(("FACTORY_DIR", ""),),
        patterns=("sessions/**/*.jsonl",),
        beside=("{stem}.settings.json",),
        needles=(b'"session_start"', b'"message"'),
    ),
)

_EDITS = ("Edit", "Create", "MultiEdit", "ApplyPatch")


class _Counts(msgspec.Struct, rename="camel"):
    input_tokens: Count = None
    output_tokens: Count = None
    cache_creation_tokens: Count = None
    cache_read_tokens: Count = None
    thinking_tokens: Count = None


class _Settings(msgspec.Struct, rename="camel"):
    model: Text = None
    token_usage: _Counts | None = None


class _Block(msgspec.Struct):
    type: Text = None
    id: Text = None
    name: Text = None
    text: Text = None
    tool_use_id: Text = None
    is_error: bool | None = None
    input: msgspec.Raw = msgspec.Raw(b"null")
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct):
    type: Text = None
    id: Text = None
    cwd: Text = None
    timestamp: Instant | None = None
    message: _Message | None = None


class _Arguments(msgspec.Struct):
    file_path: Text = None
    command: Text = None


_LINE = msgspec.json.Decoder(_Line)
_SETTINGS = msgspec.json.Decoder(_Settings)
_BLOCKS = msgspec.json.Decoder(list[_Block])
_ARGUMENTS = msgspec.json.Decoder(_Arguments)
_STRING = msgspec.json.Decoder(str)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. The file's name is the session's id."""
    session_id, settings, head = PurePosixPath(name).stem, _Settings(), _Line()
    effects, times, log = Effects(), list[Instant](), LogRead(requests=[])
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            settings = decode(_SETTINGS, file.content.encode()) or settings
            continue
        line = decode(_LINE, raw)
        if line is None:
            log.unreadable_records += 1
        elif line.type == "session_start":
            head = line
        elif line.type == "message" and line.message:
            times += [line.timestamp] if line.timestamp else []
            for block in decode(_BLOCKS, line.message.content) or ():
                _block(effects, block, session_id)
    counts = settings.token_usage
    if counts and times:
        log.requests = [effects.add_to(_usage(session_id, settings.model or "", counts, min(times), head.cwd or ""))]
    return log


def _block(effects: Effects, block: _Block, session_id: str) -> None:
    if block.type == "tool_use" and block.id:
        arguments = decode(_ARGUMENTS, block.input) or _Arguments()
        paths = (arguments.file_path or "",) if block.name in _EDITS else ()
        effects.add_call(block.id, session_id, paths=paths, command=arguments.command or "")
    elif block.type == "tool_result" and block.tool_use_id and not block.is_error:
        output = decode(_STRING, block.content)
        if output is None:
            output = "\n".join(part.text or "" for part in decode(_BLOCKS, block.content) or ())
        effects.add_answer(block.tool_use_id, output)


def _usage(session_id: str, model: str, counts: _Counts, at: Instant, cwd: str) -> Usage:
    thinking = counts.thinking_tokens or 0
    return Usage(
        tool=NAME,
        session_id=session_id,
        request_id=session_id,
        at=utc(at),
        model=model,
        is_sum=True,
        tokens=Tokens(
            uncached_input=counts.input_tokens or 0,
            cache_read=counts.cache_read_tokens or 0,
            cache_write_5m=counts.cache_creation_tokens or 0,
            output=(counts.output_tokens or 0) + thinking,
            reasoning=thinking,
        ),
        context=Context(source=ContextSource.LOG, cwd=cwd),
    )
