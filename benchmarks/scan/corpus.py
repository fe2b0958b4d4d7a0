"""A home folder full of transcripts, and what they add up to.

Lines have the keys of recorded ones, in their order. As in real logs most bytes are what tools printed and what a session was
started with; some three tenths stand in lines with usage, a third of those in the `progress` lines of older Claude Code, which
nest what sub-agents answered. A response is logged as one line for each of its blocks, a tenth of the sessions is copied by a
fork, sub-agents have files of their own, half of the Codex threads are of versions before `token_usage_record`.
"""

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 10, 1, 8, tzinfo=UTC)
_WORDS = [
    "def",
    "return",
    "value",
    "import",
    "request",
    "limit",
    "the",
    "of",
    "to",
    "and",
    "test",
    "error",
    "line",
    "file",
    "path",
    "self",
    "none",
    "true",
    "false",
    "assert",
]
_ENDS = ("", ":", ' = "value"', " -> {'key': [1, 2]}", "  # \u2192 naïve", "\\n", ' <a href="/x">')
_IN_SESSION = 60


@dataclass
class Corpus:
    """`tokens` are those of all requests, each once: uncached input, cached input, cache writes, output."""

    home: Path
    requests: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    size_bytes: int = 0
    generation: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    prose: list[str] = field(default_factory=list)
    is_long: bool = False

    @property
    def tokens(self) -> tuple[int, ...]:
        return tuple(sum(kind) for kind in zip(*self.requests.values(), strict=True))

    def prose_of(self, most: int) -> str:
        return self.chance.choice(self.prose)[:most]

    def write(self, name: str, lines: list[dict[str, Any]]) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            for line in lines:
                self.size_bytes += file.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")


def make(home: Path, megabytes: int, is_long: bool = False) -> Corpus:
    """Write about so much, two thirds of it Claude Code's, the rest Codex'; or with `is_long` long sessions of Claude Code alone:
    most bytes are results of tools, one line of ten asks for an edit, and its answer repeats the whole file."""
    shutil.rmtree(home, ignore_errors=True)
    corpus = Corpus(home, is_long=is_long)
    corpus.prose = [_tool_output(corpus.chance) for _ in range(200)]
    number = 0
    parts = ((megabytes * 2 / 3, _claude_session), (megabytes, _codex_thread))
    for most, session in ((megabytes, _long_session),) if is_long else parts:
        while corpus.size_bytes < most * 1_000_000:
            session(corpus, number)
            number += 1
    return corpus


def grow(corpus: Corpus) -> None:
    """A few sessions go on."""
    corpus.generation += 1
    for number in range(0, 20, 4):
        corpus.write(
            _claude_name(number),
            list(_claude_lines(corpus, number, _id(number), requests=3, first=1000 * corpus.generation)),
        )


def _tool_output(chance: random.Random) -> str:
    """What a tool may have printed: lines of code with quotes, tabs and signs, which JSON has to escape."""
    lines = (
        "\t" * chance.randint(0, 4) + " ".join(chance.choices(_WORDS, k=chance.randint(1, 9))) + chance.choice(_ENDS)
        for _ in range(chance.randint(20, 700))
    )
    return "\n".join(lines)


def _id(number: int, kind: int = 0) -> str:
    return f"{number:08x}-{kind:04x}-4000-8000-000000000000"


