"""Claude Code: transcripts below `~/.claude/projects` (CLAUDE_CONFIG_DIR), one JSON object a line; those of the desktop app's
agent below its own settings.

A response is logged as one line for each content block, every line with the id and the usage of the whole response; forks
copy their parent's lines into a new file. So a request is its `message.id`, over all files; telemetry may name it by its
`requestId` alone. Sub-agents have files of their
own; older versions nest their requests in the parent's `progress` lines. Compaction and titles are not logged.
The format is internal and changes: https://code.claude.com/docs/en/sessions
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, TypeAlias, cast

import msgspec

from attribution.response_bill import BilledAttempt, Iteration, bill
from attribution.tools import claude_code_lines as lines
from attribution.tools.effects import Effects
from attribution.tools.log import JsonLines, LogRead, OpenRecords, Text, decode, utc
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "claude-code"
TITLE = "Claude Code"
_NEEDLES = (b'"tool_use_id"', b'"output_tokens"')
# What a session started with, and copies of what was sent: most of the bytes of short sessions.
_BULK = rb'\{(?:"parentUuid":(?:null|"[^"]*"),"isSidechain":(?:true|false),)?(?:"attachment":|"type":"api-request)'
LOGS = (
    JsonLines(
        folders=(".claude",),
        variables=(("CLAUDE_CONFIG_DIR", ""),),
        patterns=("projects/**/*.jsonl",),
        needles=_NEEDLES,
        bulk=_BULK,
    ),
    JsonLines(
        folders=tuple(
            f"{settings}/Claude/local-agent-mode-sessions"
            for settings in (".config", "Library/Application Support", "AppData/Roaming")
        ),
        patterns=("**/.claude/projects/**/*.jsonl",),
        needles=_NEEDLES,
        bulk=_BULK,
    ),
)

_EDITS = {"Edit": "file_path", "MultiEdit": "file_path", "Write": "file_path", "NotebookEdit": "notebook_path"}
_SHELLS = {"Bash", "PowerShell"}
_RESULT_OF = re.compile(rb'"tool_use_id"\s*:\s*"([^"]+)"')
# What a person or a tool said: no request stands in it.
_USERS = rb'\{(?:"(?!type)\w+":(?:"[^"\\]*"|\w+),)*"type":"user",'
_IS_USERS = re.compile(_USERS).match
# A result that is text and no error. Whatever follows, which may be the whole file that was edited, says nothing more of an edit.
_WORKED = re.compile(
    _USERS + rb'"message":\{"role":"user","content":\[\{"tool_use_id":"([^"\\]+)","type":"tool_result",'
    rb'"content":"(?:[^"\\]++|\\.)*+"\}\]\},'
).match

_Blocks: TypeAlias = list[lines.Block] | str
_LINE = msgspec.json.Decoder(lines.Line[_Blocks])
_ODD_LINE = msgspec.json.Decoder(lines.Line[Any])
_BLOCK = msgspec.json.Decoder(lines.Block)
_BLOCKS = msgspec.json.Decoder(list[lines.Block])
_TOOL_USE_RESULT = msgspec.json.Decoder(lines.ToolUseResult)
_STRING = msgspec.json.Decoder(str)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. A file named `agent-<id>` is that sub-agent's."""
    stem = PurePosixPath(name).stem
    reading = _Reading(stem.removeprefix("agent-") if stem.startswith("agent-") else "")
    for record in records:
        reading.take(record)
    return reading.finish()


