"""Which requests a server may know, and how they are packed."""

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from attribution.tools import TOOLS
from attribution.usage import CommitMade, Usage
from collector.client import MAX_BATCH_BYTES, MAX_BATCH_REQUESTS, Parcel, batches
from collector.coverage import Coverage, sort_out
from collector.scan import scan
from tests.collector.machine import repository, request, write_log
from tests.tools import recorded

SALT = "00ff"
CANARY = "canary-yellow"
# Where logs hold what people and models said, and what commands were and printed.
WORDS = {
    "text", "content", "output", "stdout", "stderr", "thinking", "title", "summary", "message", "prompt", "query", "task", "tasks",
    "arguments", "description", "subject", "result", "results", "command", "commands", "new_content", "displayText", "input", "fragment",
    "cmd", "base_instructions", "originatingMessageId", "response",
}  # fmt: skip


def sung(value: Any, *, within: bool = False) -> Any:
    """The value with a canary in everything that was said, asked or printed."""
    if isinstance(value, dict):
        return {key: sung(inner, within=within or key in WORDS) for key, inner in value.items()}
    if isinstance(value, list):
        return [sung(inner, within=within) for inner in value]
    if isinstance(value, str) and value.startswith("{"):  # JSON in a string
        try:
            return json.dumps(sung(json.loads(value), within=within))
        except ValueError:
            pass
    return f"{value} {CANARY}" if within and isinstance(value, str) and (" " in value or value == "words") else value


@pytest.mark.parametrize("tool", TOOLS)
def test_no_word_that_was_said_asked_or_printed_leaves_with_a_request(tool: str):
    told, canaries = [], 0
    for log in recorded.logs(tool):
        records = [json.dumps(sung(json.loads(record))).encode() for record in log.records]
        canaries += sum(record.count(CANARY.encode()) for record in records)
        told += TOOLS[tool].read_log(records, log.name).requests
    assert told
    assert CANARY.encode() not in msgspec.json.encode(told)
    # Databases are asked for no words in the first place.
    assert canaries > 0 or tool in ("cursor", "goose", "kiro", "zed", "aider", "kilo-code", "opencode", "windsurf")


def coverage_of(*covered: str) -> Coverage:
    digests = [hmac.new(bytes.fromhex(SALT), name.encode(), hashlib.sha256).hexdigest() for name in covered]
    return Coverage(salt=SALT, host="github.com", repositories=frozenset(digests))


def test_paths_stay_here_where_somebody_wants_that():
    made = CommitMade(sha="1f2e3d4", authorship="x", files=("secret.py",))
    usage = Usage(
        tool="codex", session_id="s", request_id="r", at=recorded.read("codex")[0].requests[0].at, model="m",
        uncached_input_tokens=1, cache_read_tokens=0, cache_write_5m_tokens=0, cache_write_1h_tokens=0, output_tokens=1,
        reasoning_tokens=0, repository="acme/widgets", cwd="/home/secret", edited_files=("secret.py",), commits_made=(made,),
        commits_after=(made,),
    )  # fmt: skip
    coverage = coverage_of("acme/widgets")
    (with_paths,) = sort_out([usage], coverage).covered
    (without,) = sort_out([usage], coverage, paths=False).covered
    assert b"secret.py" in msgspec.json.encode(with_paths)
    assert b"secret" not in msgspec.json.encode(without)
    assert [one.sha for one in without.commits_made] == ["1f2e3d4"]


def test_batches_keep_both_limits():
    def parcel(size: int) -> Parcel:
        return Parcel(usage=None, body=b"x" * size)  # type: ignore[arg-type]

    sizes = [400_000] * 5 + [10] * 1200 + [MAX_BATCH_BYTES + 1] + [10]
    made = list(batches(parcel(size) for size in sizes))
    assert [len(one.body) for batch in made for one in batch] == sizes
    for batch in made:
        assert len(batch) <= MAX_BATCH_REQUESTS
        assert (
            len(batch) == 1 or len(b'{"requests":[' + b",".join(one.body for one in batch) + b"]}") <= MAX_BATCH_BYTES
        )


def test_an_enterprise_host_covers_only_its_own(home: Path, tmp_path: Path):
    ghe = repository(tmp_path / "a", "https://GHE.example.com/acme/widgets.git")
    public = repository(tmp_path / "b", "https://github.com/acme/widgets.git")
    gitlab = repository(tmp_path / "c", "https://gitlab.com/acme/widgets.git")
    write_log(home, request(1, ghe), request(2, public), request(3, gitlab))
    usages = scan(home, {"PATH": os.environ["PATH"]}).usages
    for host, expected in (("ghe.example.com", ["msg_1"]), ("github.com", ["msg_2"])):
        digest = hmac.new(bytes.fromhex(SALT), b"acme/widgets", hashlib.sha256).hexdigest()
        coverage = Coverage(salt=SALT, host=host, repositories=frozenset({digest}))
        found = sort_out(usages, coverage)
        assert [usage.request_id for usage in found.covered] == expected
        assert {(usage.repository, usage.cwd) for usage in found.covered} == {("acme/widgets", "")}
        assert (found.not_covered, found.repository_unknown) == (2, 0)
