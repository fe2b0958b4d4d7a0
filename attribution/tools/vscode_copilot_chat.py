"""Copilot Chat in VS Code: `workspaceStorage/<id>/chatSessions` below the editor's user folder, on every system.

A request here is a turn: the prompt tokens are those that the editor kept of it, without any split by cache, so a turn in
which the agent asked several times is coarse. `.json` is a whole chat, `.jsonl` a log of operations on one. The workspace's
folder stands beside; chats without a workspace have none. Traces in `agent-traces.db` are off by default and not read.
https://github.com/microsoft/vscode/blob/main/src/vs/workbench/contrib/chat/common/chatModel.ts
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated

import msgspec

from attribution.tools.log import Count, JsonDocument, JsonLines, LogRead, Text, decode, stands_beside
from attribution.tools.remote import path_of
from attribution.usage import TOKENS_NOT_KNOWN, Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "vscode-copilot-chat"
TITLE = "GitHub Copilot Chat"
_SETTINGS = (".config", "Library/Application Support", "AppData/Roaming")
_FOLDERS = (
    *(f"{settings}/{editor}/User" for settings in _SETTINGS for editor in ("Code", "Code - Insiders")),
    ".vscode-server/data/User",
)
_NAMES = ("workspaceStorage/*/chatSessions/*", "globalStorage/emptyWindowChatSessions/*")
_BESIDE = ("../workspace.json",)
LOGS = (
    JsonDocument(folders=_FOLDERS, patterns=tuple(f"{name}.json" for name in _NAMES), beside=_BESIDE),
    JsonLines(
        folders=_FOLDERS,
        patterns=tuple(f"{name}.jsonl" for name in _NAMES),
        beside=_BESIDE,
        needles=(b'"kind":0', b'"requests"', b'"kind": 0'),
    ),
)


class _Metadata(msgspec.Struct, rename="camel"):
    prompt_tokens: Count = None
    output_tokens: Count = None
    resolved_model: Text = None


class _Result(msgspec.Struct):
    metadata: _Metadata | None = None


class _Request(msgspec.Struct, rename="camel"):
    request_id: Text = None
    model_id: Text = None
    timestamp: Annotated[float, msgspec.Meta(ge=0, le=10**13)] | None = None
    completion_tokens: Count = None
    result: _Result | None = None


class _Chat(msgspec.Struct, rename="camel"):
    session_id: Text = None
    requests: list[_Request] = []


class _Operation(msgspec.Struct):
    """0 begins with a whole chat, 1 sets what stands at the path `k`, 2 appends to the list there."""

    kind: int | None = None
    k: list[str | int] | None = None
    v: msgspec.Raw = msgspec.Raw(b"null")


class _Workspace(msgspec.Struct):
    folder: Text = None


_CHAT = msgspec.json.Decoder(_Chat)
_OPERATION = msgspec.json.Decoder(_Operation)
_REQUESTS = msgspec.json.Decoder(list[_Request])
_WORKSPACE = msgspec.json.Decoder(_Workspace)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. The file's name is the chat's id."""
    chat, cwd, log = _Chat(session_id=PurePosixPath(name).stem), "", LogRead(requests=[])
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            workspace = decode(_WORKSPACE, file.content.encode())
            cwd = path_of((workspace and workspace.folder) or "") or cwd
        elif name.endswith(".json"):
            whole = decode(_CHAT, raw)
            log.unreadable_records += whole is None
            chat = whole or chat
        else:
            operation = decode(_OPERATION, raw)
            log.unreadable_records += operation is None
            chat = _apply(chat, operation) if operation else chat
    session_id = chat.session_id or PurePosixPath(name).stem
    usages = [
        _usage(session_id, cwd, request)
        for request in chat.requests
        if request.request_id and request.timestamp is not None
    ]
    log.requests = unique(usages)
    return log


def _apply(chat: _Chat, operation: _Operation) -> _Chat:
    """The chat after one operation; of those on other parts nothing is kept."""
    match operation.kind, operation.k or []:
        case 0, _:
            return decode(_CHAT, operation.v) or chat
        case 2, ["requests"]:
            chat.requests = [*chat.requests, *(decode(_REQUESTS, operation.v) or [])]
        case 1, ["requests"]:
            chat.requests = decode(_REQUESTS, operation.v) or chat.requests
        case 1, ["requests", int(at), str(field)] if 0 <= at < len(chat.requests) and _is_name(field):
            requests = decode(_REQUESTS, b'[{"' + field.encode() + b'":' + bytes(operation.v) + b"}]")
            chat.requests[at] = _over(chat.requests[at], requests[0]) if requests else chat.requests[at]
        case _:
            pass
    return chat


def _is_name(field: str) -> bool:
    return field.isidentifier()


def _over(before: _Request, after: _Request) -> _Request:
    """`before` with what `after` knows."""
    values = {name: value for name in before.__struct_fields__ if (value := getattr(after, name)) is not None}
    return msgspec.structs.replace(before, **values)


def _usage(session_id: str, cwd: str, request: _Request) -> Usage:
    metadata = (request.result and request.result.metadata) or _Metadata()
    is_known = metadata.prompt_tokens is not None
    return Usage(
        tool=NAME,
        session_id=session_id,
        request_id=request.request_id or "",
        at=datetime.fromtimestamp((request.timestamp or 0) / 1000, UTC),
        model=metadata.resolved_model or (request.model_id or "").rpartition("/")[2],
        is_sum=True,
        tokens=Tokens(
            uncached_input=metadata.prompt_tokens or 0,
            output=(metadata.output_tokens or request.completion_tokens or 0) if is_known else 0,
        )
        if is_known
        else TOKENS_NOT_KNOWN,
        context=Context(source=ContextSource.LOG, cwd=cwd),
    )
