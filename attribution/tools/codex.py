"""OpenAI Codex: rollouts below `~/.codex/sessions`, one `{timestamp, type, payload}` a line, one file a thread.

New versions write a `token_usage_record` with the response's id for every request. Older ones only have `token_count`, which
is repeated, emitted again on resume, and zero after a compaction; there a request is known by the thread's running total.
Forks and sub-agents of older versions start with a copy of their parent's lines: all `session_meta` of the copy follow the
file's own, the oldest ancestor's last, so rows are keyed by that ancestor and the copies merge with the originals.

`session_id` is the session that a thread belongs to: a sub-agent's is its parent's, and `agent_id` is its own thread; a fork
is a session of its own. https://github.com/openai/codex/tree/main/codex-rs/protocol
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from attribution.tools import codex_lines as lines
from attribution.tools.commits import commits_printed, may_commit
from attribution.tools.log import JsonLines, LogRead, OpenRecords, decode, utc
from attribution.tools.pulls_seen import may_touch, pulls_touched
from attribution.tools.remote import slug
from attribution.usage import CommitMade, Context, ContextSource, PullSeen, Tokens, Usage, with_work
from attribution.usage_merge import unique

NAME = "codex"
TITLE = "Codex"
# How a line begins as Codex writes it; others are decoded to see what they are.
_HEAD = rb'\{"timestamp":"[^"\\]{1,40}",(?:"ordinal":\d+,)?"type":"'
LOGS = (
    JsonLines(
        folders=(".codex",),
        variables=(("CODEX_HOME", ""),),
        patterns=(
            "sessions/**/rollout-*.jsonl",
            "sessions/**/rollout-*.jsonl.zst",
            "archived_sessions/**/rollout-*.jsonl",
            "archived_sessions/**/rollout-*.jsonl.zst",
        ),
        needles=(
            b'"call_id"',
            b'_token_usage"',
            b'"FileChange"',
            b'"turn_context"',
            b'"task_started"',
            b'"session_meta"',
            b'"thread_settings_applied"',
        ),
        # What people and models said, and what the model was shown.
        bulk=_HEAD + rb'(?:response_item","payload":\{"type":"(?:message|reasoning)"|world_state"|compacted"|'
        rb'event_msg","payload":\{"type":"(?:agent_message|agent_reasoning|user_message)")',
    ),
)

T = TypeVar("T")

_OUTPUT_HEAD = re.compile(
    _HEAD + rb'response_item","payload":\{"type":"(?:function|custom_tool)_call_output",(?:"id":"[^"\\]*",)?'
    rb'"call_id":"(?P<call_id>[^"\\]*)"'
)
_THREAD_IN_NAME = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl(?:\.zst)?$")


class _Row(msgspec.Struct):
    """A request whose turn may be described later: a compaction on resume precedes its `turn_context`."""

    key: str
    at: datetime
    turn_id: str
    turn_before: lines.Payload | None
    counts: lines.Counts
    tier: str
    is_count: bool  # from token_count, not from a record


_LINE = msgspec.json.Decoder(lines.Line)
_OUTPUT = msgspec.json.Decoder(str | list[lines.OutputText])
_SHELL = msgspec.json.Decoder(lines.Shell)
_OLD_OUTPUT = msgspec.json.Decoder(lines.OldOutput)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`. The name ends in the thread's id, for a file whose first line was lost."""
    in_name = _THREAD_IN_NAME.search(name)
    reading = _Reading(in_name[1] if in_name else "")
    for record in records:
        # Most of a rollout is what tools printed: only what a commit or a pull request was printed in is worth decoding.
        output = _OUTPUT_HEAD.match(record)
        if output and (call_id := output["call_id"].decode(errors="replace")) not in reading.commands:
            reading.has_answer(call_id)
            continue
        line = decode(_LINE, record)
        reading.open_records.see(record)
        if line is None:
            reading.unreadable_records += 1
        else:
            reading.take(line)
    return reading.finish()


