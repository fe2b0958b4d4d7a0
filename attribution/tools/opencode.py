"""OpenCode: the SQLite database `~/.local/share/opencode/opencode*.db` (XDG_DATA_HOME), the same on every system; before
version 1.2 JSON files below `storage/message`.

One assistant's message is one request. A fork copies messages under new ids with the same time and counts, so a request is its
time and its counts; a copy that is older than its session gives way to the original. Version 2 moves messages, under their ids,
to a table of its own while the old one stays. `input` leaves out the cache; `output` leaves out reasoning in new versions and has
it in old ones, which the total tells apart. A cost of 0 stands for "not known". Requests for titles are not stored. No branch, no
remote. https://github.com/anomalyco/opencode/blob/dev/packages/opencode/src/session/session.sql.ts
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from attribution.tools.effects import Effects, patched
from attribution.tools.log import Count, JsonDocument, LogRead, Source, Sqlite, Text, decode, usd_micros
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "opencode"
TITLE = "OpenCode"

# Of a part only what tells an edit or a commit; of its output only what a command on git or pull requests printed.
_TOOL = """json_object('call_id', json_extract(p.data, '$.callID'), 'tool', json_extract(p.data, '$.tool'),
    'status', json_extract(p.data, '$.state.status'), 'path', json_extract(p.data, '$.state.input.filePath'),
    'patch', CASE json_extract(p.data, '$.tool') WHEN 'apply_patch' THEN json_extract(p.data, '$.state.input.patchText') END,
    'command', json_extract(p.data, '$.state.input.command'), 'output', CASE
        WHEN json_extract(p.data, '$.state.input.command') LIKE '%git%'
            OR json_extract(p.data, '$.state.input.command') LIKE '%gh pr%'
        THEN json_extract(p.data, '$.state.output') END)"""
_V1 = f"""SELECT json_object('id', m.id, 'session_id', m.session_id, 'parent_id', s.parent_id, 'session_created', s.time_created,
    'directory', coalesce(json_extract(m.data, '$.path.cwd'), s.directory), 'created', json_extract(m.data, '$.time.created'),
    'model', json_extract(m.data, '$.modelID'), 'provider', json_extract(m.data, '$.providerID'),
    'tokens', json_extract(m.data, '$.tokens'), 'cost', json_extract(m.data, '$.cost'),
    'tools', (SELECT json_group_array({_TOOL}) FROM part p WHERE p.message_id = m.id AND json_extract(p.data, '$.type') = 'tool'))
    FROM message m LEFT JOIN session s ON s.id = m.session_id WHERE json_extract(m.data, '$.role') = 'assistant'"""  # noqa: S608
_V2 = """SELECT json_object('id', m.id, 'session_id', m.session_id, 'parent_id', s.parent_id, 'session_created', s.time_created,
    'directory', s.directory, 'created', coalesce(json_extract(m.data, '$.time.created'), m.time_created),
    'model', json_extract(m.data, '$.model.id'), 'provider', json_extract(m.data, '$.model.providerID'),
    'tokens', json_extract(m.data, '$.tokens'), 'cost', json_extract(m.data, '$.cost'))
    FROM session_message m LEFT JOIN {sessions} s ON s.id = m.session_id WHERE m.type = 'assistant'"""
QUERIES = (_V1, _V2.format(sessions="session_v2"), _V2.format(sessions="session"))

LOGS: tuple[Source, ...] = (
    Sqlite(
        folders=(".local/share/opencode",),
        variables=(("XDG_DATA_HOME", "opencode"),),
        patterns=("opencode*.db",),
        queries=QUERIES,
    ),
    JsonDocument(
        folders=(".local/share/opencode",),
        variables=(("XDG_DATA_HOME", "opencode"),),
        patterns=("storage/message/*/*.json",),
    ),
)

_EDITS = ("edit", "write", "patch", "multiedit")

Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=10**13)]


class _Cache(msgspec.Struct):
    read: Count = None
    write: Count = None


class _Counts(msgspec.Struct):
    total: Count = None
    input: Count = None
    output: Count = None
    reasoning: Count = None
    cache: _Cache | None = None


class _Tool(msgspec.Struct):
    call_id: Text = None
    tool: Text = None
    status: Text = None
    path: Text = None
    patch: Text = None
    command: Text = None
    output: Text = None


class _Row(msgspec.Struct):
    """A message, as a row of the database tells it."""

    id: Text = None
    session_id: Text = None
    parent_id: Text = None
    session_created: Milliseconds | None = None
    directory: Text = None
    created: Milliseconds | None = None
    model: Text = None
    provider: Text = None
    tokens: _Counts | None = None
    cost: float | None = None
    tools: list[_Tool] | None = None


class _Times(msgspec.Struct):
    created: Milliseconds | None = None


class _Path(msgspec.Struct):
    cwd: Text = None


class _File(msgspec.Struct, rename={"session_id": "sessionID", "model": "modelID", "provider": "providerID"}):
    """A message, as a file of the old store has it."""

    role: Text = None
    session_id: Text = None
    model: Text = None
    provider: Text = None
    tokens: _Counts | None = None
    cost: float | None = None
    time: _Times | None = None
    path: _Path | None = None

    @property
    def row(self) -> _Row:
        return _Row(
            session_id=self.session_id,
            directory=self.path.cwd if self.path else None,
            created=self.time.created if self.time else None,
            model=self.model,
            provider=self.provider,
            tokens=self.tokens if self.role == "assistant" else None,
            cost=self.cost,
        )


_ROW = msgspec.json.Decoder(_Row)
_FILE = msgspec.json.Decoder(_File)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`."""
    return read(records, name, NAME)