def _at(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _claude_name(number: int, session: str = "") -> str:
    return f".claude/projects/-home-dev-project-{number % 20}/{session or _id(number)}.jsonl"


def _claude_session(corpus: Corpus, number: int) -> None:
    session = _id(number)
    agent = list(_claude_lines(corpus, number, session, requests=_IN_SESSION // 3, agent="a1"))
    corpus.write(_claude_name(number, f"{session}/subagents/agent-a1"), agent)
    lines = [*_claude_start(corpus, number, session), *_claude_lines(corpus, number, session)]
    # Older versions nest what a sub-agent answered; of every second session it has no file of its own.
    nested = agent if number % 2 else list(_claude_lines(corpus, number, session, requests=8, agent="a2"))
    lines += [_progress(corpus, line) for line in nested if line["type"] == "assistant"]
    corpus.write(_claude_name(number), lines)
    if number % 10 == 0:
        copies = [{**line, "sessionId": _id(number, 1)} for line in lines]
        corpus.write(_claude_name(number, _id(number, 1)), copies)


def _long_session(corpus: Corpus, number: int) -> None:
    session = _id(number)
    corpus.write(_claude_name(number), list(_claude_lines(corpus, number, session, requests=_IN_SESSION * 5)))


def _claude_start(corpus: Corpus, number: int, session: str) -> Iterator[dict[str, Any]]:
    about = _claude_about(number, session)
    for kind in ("prompt_snapshot", "skill_listing", "agent_listing_delta"):
        yield {
            "parentUuid": None,
            "isSidechain": False,
            "attachment": {"type": kind, "content": corpus.prose_of(20_000)},
        } | about
    yield {"type": "api-request-shape", "sessionId": session, "shape": {"system": corpus.prose_of(20_000)}}


def _claude_about(number: int, session: str) -> dict[str, Any]:
    return {
        "userType": "external", "entrypoint": "cli", "cwd": f"/home/dev/project-{number % 20}", "sessionId": session,
        "version": "2.1.330", "gitBranch": f"feat/{number % 50}",
    }  # fmt: skip


def _claude_lines(
    corpus: Corpus, number: int, session: str, requests: int = _IN_SESSION, agent: str = "", first: int = 0
) -> Iterator[dict[str, Any]]:
    """Requests of a session or of its sub-agent: two or three lines each, and what the tool then printed."""
    chance, at = corpus.chance, START + timedelta(minutes=13 * (number % 4000))
    about = _claude_about(number, session) | ({"agentId": agent} if agent else {})
    for i in range(first, first + requests):
        at += timedelta(seconds=chance.randint(5, 90))
        name = f"msg_{number:08x}{agent}{i:04x}"
        counts = chance.randint(1, 2000), 20011 + i, 804, chance.randint(5, 3000)
        corpus.requests[name] = counts
        usage = {
            "input_tokens": counts[0], "cache_creation_input_tokens": counts[2], "cache_read_input_tokens": counts[1],
            "cache_creation": {"ephemeral_5m_input_tokens": 301, "ephemeral_1h_input_tokens": 503}, "output_tokens": counts[3],
            "server_tool_use": {"web_search_requests": 0}, "service_tier": "standard", "inference_geo": "not_available",
        }  # fmt: skip
        blocks = [
            {"type": "thinking", "thinking": corpus.prose_of(1200), "signature": "x" * 300},
            {"type": "tool_use", "id": f"toolu_{name}", **_call(i, corpus)},
        ]
        if i % 3 == 0:
            blocks.insert(1, {"type": "text", "text": corpus.prose_of(600)})
        head = {"parentUuid": f"{i:08x}", "isSidechain": bool(agent)}
        for block in blocks:
            at += timedelta(milliseconds=40)
            message = {
                "id": name,
                "type": "message",
                "role": "assistant",
                "model": "claude-opus-5",
                "content": [block],
                "usage": usage,
            }
            tail = {
                "requestId": f"req_{name}",
                "type": "assistant",
                "uuid": f"{name}-{block['type']}",
                "timestamp": _at(at),
            }
            yield head | {"message": message} | tail | about
        is_edit = i % 3 == 0
        output = "The file was written." if is_edit else corpus.prose_of(30_000)
        answer = {"stdout": output, "stderr": "", "interrupted": False}
        if is_edit and corpus.is_long:
            answer = {"filePath": f"/home/dev/project/{i}.py", "originalFile": corpus.prose_of(30_000)}
        result = {"tool_use_id": f"toolu_{name}", "type": "tool_result", "content": output}
        yield head | {
            "type": "user", "message": {"role": "user", "content": [result]}, "uuid": f"{name}-r", "timestamp": _at(at),
            "toolUseResult": answer,
        } | about  # fmt: skip


def _progress(corpus: Corpus, line: dict[str, Any]) -> dict[str, Any]:
    """A sub-agent's line as older versions nest it in its parent's file."""
    inner = {name: line[name] for name in ("type", "message", "requestId", "uuid", "timestamp")}
    data = {"message": inner, "type": "agent_progress", "prompt": corpus.prose_of(3000), "agentId": line["agentId"]}
    outer = {name: value for name, value in line.items() if name not in ("message", "requestId", "agentId")}
    return {
        **outer,
        "isSidechain": False,
        "type": "progress",
        "data": data,
        "toolUseID": "agent",
        "parentToolUseID": "toolu_x",
    }


def _call(i: int, corpus: Corpus) -> dict[str, Any]:
    """Each third call writes a file, the others read or run something."""
    if i % 3 == 0:
        return {"name": "Write", "input": {"file_path": f"/home/dev/project/{i}.py", "content": corpus.prose_of(6000)}}
    return {"name": "Bash", "input": {"command": "make test", "description": "run the tests"}}


def _codex_thread(corpus: Corpus, number: int) -> None:
    thread, at = f"01a2097b-0000-7000-8000-{number:012x}", START + timedelta(minutes=13 * (number % 4000))
    chance, has_records, total = corpus.chance, number % 2 == 0, [0, 0, 0]
    lines: list[dict[str, Any]] = []

    def log(kind: str, **payload: Any) -> None:
        lines.append({"timestamp": _at(at), "ordinal": len(lines), "type": kind, "payload": payload})

    cwd = f"/home/dev/project-{number % 20}"
    log("session_meta", id=thread, cwd=cwd, cli_version="0.169.0", base_instructions={"text": corpus.prose_of(20_000)})
    log("world_state", full=True, state={"agents_md": corpus.prose_of(8000)})
    log("turn_context", turn_id=f"t{number}", cwd=cwd, model="gpt-5.5")
    for i in range(_IN_SESSION):
        at += timedelta(seconds=chance.randint(5, 90))
        output, fresh = chance.randint(5, 3000), 1000 + i
        corpus.requests[f"{thread}{i}"] = fresh, 20011, 0, output
        total = [total[0] + 20011 + fresh, total[1] + 20011, total[2] + output]
        last, whole = _codex_counts(20011 + fresh, 20011, output), _codex_counts(*total)
        log("response_item", type="reasoning", id=f"rs_{i}", summary=[], encrypted_content="x" * 1500)
        call = {"type": "function_call", "id": f"fc_{i}", "name": "exec_command", "call_id": f"call_{i}"}
        log("response_item", **call, arguments='{"cmd":"make test"}')
        if has_records:
            log("token_usage_record", thread_id=thread, turn_id=f"t{number}", response_id=f"resp_{thread}{i}", usage=last,
                turn_token_usage=whole, thread_token_usage=whole)  # fmt: skip
        answer = {"type": "function_call_output", "id": f"fco_{i}", "call_id": f"call_{i}"}
        log("response_item", **answer, output=corpus.prose_of(30_000))
        info = {"total_token_usage": whole, "last_token_usage": last, "model_context_window": 258400}
        for _ in range(2):
            log("event_msg", type="token_count", info=info, rate_limits=None)
        content = [{"type": "output_text", "text": corpus.prose_of(3000)}]
        log("response_item", type="message", id=f"m_{i}", role="assistant", content=content)
        log("event_msg", type="agent_message", message=content[0]["text"])
    corpus.write(f".codex/sessions/2026/10/01/rollout-{START:%Y-%m-%dT%H-%M-%S}-{thread}.jsonl", lines)


def _codex_counts(input_tokens: int, cached: int, output: int) -> dict[str, int]:
    return {
        "input_tokens": input_tokens, "cached_input_tokens": cached, "cache_write_input_tokens": 0, "output_tokens": output,
        "reasoning_output_tokens": 5, "total_tokens": input_tokens + output,
    }  # fmt: skip
