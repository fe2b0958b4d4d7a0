"""Grok Build: `logs/unified.jsonl` below `~/.grok` (GROK_HOME), the same on every system: one log for all sessions.

Each `shell.turn.inference_done` is a request; what sessions say in `usage.json` repeats those of a fork's parent and of
sub-agents, and misses turns that were killed. A request has no id, so it is its session, time and place in the turn. Its model
and folder stand in earlier lines about the session. A sub-agent has a session of its own, begun by the process that ran
`spawn_subagent` last. `prompt_tokens` include what was cached, `completion_tokens` the reasoning. Compactions, titles and
streams that broke off are not logged, nor what tools did. Shapes from version 1.0.41: https://x.ai/cli
"""

from collections.abc import Iterable

import msgspec

from attribution.tools.log import Count, Instant, JsonLines, LogRead, OpenRecords, Text, decode, utc
from attribution.usage import Context, ContextSource, Tokens, Usage
from attribution.usage_merge import unique

NAME = "grok-build"
TITLE = "Grok Build"
_DONE, _MODEL, _STARTUP, _SPAWN, _TOOL = (
    "shell.turn.inference_done",
    "model changed",
    "startup timing",
    "subagent spawn credentials",
    "shell.tool.exec_done",
)
LOGS = (
    JsonLines(
        folders=(".grok",),
        variables=(("GROK_HOME", ""),),
        patterns=("logs/unified*.jsonl",),
        needles=(b"inference_done", b'"model changed"', b'"session.', b'"spawn_subagent"', b'"subagent spawn'),
    ),
)


class _About(msgspec.Struct):
    """What the kinds of lines that are read say."""

    loop_index: Count = None
    prompt_tokens: Count = None
    cached_prompt_tokens: Count = None
    completion_tokens: Count = None
    reasoning_tokens: Count = None
    model: Text = None
    session_id: Text = None
    cwd: Text = None
    tool_name: Text = None
    subagent_id: Text = None
    effective_model: Text = None


class _Line(msgspec.Struct):
    ts: Instant | None = None
    pid: int | None = None
    sid: Text = None
    msg: Text = None
    ctx: _About | None = None


_LINE = msgspec.json.Decoder(_Line)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the lines say all)
    """See `attribution.tools.log.Tool`."""
    reading = _Reading()
    for raw in records:
        reading.open_records.see(raw)
        line = decode(_LINE, raw)
        if line is None:
            reading.unreadable_records += 1
        elif line.ctx:
            reading.take(line, line.ctx)
    return LogRead(
        requests=unique(reading.requests),
        carry=reading.open_records.records,
        unreadable_records=reading.unreadable_records,
        skipped_records=reading.skipped_records,
    )


class _Reading:
    """The log while it is read. What is known of sessions is kept for what it gains."""

    def __init__(self) -> None:
        self.requests: list[Usage] = []
        self.models: dict[str, str] = {}
        self.folders: dict[str, str] = {}
        self.spawners: dict[int, str] = {}  # by process, the session that began a sub-agent last
        self.parents: dict[str, str] = {}
        self.open_records = OpenRecords()
        self.unreadable_records = self.skipped_records = 0

    def take(self, line: _Line, about: _About) -> None:
        if line.msg == _DONE:
            self._request(line, about)
        elif line.msg == _MODEL and line.sid and about.model:
            self.models[line.sid] = about.model
            self.open_records.keep(f"model {line.sid}")
        elif line.msg == _STARTUP and about.session_id and about.cwd:
            self.folders[about.session_id] = about.cwd
            self.open_records.keep(f"folder {about.session_id}")
        elif line.msg == _TOOL and about.tool_name == "spawn_subagent" and line.sid and line.pid is not None:
            self.spawners[line.pid] = line.sid
            self.open_records.keep(f"spawner {line.pid}")
        elif line.msg == _SPAWN and about.subagent_id:
            self._spawn(line, about, about.subagent_id)

    def _spawn(self, line: _Line, about: _About, agent_id: str) -> None:
        self.models[agent_id] = about.effective_model or ""
        self.open_records.keep(f"agent {agent_id}")
        if line.pid in self.spawners:
            parent = self.spawners[line.pid]
            self.parents[agent_id] = self.parents.get(parent, parent)
            self.open_records.keep_as(f"spawner of {agent_id}", f"spawner {line.pid}")

    def _request(self, line: _Line, about: _About) -> None:
        if line.ts is None or not line.sid:
            self.unreadable_records += 1
            return
        if not (about.prompt_tokens or about.completion_tokens):  # it failed
            self.skipped_records += 1
            return
        prompt, cached, output = about.prompt_tokens or 0, about.cached_prompt_tokens or 0, about.completion_tokens or 0
        session_id = self.parents.get(line.sid, line.sid)
        usage = Usage(
            tool=NAME,
            session_id=session_id,
            request_id=f"{line.sid}:{utc(line.ts).isoformat()}:{about.loop_index}",
            at=utc(line.ts),
            model=self.models.get(line.sid, ""),
            agent_id="" if session_id == line.sid else line.sid,
            tokens=Tokens(
                uncached_input=max(prompt - cached, 0),
                cache_read=min(cached, prompt),
                output=output,
                reasoning=min(about.reasoning_tokens or 0, output),
            ),
            context=Context(source=ContextSource.LOG, cwd=self.folders.get(session_id, "")),
        )
        self.requests.append(usage)
