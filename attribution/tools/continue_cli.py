"""Continue CLI (`cn`): `~/.continue/sessions` (CONTINUE_GLOBAL_DIR), the same on every system: a JSON document for each session.

Requests have neither id nor time: a request is its place in the history, made when `sessions.json` says that its session began.
A fork begins with its parent's history, while its sums count only what it asked for itself: what they do not cover is the
parent's. From Anthropic `prompt_tokens` come without what was cached. From OpenAI they include it, and how much that was is
often not saved: then all of it counts as plain input, and the list price is too high. Its own cents are rounded and leave caches
out. No branch, no remote. Shapes from version 1.5.47: https://github.com/continuedev/continue
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from attribution.tools.effects import Effects
from attribution.tools.log import Count, JsonDocument, LogRead, Text, decode, stands_beside
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "continue-cli"
TITLE = "Continue CLI"
_LIST = "sessions.json"
LOGS = (
    JsonDocument(
        folders=(".continue",),
        variables=(("CONTINUE_GLOBAL_DIR", ""),),
        patterns=("sessions/*.json",),
        beside=("{modified}", _LIST),
    ),
)

_EDITS = ("Write", "Edit", "MultiEdit")


class _Details(msgspec.Struct):
    cached_tokens: Count = None
    cache_read_tokens: Count = None
    cache_write_tokens: Count = None


class _Counts(msgspec.Struct):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    prompt_tokens_details: _Details | None = None
    model: Text = None


class _Message(msgspec.Struct):
    role: Text = None
    usage: _Counts | None = None


class _Function(msgspec.Struct):
    name: Text = None
    arguments: Text = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None


class _Output(msgspec.Struct):
    content: Text = None


class _Call(msgspec.Struct, rename="camel"):
    tool_call_id: Text = None
    tool_call: _ToolCall | None = None
    status: Text = None
    output: msgspec.Raw = msgspec.Raw(b"null")


class _Step(msgspec.Struct, rename="camel"):
    message: _Message | None = None
    tool_call_states: msgspec.Raw = msgspec.Raw(b"null")


class _Sums(msgspec.Struct, rename="camel"):
    prompt_tokens: Count = None
    completion_tokens: Count = None


class _Session(msgspec.Struct, rename="camel"):
    session_id: Text = None
    workspace_directory: Text = None
    history: list[_Step] = []
    usage: _Sums | None = None


class _Listed(msgspec.Struct, rename="camel"):
    session_id: Text = None
    date_created: int | str | None = None


class _Arguments(msgspec.Struct):
    filepath: Text = None
    file_path: Text = None
    command: Text = None


_SESSION = msgspec.json.Decoder(_Session)
_SESSIONS = msgspec.json.Decoder(list[_Listed])
_CALLS = msgspec.json.Decoder(list[_Call])
_OUTPUTS = msgspec.json.Decoder(list[_Output])
_ARGUMENTS = msgspec.json.Decoder(_Arguments)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`."""
    log, modified, begun = LogRead(requests=[]), None, dict[str, datetime]()
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            if file.beside == _LIST:
                begun = _times(file.content)
            else:
                modified = _instant(file.content)
            continue
        if name.rpartition("/")[2] == _LIST:
            continue
        session = decode(_SESSION, raw)
        at = begun.get((session and session.session_id) or "", modified)
        if session is None or not session.session_id or at is None:
            log.unreadable_records += 1
        else:
            log.requests += _requests(session, session.session_id, at)
    log.requests = unique(log.requests)
    return log


def _times(content: str) -> dict[str, datetime]:
    """When each session began: text or a number of milliseconds."""
    listed = decode(_SESSIONS, content.encode()) or []
    times = {entry.session_id or "": str(entry.date_created) for entry in listed}
    return {
        session_id: datetime.fromtimestamp(int(ms) / 1000, UTC)
        for session_id, ms in times.items()
        if ms.isascii() and ms.isdigit() and len(ms) <= 13
    }


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _requests(session: _Session, session_id: str, at: datetime) -> list[Usage]:
    made = [(number, step) for number, step in enumerate(session.history) if step.message and step.message.usage]
    own = _own(session.usage, [step.message.usage for _, step in made if step.message and step.message.usage])
    effects, requests = Effects(), list[Usage]()
    for number, step in made[len(made) - own :]:
        counts = (step.message and step.message.usage) or _Counts()
        usage = Usage(
            tool=NAME,
            session_id=session_id,
            request_id=f"{session_id}:{number:06}",
            at=at,
            model=counts.model or "",
            tokens=_tokens(counts),
            context=Context(source=ContextSource.LOG, cwd=session.workspace_directory or ""),
        )
        for call in decode(_CALLS, step.tool_call_states) or ():
            _call(effects, call, usage.request_id)
        requests.append(usage)
    return [effects.add_to(usage) for usage in requests]


def _own(sums: _Sums | None, requests: list[_Counts]) -> int:
    """How many of the last requests make up the session's sums; all where none do."""
    prompt, completion = ((sums.prompt_tokens or 0), (sums.completion_tokens or 0)) if sums else (-1, -1)
    for count, counts in enumerate(reversed(requests)):
        if (prompt, completion) == (0, 0):
            return count
        prompt -= counts.prompt_tokens or 0
        completion -= counts.completion_tokens or 0
    return len(requests)


def _tokens(counts: _Counts) -> Tokens:
    details, prompt = counts.prompt_tokens_details or _Details(), counts.prompt_tokens or 0
    is_beside = details.cache_read_tokens is not None or details.cache_write_tokens is not None
    cached = details.cache_read_tokens or details.cached_tokens or 0
    return Tokens(
        uncached_input=prompt if is_beside else max(prompt - cached, 0),
        cache_read=cached,
        cache_write_5m=details.cache_write_tokens or 0,
        output=counts.completion_tokens or 0,
    )


def _call(effects: Effects, call: _Call, request_id: str) -> None:
    function = call.tool_call and call.tool_call.function
    if function is None or not call.tool_call_id:
        return
    arguments = decode(_ARGUMENTS, (function.arguments or "").encode(errors="replace")) or _Arguments()
    paths = (arguments.filepath or arguments.file_path or "",) if function.name in _EDITS else ()
    effects.add_call(call.tool_call_id, request_id, paths=paths, command=arguments.command or "")
    if call.status in ("done", "errored"):
        output = "\n".join(part.content or "" for part in decode(_OUTPUTS, call.output) or ())
        effects.add_answer(call.tool_call_id, output, is_failure=call.status == "errored")