def read(records: Iterable[bytes], name: str, tool: str) -> LogRead:
    """`read_log` for tools that keep OpenCode's store."""
    by_id: dict[str, Usage] = {}
    copies: dict[str, Usage] = {}
    effects = Effects()
    log, ids = LogRead(requests=[]), set[str]()
    for raw in records:
        row = _row(raw, name)
        if row is None:
            log.unreadable_records += 1
            continue
        if row.created is None or row.tokens is None or not (row.tokens.input or row.tokens.output or row.tokens.total):
            log.skipped_records += 1  # what a person said, or an answer that is not there yet
            continue
        if row.id in ids:
            continue
        ids |= {row.id} if row.id else set()
        usage = _usage(row, row.created, row.tokens, tool)
        is_copy = row.session_created is not None and row.created < row.session_created
        (copies if is_copy else by_id).setdefault(usage.request_id, usage)
        for call in row.tools or ():
            _call(effects, call, usage.request_id)
    log.requests = unique(effects.add_to(usage) for usage in (copies | by_id).values())
    return log


def _row(raw: bytes, name: str) -> _Row | None:
    if not name.endswith(".json"):
        return decode(_ROW, raw)
    file = decode(_FILE, raw)
    return file.row if file else None


def _call(effects: Effects, call: _Tool, request_id: str) -> None:
    if call.call_id and call.status == "completed":
        paths = (call.path or "",) if call.tool in _EDITS else patched(call.patch or "")
        effects.add_call(call.call_id, request_id, paths=paths, command=call.command or "")
        effects.add_answer(call.call_id, call.output or "")


def _usage(row: _Row, created_ms: float, counts: _Counts, tool: str) -> Usage:
    cache = counts.cache or _Cache()
    plain, read, write = counts.input or 0, cache.read or 0, cache.write or 0
    output, reasoning = counts.output or 0, counts.reasoning or 0
    # Old versions counted reasoning within the output.
    is_within = counts.total is not None and counts.total == plain + read + write + output and reasoning <= output
    vector = (plain, read, write, output, reasoning)
    return Usage(
        tool=tool,
        session_id=row.parent_id or row.session_id or "",
        request_id=":".join((str(int(created_ms)), row.model or "", *map(str, vector))),
        at=datetime.fromtimestamp(created_ms / 1000, UTC),
        model=row.model or "",
        provider=row.provider or "",
        reported_micros=usd_micros(row.cost) if row.cost and 0 < row.cost < 10_000 else None,
        agent_id=(row.session_id or "") if row.parent_id else "",
        tokens=Tokens(
            uncached_input=plain,
            cache_read=read,
            cache_write_5m=write,
            output=output if is_within else output + reasoning,
            reasoning=reasoning,
        ),
        context=Context(source=ContextSource.LOG, cwd=row.directory or ""),
    )
