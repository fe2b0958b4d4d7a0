"""Task folders of Cline before its SDK, of Roo Code and of the older Kilo Code: `tasks/<id>/ui_messages.json` below an editor's
settings.

Each `api_req_started` is one request, with disjoint token kinds and the cost that the extension worked out; a request that is
summed up into `deleted_api_reqs` when a conversation is cut, and what a sub-agent used, count as well. The model is not in the
file and stays unknown, so the extension's cost stands for the price. `history_item.json` sums up the same and is not read.
https://github.com/cline/cline/blob/main/src/shared/getApiMetrics.ts
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated

import msgspec

from attribution.tools.effects import Effects
from attribution.tools.log import Count, JsonDocument, LogRead, Text, decode, stands_beside, usd_micros
from attribution.usage import TOKENS_NOT_KNOWN, Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

_EDITORS = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")
_SETTINGS = (".config", "Library/Application Support", "AppData/Roaming")
_EDITS = ("editedExistingFile", "newFileCreated", "appliedDiff", "insertContent", "searchAndReplace")
_USAGE_KINDS = ("api_req_started", "deleted_api_reqs", "subagent_usage")


def source(extension: str, *more: str) -> JsonDocument:
    """The task folders of an editor's extension, on Linux, macOS and Windows, and `more` folders."""
    editors = (f"{settings}/{editor}/User/globalStorage/{extension}" for settings in _SETTINGS for editor in _EDITORS)
    remote = (f".vscode-server/data/User/globalStorage/{extension}",)
    return JsonDocument(
        folders=(*editors, *remote, *more),
        patterns=("tasks/*/ui_messages.json",),
        beside=("history_item.json", "task_metadata.json"),
    )


class _Message(msgspec.Struct):
    ts: Annotated[float, msgspec.Meta(ge=0, le=10**13)] | None = None
    type: Text = None
    say: Text = None
    ask: Text = None
    text: Text = None


class _Counts(msgspec.Struct, rename="camel"):
    tokens_in: Count = None
    tokens_out: Count = None
    cache_writes: Count = None
    cache_reads: Count = None
    cost: Annotated[float, msgspec.Meta(ge=0, lt=10_000)] | None = None
    total_cost: Annotated[float, msgspec.Meta(ge=0, lt=10_000)] | None = None
    usage_missing: bool | None = None


class _Tool(msgspec.Struct):
    tool: Text = None
    path: Text = None


class _About(msgspec.Struct, rename="camel"):
    workspace: Text = None
    cwd_on_task_initialization: Text = None


_MESSAGES = msgspec.json.Decoder(list[_Message])
_COUNTS = msgspec.json.Decoder(_Counts)
_TOOL = msgspec.json.Decoder(_Tool)
_ABOUT = msgspec.json.Decoder(_About)


def read(records: Iterable[bytes], name: str, tool: str) -> LogRead:
    """`read_log` of a tool with such folders; the folder's name is the task's id."""
    parts = PurePosixPath(name).parts
    task, cwd, log = parts[-2] if len(parts) > 1 else name, "", LogRead(requests=[])
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            about = decode(_ABOUT, file.content.encode())
            cwd = cwd or (about and (about.workspace or about.cwd_on_task_initialization)) or ""
            continue
        messages = decode(_MESSAGES, raw)
        if messages is None:
            log.unreadable_records += 1
            continue
        log.requests += _requests(messages, task, cwd, tool, log)
    log.requests = unique(log.requests)
    return log


def _requests(messages: list[_Message], task: str, cwd: str, tool: str, log: LogRead) -> list[Usage]:
    effects, requests = Effects(), list[Usage]()
    for number, message in enumerate(messages):
        if message.say in _USAGE_KINDS and message.text and message.ts is not None:
            counts = decode(_COUNTS, message.text.encode())
            if counts is None:
                log.unreadable_records += 1
            elif counts.tokens_in is None and counts.tokens_out is None:
                log.skipped_records += 1  # cancelled before an answer
            else:
                requests.append(_usage(message.ts, message.say, counts, task, cwd, tool))
        elif "tool" in (message.say, message.ask) and message.text and requests:
            call = decode(_TOOL, message.text.encode())
            if call and call.tool in _EDITS and call.path:
                effects.add_call(str(number), requests[-1].request_id, paths=(call.path,))
                effects.add_answer(str(number))
        elif "command" in (message.say, message.ask) and message.text and requests:
            effects.add_call(str(number), requests[-1].request_id, command=message.text)
            effects.add_answer(str(number), message.text)
    return unique(effects.add_to(usage) for usage in requests)


def _usage(ts: float, kind: str, counts: _Counts, task: str, cwd: str, tool: str) -> Usage:
    cost = counts.cost or counts.total_cost
    return Usage(
        tool=tool,
        session_id=task,
        request_id=f"{task}:{int(ts)}" + ("" if kind == "api_req_started" else f":{kind}"),
        at=datetime.fromtimestamp(ts / 1000, UTC),
        model="",
        reported_micros=usd_micros(cost),
        tokens=Tokens(
            uncached_input=counts.tokens_in or 0,
            cache_read=counts.cache_reads or 0,
            cache_write_5m=counts.cache_writes or 0,
            output=counts.tokens_out or 0,
        )
        if not counts.usage_missing
        else TOKENS_NOT_KNOWN,
        context=Context(source=ContextSource.LOG, cwd=cwd),
    )