class _Reading:
    """One rollout while it is read."""

    def __init__(self, thread_id: str) -> None:
        self.meta = lines.Payload(id=thread_id)
        self.has_meta = False
        self.ancestor = thread_id
        self.turn_id = ""
        self.turn_before: lines.Payload | None = None
        self.turns: dict[str, lines.Payload] = {}
        self.rows: dict[str, _Row] = {}
        self.has_records = False
        self.commands: dict[str, str] = {}
        self.waiting: list[str] = []  # calls of a response whose usage is not logged yet
        self.answers: set[str] = set()
        self.issuer: dict[str, str] = {}  # call -> row
        self.edits: dict[str, set[str]] = {}
        self.commits: dict[str, set[str]] = {}
        self.pulls: dict[str, set[PullSeen]] = {}
        self.tier = ""  # of the requests from here on, where they do not say their own
        self.open_records = OpenRecords()
        self.unreadable_records = 0

    def take(self, line: lines.Line) -> None:
        payload = line.payload
        match payload.type if line.type in ("event_msg", "response_item") else line.type:
            case "session_meta":
                self._session(payload)
                self.open_records.keep(f"meta {payload.id}")
            case "turn_context":
                self.turn_id = payload.turn_id or utc(line.timestamp).isoformat()
                self.turn_before = self.turns[self.turn_id] = payload
                self.open_records.keep("turn")
            case "task_started":
                self.turn_id = payload.turn_id or self.turn_id
                self.open_records.keep("task")
            case "thread_settings_applied" if payload.thread_settings:
                self.tier = payload.thread_settings.service_tier or ""
                self.open_records.keep("settings")
            case "token_usage_record" if payload.usage and payload.response_id:
                self.has_records = True
                self._row(payload.response_id, line, payload.usage, is_count=False)
            case "token_count" if not self.has_records and payload.info:
                self._count(line, payload.info)
            case "function_call" | "custom_tool_call" if payload.call_id:
                self._call(payload.call_id, _command(payload.arguments or payload.input or ""))
            case "function_call_output" | "custom_tool_call_output" if payload.call_id:
                self._output(payload.call_id, payload.output)
            case "item_completed" if payload.item and payload.item.type == "FileChange":
                if payload.item.status == "completed":
                    self._edit(payload.item.id or "", payload.item.changes)
            case "patch_apply_end" if payload.success:
                self._edit(payload.call_id or "", payload.changes)
            case _:
                pass

    def _call(self, call_id: str, command: str) -> None:
        self.waiting.append(call_id)
        self.open_records.keep(f"call {call_id}")
        if may_commit(command) or may_touch(command):
            self.commands[call_id] = command

    def _output(self, call_id: str, output: msgspec.Raw) -> None:
        self.has_answer(call_id)
        if call_id in self.commands:
            command, output_text = self.commands[call_id], _plain(output)
            self.commits.setdefault(call_id, set()).update(commits_printed(command, output_text))
            self.pulls.setdefault(call_id, set()).update(pulls_touched(command, output_text))

    def has_answer(self, call_id: str) -> None:
        self.answers.add(call_id)
        if call_id not in self.waiting:
            self._forget(call_id)

    def _forget(self, call_id: str) -> None:
        """Nothing more will be said of it."""
        self.open_records.drop(f"call {call_id}")
        self.open_records.drop(f"row of {call_id}")

    def _session(self, payload: lines.Payload) -> None:
        if not self.has_meta:
            self.meta, self.has_meta = payload, True
        self.ancestor = payload.id or self.ancestor

    def _count(self, line: lines.Line, info: lines.Info) -> None:
        """A row for a new total. An unchanged one is a repeat, or the estimate that follows a compaction."""
        total, last = info.total_token_usage, info.last_token_usage
        if total and last and (last.input_tokens or last.output_tokens):
            self._row(f"total:{total.vector}", line, last, is_count=True)

    def _row(self, key: str, line: lines.Line, counts: lines.Counts, *, is_count: bool) -> None:
        if key in self.rows:
            return
        turn_id = line.payload.turn_id or self.turn_id
        tier = line.payload.service_tier or self.tier
        self.rows[key] = _Row(key, utc(line.timestamp), turn_id, self.turn_before, counts, tier, is_count)
        self.open_records.keep_as("turn of row", "turn")
        self.open_records.keep_as("settings of row", "settings")
        self.open_records.keep("row")
        for call_id in self.waiting:
            self.issuer[call_id] = key
            self.open_records.keep(f"row of {call_id}")
            if call_id in self.answers:
                self._forget(call_id)
        self.waiting.clear()

    def _edit(self, call_id: str, changes: dict[str, msgspec.Raw] | None) -> None:
        # Code mode applies patches under an id that no call has: the latest response issued them.
        if call_id not in self.waiting and self.rows:
            self.issuer.setdefault(call_id, next(reversed(self.rows)))
        self.edits.setdefault(call_id, set()).update(changes or ())

    def finish(self) -> LogRead:
        rows = list(self.rows.values())
        if self.has_records and self.meta.forked_from_id:
            # What a fork counts before its first record is its parent's last total, emitted again.
            rows = [row for row in rows if not row.is_count]
        edits, commits, pulls = self._by_row(self.edits), self._by_row(self.commits), self._by_row(self.pulls)
        requests = [
            with_work(
                self._usage(row),
                edited_files=tuple(sorted(edits.get(row.key, ()))),
                commits_made=tuple(CommitMade(sha=sha) for sha in sorted(commits.get(row.key, ()))),
                pulls_seen=tuple(sorted(pulls.get(row.key, ()))),
            )
            for row in rows
        ]
        return LogRead(
            requests=unique(requests), carry=self.open_records.records, unreadable_records=self.unreadable_records
        )

    def _by_row(self, of_call: dict[str, set[T]]) -> dict[str, set[T]]:
        of_row: dict[str, set[T]] = {}
        for call_id, values in of_call.items():
            if call_id in self.issuer:
                of_row.setdefault(self.issuer[call_id], set()).update(values)
        return of_row

    def _usage(self, row: _Row) -> Usage:
        meta, counts = self.meta, row.counts
        turn = self.turns.get(row.turn_id) or row.turn_before or next(iter(self.turns.values()), lines.Payload())
        thread_id = meta.id or ""
        session_id = meta.session_id or meta.parent_thread_id or thread_id
        cached, cache_write = counts.cached_input_tokens or 0, counts.cache_write_input_tokens or 0
        # Git facts are those of the folder in which the thread started.
        is_elsewhere = turn.cwd is not None and turn.cwd != meta.cwd
        git = lines.Git() if is_elsewhere or meta.git is None else meta.git
        return Usage(
            tool=NAME,
            session_id=session_id,
            request_id=f"{self.ancestor}:{row.key}" if row.is_count else row.key,
            at=row.at,
            model=turn.model or "",
            service_tier=row.tier or turn.service_tier or "",
            agent_id=thread_id if session_id != thread_id and self.ancestor == thread_id else "",
            tokens=Tokens(
                uncached_input=max((counts.input_tokens or 0) - cached - cache_write, 0),
                cache_read=cached,
                cache_write_5m=cache_write,
                output=counts.output_tokens or 0,
                reasoning=counts.reasoning_output_tokens or 0,
            ),
            context=Context(
                source=ContextSource.LOG,
                repository=slug(git.repository_url or ""),
                branch=git.branch or "",
                commit=git.commit_hash or "",
                cwd=turn.cwd or meta.cwd or "",
            ),
        )


def _command(arguments: str) -> str:
    """The command in a shell call's arguments, which are JSON; of other calls the text as it is."""
    shell = decode(_SHELL, arguments.encode()) if arguments.startswith("{") else None
    command = (shell.cmd or shell.command) if shell else None
    return arguments if command is None else command if isinstance(command, str) else " ".join(command)


def _plain(output: msgspec.Raw) -> str:
    """The text of an output: a string, blocks of text, or JSON in a string in older versions."""
    value = decode(_OUTPUT, output)
    if isinstance(value, str):
        old = decode(_OLD_OUTPUT, value.encode()) if value.startswith("{") else None
        return old.output or "" if old else value
    return "\n".join(part.text or "" for part in value or ())
