"""Goose: `sessions.db` below `~/.local/share/goose` (XDG_DATA_HOME, GOOSE_PATH_ROOT) on Linux and macOS, below
`AppData/Roaming/Block/goose` on Windows.

Since schema 15 its `usage_ledger` has a row for every request. Stores before that have sums of a session, which are coarse
and only read for sessions without a row. Whether input includes the cache shows in the total. Its own cost stands where
there is no price. Shapes from https://github.com/block/goose and not from a recording; neither branch nor remote.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from attribution.tools.log import Count, LogRead, Sqlite, Text, decode, usd_micros
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "goose"
TITLE = "goose"
_SUMS = """SELECT json_object('session_id', s.id, 'at', unixepoch(s.created_at), 'provider', s.provider_name,
    'model', json_extract(s.model_config_json, '$.model_name'), 'input', s.accumulated_input_tokens,
    'output', s.accumulated_output_tokens, 'total', s.accumulated_total_tokens{more}, 'cwd', s.working_dir)
    FROM sessions s WHERE s.accumulated_total_tokens > 0"""
LOGS = (
    Sqlite(
        folders=(".local/share/goose/sessions", "AppData/Roaming/Block/goose/data/sessions"),
        variables=(("GOOSE_PATH_ROOT", "data/sessions"), ("XDG_DATA_HOME", "goose/sessions")),
        patterns=("sessions.db",),
        queries=(
            """SELECT json_object('id', u.id, 'session_id', u.session_id, 'parent_id', s.parent_session_id,
                'at', u.created_timestamp, 'provider', s.provider_name, 'model', u.model, 'input', u.input_tokens,
                'output', u.output_tokens, 'total', u.total_tokens, 'read', u.cache_read_tokens,
                'cache_write', u.cache_write_tokens, 'cost', u.cost, 'cwd', s.working_dir)
                FROM usage_ledger u LEFT JOIN sessions s ON s.id = u.session_id ORDER BY u.id""",
            _SUMS.format(
                more=", 'read', s.accumulated_cache_read_tokens, 'cache_write', s.accumulated_cache_write_tokens"
            ),
            _SUMS.format(more=""),
        ),
    ),
)


class _Row(msgspec.Struct):
    """A row of the ledger, or without an `id` the sum of a session."""

    id: int | str | None = None
    session_id: int | str | None = None
    parent_id: int | str | None = None
    at: Annotated[float, msgspec.Meta(ge=0, le=10**13)] | None = None
    provider: Text = None
    model: Text = None
    input: Count = None
    output: Count = None
    total: Count = None
    read: Count = None
    cache_write: Count = None
    cost: Annotated[float, msgspec.Meta(ge=0, lt=10_000)] | None = None
    cwd: Text = None


_ROW = msgspec.json.Decoder(_Row)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the rows say all)
    """See `attribution.tools.log.Tool`."""
    log, sums = LogRead(requests=[]), dict[str, Usage]()
    in_ledger: set[object] = set()
    for raw in records:
        row = decode(_ROW, raw)
        if row is None or row.at is None or row.session_id is None:
            log.unreadable_records += 1
        elif row.id is not None:
            in_ledger.add(row.session_id)
            log.requests.append(_usage(row, row.at))
        elif row.session_id not in in_ledger:
            sums.setdefault(str(row.session_id), _usage(row, row.at))
    log.requests = unique([*log.requests, *sums.values()])
    return log


def _usage(row: _Row, at: float) -> Usage:
    read, write, input_tokens = row.read or 0, row.cache_write or 0, row.input or 0
    is_within = row.total == input_tokens + (row.output or 0) and read + write <= input_tokens
    session_id = str(row.session_id)
    return Usage(
        tool=NAME,
        session_id=str(row.parent_id or session_id),
        request_id=session_id if row.id is None else f"{session_id}:{row.id}",
        at=datetime.fromtimestamp(at / 1000 if at > 10**11 else at, UTC),
        model=row.model or "",
        provider=row.provider or "",
        is_sum=row.id is None,
        reported_micros=usd_micros(row.cost),
        agent_id=session_id if row.parent_id else "",
        tokens=Tokens(
            uncached_input=input_tokens - read - write if is_within else input_tokens,
            cache_read=read,
            cache_write_5m=write,
            output=row.output or 0,
        ),
        context=Context(source=ContextSource.LOG, cwd=row.cwd or ""),
    )
