"""A home folder full of transcripts, made from the shapes of real ones.

Two thirds of the bytes are what tools printed, the rest in lines with usage, as in real logs. A response is logged as one
line for each of its blocks; a tenth of the sessions is copied by a fork, a third of the requests are sub-agents' in files
of their own, and some are nested in old `progress` lines.
"""

import json
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

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


def make(home: Path, megabytes: int) -> None:
    """Write about so much, two thirds of it Claude Code's, the rest Codex'."""
    shutil.rmtree(home, ignore_errors=True)
    chance = random.Random(7)
    prose = [_printed(chance) for _ in range(200)]
    written, number = 0, 0
    while written < megabytes * 1_000_000 * 2 // 3:
        written += _claude_session(home, number, chance, prose)
        number += 1
    while written < megabytes * 1_000_000:
        written += _codex_thread(home, number, chance, prose)
        number += 1


def _printed(chance: random.Random) -> str:
    """What a tool may have printed: lines of code with quotes, tabs and signs, which JSON has to escape."""
    lines = (
        "\t" * chance.randint(0, 4) + " ".join(chance.choices(_WORDS, k=chance.randint(1, 9))) + chance.choice(_ENDS)
        for _ in range(chance.randint(20, 700))
    )
    return "\n".join(lines)


def _claude_session(home: Path, number: int, chance: random.Random, prose: list[str]) -> int:
    folder = home / f".claude/projects/-home-dev-project-{number % 20}"
    session = f"{number:08x}-0000-4000-8000-000000000000"
    lines = list(_claude_lines(number, session, chance, prose))
    written = _write(folder / f"{session}.jsonl", lines)
    agent = list(_claude_lines(number + 10**6, session, chance, prose, requests=_IN_SESSION // 3, agent="a1"))
    written += _write(folder / session / "subagents/agent-a1.jsonl", agent)
    if number % 10 == 0:
        fork = session.replace("0000-4000", "0001-4000")
        written += _write(
            folder / f"{fork}.jsonl",
            [line.replace(f'"sessionId":"{session}"', f'"sessionId":"{fork}"') for line in lines],
        )
    return written


def _claude_lines(
    number: int, session: str, chance: random.Random, prose: list[str], requests: int = _IN_SESSION, agent: str = ""
) -> Iterator[str]:
    at = START + timedelta(minutes=13 * (number % 4000))
    for i in range(requests):
        at += timedelta(seconds=chance.randint(5, 90))
        name = f"msg_{number:08x}{i:04x}"
        common = {
            "parentUuid": f"{i:08x}", "isSidechain": bool(agent), "userType": "external", "cwd": "/home/dev/project",
            "sessionId": session, "version": "2.1.330", "gitBranch": f"feat/{number % 50}",
        } | ({"agentId": agent} if agent else {})  # fmt: skip
        usage = {
            "input_tokens": chance.randint(1, 2000), "cache_creation_input_tokens": 804, "cache_read_input_tokens": 20011,
            "cache_creation": {"ephemeral_5m_input_tokens": 301, "ephemeral_1h_input_tokens": 503},
            "output_tokens": chance.randint(5, 3000), "service_tier": "standard", "inference_geo": "not_available",
        }  # fmt: skip
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for block in (
            {"type": "thinking", "thinking": chance.choice(prose)[:2500], "signature": "x" * 300},
            {"type": "tool_use", "id": f"toolu_{name}", **_call(i, chance, prose)},
        ):
            message = {
                "id": name,
                "type": "message",
                "role": "assistant",
                "model": "claude-opus-5",
                "content": [block],
                "usage": usage,
            }
            yield _dump(
                common
                | {
                    "type": "assistant",
                    "uuid": f"{name}-{block['type']}",
                    "timestamp": stamp,
                    "requestId": f"req_{name}",
                    "message": message,
                }
            )
        printed = "The file was written." if i % 3 == 0 else chance.choice(prose)
        result = {"type": "tool_result", "tool_use_id": f"toolu_{name}", "content": printed}
        yield _dump(
            common
            | {
                "type": "user",
                "uuid": f"{name}-r",
                "timestamp": stamp,
                "message": {"role": "user", "content": [result]},
                "toolUseResult": {"stdout": result["content"], "stderr": ""},
            }
        )
        if i % 5 == 4:
            inner = {
                "type": "assistant",
                "uuid": f"{name}-n",
                "timestamp": stamp,
                "requestId": f"req_{name}n",
                "message": {
                    "id": f"{name}n",
                    "role": "assistant",
                    "model": "claude-haiku-4-5",
                    "content": [],
                    "usage": usage,
                },
            }
            yield _dump(
                common
                | {
                    "type": "progress",
                    "uuid": f"{name}-p",
                    "timestamp": stamp,
                    "data": {"type": "agent_progress", "agentId": "old", "message": inner},
                }
            )


def _call(i: int, chance: random.Random, prose: list[str]) -> dict[str, object]:
    """Each third call writes a file, the others read or run something."""
    if i % 3 == 0:
        content = chance.choice(prose)[:12_000]
        return {"name": "Write", "input": {"file_path": f"/home/dev/project/{i}.py", "content": content}}
    return {"name": "Bash", "input": {"command": "make test", "description": "run the tests"}}


def _codex_thread(home: Path, number: int, chance: random.Random, prose: list[str]) -> int:
    thread = f"01a2097b-0000-7000-8000-{number:012x}"
    at = START + timedelta(minutes=13 * (number % 4000))
    lines = [
        _codex(
            at,
            "session_meta",
            {"id": thread, "cwd": "/home/dev/project", "cli_version": "0.169.0", "base_instructions": prose[0] * 2},
        )
    ]
    total = {
        "input_tokens": 0,
        "cached_input_tokens": 0,
        "output_tokens": 0,
        "reasoning_output_tokens": 0,
        "total_tokens": 0,
    }
    lines.append(_codex(at, "turn_context", {"turn_id": f"t{number}", "cwd": "/home/dev/project", "model": "gpt-5.5"}))
    for i in range(_IN_SESSION):
        at += timedelta(seconds=chance.randint(5, 90))
        last = {
            "input_tokens": 21000 + i,
            "cached_input_tokens": 20011,
            "output_tokens": chance.randint(5, 3000),
            "reasoning_output_tokens": 5,
        }
        last["total_tokens"] = last["input_tokens"] + last["output_tokens"]
        total = {kind: total[kind] + last[kind] for kind in total}
        call = {
            "type": "function_call",
            "name": "exec_command",
            "call_id": f"call_{i}",
            "arguments": '{"cmd":"make test"}',
        }
        lines.append(_codex(at, "response_item", call))
        lines.append(
            _codex(
                at,
                "response_item",
                {"type": "function_call_output", "call_id": f"call_{i}", "output": chance.choice(prose)},
            )
        )
        info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": 272000}
        lines += [_codex(at, "event_msg", {"type": "token_count", "info": info, "rate_limits": None})] * 2
        lines.append(
            _codex(
                at,
                "response_item",
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": chance.choice(prose)}],
                },
            )
        )
    name = f"rollout-{START:%Y-%m-%dT%H-%M-%S}-{thread}.jsonl"
    return _write(home / ".codex/sessions/2026/10/01" / name, lines)


def _codex(at: datetime, kind: str, payload: dict[str, object]) -> str:
    return _dump(
        {"timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "type": kind, "payload": payload}
    )


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _write(path: Path, lines: list[str]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    path.write_text(text)
    return len(text)
