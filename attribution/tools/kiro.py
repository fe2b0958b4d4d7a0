"""Kiro's command line: `~/.kiro/sessions/cli/<id>.json` (KIRO_HOME), the same on every system.

Kiro meters credits and says no tokens, so a turn is a request with credits, which are no dollars. No published schema:
shapes from public readers of it. The editor's stores are not read. https://kiro.dev/docs/billing
"""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated

import msgspec

from attribution.tools.log import Instant, JsonDocument, LogRead, Text, decode, stands_beside, utc
from attribution.usage import Context, ContextSource, Usage
from attribution.usage_merge import unique

NAME = "kiro"
TITLE = "Kiro"
LOGS = (
    JsonDocument(
        folders=(".kiro",), variables=(("KIRO_HOME", ""),), patterns=("sessions/cli/*.json",), beside=("{modified}",)
    ),
)


class _Metering(msgspec.Struct):
    value: Annotated[float, msgspec.Meta(ge=0, le=10**6)] | None = None
    unit: Text = None


class _Turn(msgspec.Struct):
    message_ids: list[Text] | None = None
    end_timestamp: Instant | None = None
    metering_usage: list[_Metering] | None = None


class _Metadata(msgspec.Struct):
    user_turn_metadatas: list[_Turn] | None = None


class _State(msgspec.Struct):
    conversation_metadata: _Metadata | None = None


class _Session(msgspec.Struct):
    session_id: Text = None
    cwd: Text = None
    updated_at: Instant | None = None
    session_state: _State | None = None


_SESSION = msgspec.json.Decoder(_Session)
_INSTANT = msgspec.json.Decoder(Instant)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. The file's name is the session's id."""
    log, modified = LogRead(requests=[]), None
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            modified = decode(_INSTANT, msgspec.json.encode(file.content)) or modified
            continue
        session = decode(_SESSION, raw)
        if session is None:
            log.unreadable_records += 1
        else:
            log.requests += _requests(session, PurePosixPath(name).stem, modified)
    log.requests = unique(log.requests)
    return log


def _requests(session: _Session, name: str, modified: Instant | None) -> list[Usage]:
    metadata = session.session_state.conversation_metadata if session.session_state else None
    usages: list[Usage] = []
    for number, turn in enumerate((metadata and metadata.user_turn_metadatas) or ()):
        credits = sum(
            metering.value or 0 for metering in turn.metering_usage or () if metering.unit in ("credit", "credits")
        )
        at = turn.end_timestamp or session.updated_at or modified
        if at is None:
            continue
        session_id = session.session_id or name
        usage = Usage(
            tool=NAME,
            session_id=session_id,
            request_id=f"{session_id}:{number}",
            at=utc(at),
            model="",
            credits_micros=round(credits * 1_000_000) if credits else None,
            context=Context(source=ContextSource.LOG, cwd=session.cwd or ""),
        )
        usages.append(usage)
    return unique(usages)
