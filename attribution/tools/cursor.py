"""Cursor: `User/globalStorage/state.vscdb` below `~/.config/Cursor`, `~/Library/Application Support/Cursor` or
`AppData/Roaming/Cursor`.

Since version 3 the token counts there are zero, so requests are known and their tokens are not; earlier ones say input and output
without a split by cache. What a request cost only Cursor's own reports tell. Reverse engineered by public readers; no folder is
known for a conversation. https://cursor.com/docs/account/teams/admin-api
"""

from collections.abc import Iterable

import msgspec

from attribution.tools.log import Count, Instant, LogRead, Sqlite, Text, decode, utc
from attribution.usage import TOKENS_NOT_KNOWN, Tokens, Usage
from attribution.usage_merge import unique

NAME = "cursor"
TITLE = "Cursor"
LOGS = (
    Sqlite(
        folders=(
            ".config/Cursor/User/globalStorage",
            "Library/Application Support/Cursor/User/globalStorage",
            "AppData/Roaming/Cursor/User/globalStorage",
        ),
        patterns=("state.vscdb",),
        queries=(
            """SELECT json_object('key', key, 'at', json_extract(value, '$.createdAt'),
                'request_id', json_extract(value, '$.requestId'), 'model', json_extract(value, '$.modelInfo.modelName'),
                'input', json_extract(value, '$.tokenCount.inputTokens'),
                'output', json_extract(value, '$.tokenCount.outputTokens'))
                FROM cursorDiskKV WHERE key >= 'bubbleId:' AND key < 'bubbleId;' AND json_valid(value)
                AND json_extract(value, '$.type') = 2""",
        ),
    ),
)


class _Bubble(msgspec.Struct):
    """An answer; its key is `bubbleId:<conversation>:<bubble>`."""

    key: str
    at: Instant | None = None
    request_id: Text = None
    model: Text = None
    input: Count = None
    output: Count = None


_BUBBLE = msgspec.json.Decoder(_Bubble)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the rows say all)
    """See `attribution.tools.log.Tool`."""
    log, answers = LogRead(requests=[]), dict[tuple[str, str], dict[str, _Bubble]]()
    for raw in records:
        bubble = decode(_BUBBLE, raw)
        if bubble is None or bubble.key.count(":") < 2:
            log.unreadable_records += 1
        elif bubble.at is None:
            log.skipped_records += 1
        else:
            _, conversation, own = bubble.key.split(":", 2)
            answers.setdefault((conversation, bubble.request_id or own), {})[own] = bubble
    log.requests = unique(_usage(*key, list(bubbles.values())) for key, bubbles in answers.items())
    return log


def _usage(conversation: str, request_id: str, bubbles: list[_Bubble]) -> Usage:
    """One request, which may have answered in several bubbles."""
    input_tokens, output = (sum(getattr(bubble, kind) or 0 for bubble in bubbles) for kind in ("input", "output"))
    return Usage(
        tool=NAME,
        session_id=conversation,
        request_id=request_id,
        at=min(utc(bubble.at) for bubble in bubbles if bubble.at),
        model=next((bubble.model for bubble in bubbles if bubble.model), ""),
        tokens=Tokens(uncached_input=input_tokens, output=output) if bool(input_tokens or output) else TOKENS_NOT_KNOWN,
    )
