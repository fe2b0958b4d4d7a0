"""Claude Code's events: `api_request` says what one request used: https://code.claude.com/docs/en/monitoring-usage

Its `request_id` is the transcript's `requestId`, an alias of the response there, so that both are one charge. Compaction and
titles, which no transcript has, are events like any other.
"""

from typing import Annotated

import msgspec

from attribution.telemetry import LogRecord, Refusal
from attribution.tools.claude_code import NAME
from attribution.tools.log import utc
from attribution.usage import Context, ContextSource, Tokens, Usage

_EVENTS = {"api_request", "claude_code.api_request"}
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Id = Annotated[str, msgspec.Meta(min_length=1)]


class _ApiRequest(msgspec.Struct, kw_only=True):
    """Counts may be texts: older versions send them so. Input is without cache."""

    session_id: _Id = msgspec.field(name="session.id")
    # Some providers give none. Such a request could not be told from the transcript's copy, and would be charged twice.
    request_id: _Id
    model: str
    input_tokens: _Count
    output_tokens: _Count
    cache_read_tokens: _Count
    cache_creation_tokens: _Count
    cache_creation_1h_tokens: _Count = 0
    cost_usd_micros: _Count | None = None
    speed: str = ""
    agent_id: str = ""


# All that is read of a record: prompts, commands and tools' output are none of it.
ATTRIBUTES = frozenset(field.encode_name for field in msgspec.structs.fields(_ApiRequest))


def request_of(record: LogRecord) -> Usage | Refusal | None:
    """None where the record is of something else than a request that was answered."""
    if record.event not in _EVENTS:
        return None
    try:
        event = msgspec.convert(dict(record.attributes), _ApiRequest, strict=False)
    except msgspec.ValidationError as error:
        return Refusal(f"an api_request of Claude Code: {error}")
    if event.cache_creation_1h_tokens > event.cache_creation_tokens:
        return Refusal("an api_request of Claude Code: more was written to cache for an hour than was written to cache")
    return Usage(
        tool=NAME,
        session_id=event.session_id,
        request_id=event.request_id,
        at=utc(record.at),
        agent_id=event.agent_id,
        model=event.model,
        tokens=Tokens(
            uncached_input=event.input_tokens,
            cache_read=event.cache_read_tokens,
            cache_write_5m=event.cache_creation_tokens - event.cache_creation_1h_tokens,
            cache_write_1h=event.cache_creation_1h_tokens,
            output=event.output_tokens,
        ),
        context=Context(source=ContextSource.TELEMETRY),
        speed="fast" if event.speed == "fast" else "",
        reported_micros=event.cost_usd_micros,
    )
