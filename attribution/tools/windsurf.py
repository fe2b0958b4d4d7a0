"""Windsurf, now Devin Desktop: `~/.windsurf/transcripts/<id>.jsonl`, written where hooks are on; the same on every system.

No tokens, cost, model or times: a session is one request without a price, at the time of the log's last change, with the
files that it edited and the commits that it made. Shapes from public readers of it.
https://docs.devin.ai/desktop/cascade/hooks
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

import msgspec

from attribution.tools.effects import Effects
from attribution.tools.log import Instant, JsonLines, LogRead, Text, decode, stands_beside, utc
from attribution.usage import Context, ContextSource, Usage

NAME = "windsurf"
TITLE = "Windsurf"
LOGS = (
    JsonLines(
        folders=(".windsurf/transcripts",),
        patterns=("*.jsonl",),
        beside=("{modified}",),
        needles=(b'"planner_response"', b'"code_action"', b'"run_command"'),
    ),
)


class _Action(msgspec.Struct):
    path: Text = None
    acknowledgement_type: Text = None


class _Command(msgspec.Struct):
    command: Text = None
    cwd: Text = None
    output: Text = None
    exit_code: int | None = None
    user_rejected: bool | None = None


class _Line(msgspec.Struct):
    type: Text = None
    code_action: _Action | None = None
    run_command: _Command | None = None


_LINE = msgspec.json.Decoder(_Line)
_INSTANT = msgspec.json.Decoder(Instant)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. The file's name is the session's id."""
    session_id, cwd, at = PurePosixPath(name).stem, "", None
    log, effects, lines = LogRead(requests=[]), Effects(), 0
    for raw in records:
        if (file := stands_beside(raw)) is not None:
            at = decode(_INSTANT, msgspec.json.encode(file.content)) or at
            continue
        line = decode(_LINE, raw)
        if line is None:
            log.unreadable_records += 1
            continue
        lines += 1
        if line.code_action and "reject" not in (line.code_action.acknowledgement_type or "").lower():
            effects.add_call(str(lines), session_id, paths=(line.code_action.path or "",))
            effects.add_answer(str(lines))
        elif line.run_command and not line.run_command.user_rejected:
            cwd = cwd or line.run_command.cwd or ""
            effects.add_call(str(lines), session_id, command=line.run_command.command or "")
            effects.add_answer(str(lines), line.run_command.output or "")
    if lines and at:
        log.requests = [effects.add_to(_usage(session_id, at, cwd))]
    return log


def _usage(session_id: str, at: Instant, cwd: str) -> Usage:
    return Usage(
        tool=NAME,
        session_id=session_id,
        request_id=session_id,
        at=utc(at),
        model="",
        context=Context(source=ContextSource.LOG, cwd=cwd),
    )