class _Reading:
    """One log while it is read."""

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.requests: list[Usage] = []
        self.refused: set[str] = set()  # responses that ended by refusing
        self.owners: dict[str, str] = {}  # the first response of each `requestId`
        self.shared: set[str] = set()  # each `requestId` that several responses have: no name of any of them
        self.latest: tuple[object, ...] = ()
        self.open_records = OpenRecords()
        self.effects = Effects(self.open_records)
        self.unreadable_records = self.skipped_records = 0

    def take(self, record: bytes) -> None:
        # Most tool results are long and change nothing: look at the id before decoding the rest.
        # Usage stands near the end of a line.
        if _IS_USERS(record) or record.rfind(b'"output_tokens"') < 0:
            if not self._answers_a_call(record):
                return
            if (result := _WORKED(record)) and self.effects.add_edit(result[1].decode(errors="replace")):
                return
        self.open_records.see(record)
        line = decode(_LINE, record) or decode(_ODD_LINE, record)
        if line is None:
            self.unreadable_records += 1
            return
        entry, agent_id = line, (line.agent_id or self.agent_id if line.is_sidechain else "")
        if line.type == "progress" and line.data and line.data.message:
            entry, agent_id = line.data.message, line.data.agent_id or ""
        if entry.type == "assistant":
            self._request(line, entry, agent_id)
        elif entry.type == "user" and entry.message:
            self._results(entry, entry.message)

    def finish(self) -> LogRead:
        return LogRead(
            requests=[self.effects.add_to(usage) for usage in unique(self._billed())],
            carry=self.open_records.records,
            unreadable_records=self.unreadable_records,
            skipped_records=self.skipped_records,
        )

    def _billed(self) -> Iterator[Usage]:
        for usage in self.requests:
            # An earlier line of a refusal, from before it was known to be one.
            if usage.request_id in self.refused and not usage.tokens.output:
                continue
            is_shared = bool(self.shared) and not self.shared.isdisjoint(usage.aliases)
            yield msgspec.structs.replace(usage, aliases=()) if is_shared else usage

    def _answers_a_call(self, record: bytes) -> bool:
        return self.effects.waits and any(
            self.effects.waits_for(match[1].decode(errors="replace")) for match in _RESULT_OF.finditer(record)
        )

    def _request(self, line: lines.Line[Any], entry: lines.Entry[Any], agent_id: str) -> None:
        message = entry.message
        at = entry.timestamp or line.timestamp
        if message is None or message.usage is None or at is None:
            self.unreadable_records += 1
            return
        if message.model == "<synthetic>":
            self.skipped_records += 1
            return
        session_id = line.request_session_id or line.session_id or ""
        request_id = message.id or entry.request_id or f"{session_id}:{entry.uuid or line.uuid or utc(at).isoformat()}"
        aliases = (entry.request_id,) if message.id and entry.request_id else ()
        if aliases and self.owners.setdefault(aliases[0], request_id) != request_id:
            self.shared.add(aliases[0])
        self._calls(request_id, message.content)
        usage = message.usage
        snapshot = (
            request_id,
            aliases,
            usage,
            message.stop_reason,
            message.model,
            session_id,
            agent_id,
            line.git_branch,
            line.cwd,
        )
        if snapshot == self.latest:  # the next block of the same response
            return
        self.latest = snapshot
        request = Usage(
            tool=NAME,
            session_id=session_id,
            request_id=request_id,
            aliases=aliases,
            at=utc(at),
            model=message.model or "",
            web_search_requests=(usage.server_tool_use and usage.server_tool_use.web_search_requests) or 0,
            speed=usage.speed or "",
            service_tier=usage.service_tier or "",
            inference_geo="" if usage.inference_geo == "not_available" else usage.inference_geo or "",
            agent_id=agent_id,
            tokens=_tokens(usage),
            context=Context(source=ContextSource.LOG, branch=_branch(line.git_branch), cwd=line.cwd or ""),
        )
        is_refusal = message.stop_reason == "refusal"
        if is_refusal:
            self.refused.add(request_id)
        if not (is_refusal or usage.iterations):
            self.requests.append(request)
            return
        attempts = bill(request.model, request.tokens, _iterations(usage.iterations or ()), is_refusal=is_refusal)
        self.requests += [_attempt(request, attempt) for attempt in attempts]

    def _calls(self, request_id: str, content: object) -> None:
        for block in _blocks(content):
            if block.type == "tool_use" and block.id and block.input:
                if block.name in _SHELLS:
                    self.effects.add_call(block.id, request_id, command=block.input.command)
                elif block.name in _EDITS:
                    self.effects.add_call(block.id, request_id, paths=(getattr(block.input, _EDITS[block.name]),))

    def _results(self, entry: lines.Entry[Any], message: lines.Message[Any]) -> None:
        for block in _blocks(message.content):
            call_id = block.tool_use_id or ""
            if self.effects.waits_for(call_id):
                commit = _committed(entry.tool_use_result)
                self.effects.add_answer(call_id, _plain(block.content), is_failure=bool(block.is_error), commits=commit)


def _blocks(content: object) -> list[lines.Block]:
    """The blocks of a message, of text none. An odd one costs no other: then each is decoded by itself."""
    if not isinstance(content, list):
        return []
    entries = cast("list[object]", content)
    if entries and isinstance(entries[0], lines.Block):  # an odd line's are of no type
        return cast("list[lines.Block]", entries)
    return [block for entry in entries if (block := decode(_BLOCK, msgspec.json.encode(entry)))]


def _tokens(counts: lines.Counts) -> Tokens:
    """Disjoint kinds. Without the split by lifetime all cache writes are of five minutes, the API's default; versions before
    2.1.152 could log a total of 0 beside the split: https://code.claude.com/docs/en/changelog"""
    split = counts.cache_creation or lines.CacheWrites()
    hour = split.ephemeral_1h_input_tokens or 0
    return Tokens(
        uncached_input=counts.input_tokens or 0,
        cache_read=counts.cache_read_input_tokens or 0,
        cache_write_5m=max((counts.cache_creation_input_tokens or 0) - hour, split.ephemeral_5m_input_tokens or 0),
        cache_write_1h=hour,
        output=counts.output_tokens or 0,
        reasoning=(counts.output_tokens_details and counts.output_tokens_details.thinking_tokens) or 0,
    )


def _iterations(entries: Iterable[lines.Iteration]) -> list[Iteration]:
    return [Iteration(entry.type or "", entry.model or "", _tokens(entry)) for entry in entries]


def _attempt(response: Usage, attempt: BilledAttempt) -> Usage:
    """What was billed of a response, as a request. Searches are those of the attempt that returned the message."""
    if not attempt.name:
        return msgspec.structs.replace(response, model=attempt.model, tokens=attempt.tokens)
    return msgspec.structs.replace(
        response,
        request_id=f"{response.request_id}:{attempt.name}",
        aliases=(),
        model=attempt.model,
        web_search_requests=0,
        tokens=attempt.tokens,
    )


def _branch(git_branch: Text) -> str:
    """As far as the log knows: it is taken now and then, so it may lag behind a checkout by seconds or for ever, and is `HEAD`
    on a detached head and on some branches that have a name."""
    return "" if git_branch in (None, "HEAD") else git_branch


def _plain(content: msgspec.Raw) -> str:
    """The text of a tool's result, which is a string or a list of blocks."""
    text = decode(_STRING, content)
    return text if text is not None else "\n".join(block.text or "" for block in decode(_BLOCKS, content) or ())


def _committed(tool_use_result: msgspec.Raw) -> set[str]:
    result = decode(_TOOL_USE_RESULT, tool_use_result)
    commit = result and result.git_operation and result.git_operation.commit
    return {commit.sha} if commit and commit.sha else set()
