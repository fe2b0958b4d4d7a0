"""Zed's agent: `threads.db` below `~/.local/share/zed` (Linux), `~/Library/Application Support/Zed` (macOS) and
`AppData/Local/Zed` (Windows).

A thread is one figure: its cumulative tokens, at the time of its last change. What the messages say covers only a part of it.
Agents of other makers that run inside Zed log in their own homes. Shapes from https://github.com/zed-industries/zed and not from
a recording.
"""

from collections.abc import Iterable

import msgspec

from attribution.tools.log import Count, Instant, LogRead, Sqlite, Text, decode, utc
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "zed"
TITLE = "Zed"
_QUERY = """SELECT json_object('id', t.id, 'updated_at', t.updated_at{more}, 'model', json_extract(d.data, '$.model.model'),
    'provider', json_extract(d.data, '$.model.provider'), 'total', json_extract(d.data, '$.cumulative_token_usage'),
    'parts', json_extract(d.data, '$.request_token_usage'))
    FROM threads t JOIN (SELECT id, CASE data_type WHEN 'zstd' THEN unzstd(data) ELSE CAST(data AS TEXT) END AS data
        FROM threads) d ON d.id = t.id WHERE json_valid(d.data)"""
LOGS = (
    Sqlite(
        folders=(
            ".local/share/zed/threads",
            "Library/Application Support/Zed/threads",
            "AppData/Local/Zed/threads",
        ),
        variables=(("XDG_DATA_HOME", "zed/threads"),),
        patterns=("threads.db",),
        queries=(
            _QUERY.format(more=", 'parent_id', t.parent_id, 'folder_paths', t.folder_paths"),
            _QUERY.format(more=""),
        ),
    ),
)


class _Counts(msgspec.Struct):
    input_tokens: Count = None
    output_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_read_input_tokens: Count = None

    @property
    def vector(self) -> tuple[int, int, int, int]:
        kinds = (self.input_tokens, self.output_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens)
        plain, output, write, read = (tokens or 0 for tokens in kinds)
        return plain, output, write, read


class _Thread(msgspec.Struct):
    id: Text = None
    updated_at: Instant | None = None
    parent_id: Text = None
    folder_paths: Text = None
    model: Text = None
    provider: Text = None
    total: _Counts | None = None
    parts: dict[str, _Counts] | None = None


_THREAD = msgspec.json.Decoder(_Thread)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the rows say all)
    """See `attribution.tools.log.Tool`."""
    log = LogRead(requests=[])
    for raw in records:
        thread = decode(_THREAD, raw)
        if thread is None or not thread.id or thread.updated_at is None:
            log.unreadable_records += 1
            continue
        sums = [sum(kind) for kind in zip(*(part.vector for part in (thread.parts or {}).values()), strict=True)] or [
            0
        ] * 4
        whole = (thread.total or _Counts()).vector
        plain, output, write, read = map(max, whole, sums)
        if not plain + output + write + read:
            log.skipped_records += 1
            continue
        usage = Usage(
            tool=NAME,
            session_id=thread.parent_id or thread.id,
            request_id=thread.id,
            at=utc(thread.updated_at),
            model=thread.model or "",
            provider=thread.provider or "",
            is_sum=True,
            agent_id=thread.id if thread.parent_id else "",
            tokens=Tokens(uncached_input=plain, cache_read=read, cache_write_5m=write, output=output),
            context=Context(
                source=ContextSource.LOG, cwd=(thread.folder_paths or "").splitlines()[0] if thread.folder_paths else ""
            ),
        )
        log.requests.append(usage)
    log.requests = unique(log.requests)
    return log
