"""Which requests are sent to a server, and in which batches."""

import hashlib
import hmac
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from attribution.protocol import SENT_BYTES, SENT_REQUESTS
from attribution.tools import TOOLS
from attribution.usage import CommitMade, Context, Tokens, Usage, Work
from attribution.usage_merge import unique
from collector.client import Parcel, batches
from collector.coverage import Coverage, select
from collector.enrich import with_git_facts
from collector.scan import scan
from tests.collector.machine import git, repository, request, write_log
from tests.tools import recordings

SALT = "00ff"
CANARY = "canary-yellow"
# Where logs hold what people and models said, and what commands were and printed.
WORDS = {
    "text", "content", "output", "stdout", "stderr", "thinking", "title", "summary", "message", "prompt", "query", "task", "tasks",
    "arguments", "description", "subject", "result", "results", "command", "commands", "new_content", "displayText", "input", "fragment",
    "cmd", "base_instructions", "originatingMessageId", "response", "user_prompt", "output_preview",
}  # fmt: skip


def with_canaries(value: Any, *, within: bool = False) -> Any:
    """The value with a canary in everything that was said, asked or printed."""
    if isinstance(value, dict):
        return {key: with_canaries(inner, within=within or key in WORDS) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_canaries(inner, within=within) for inner in value]
    if isinstance(value, str) and value.startswith("{"):  # JSON in a string
        try:
            return json.dumps(with_canaries(json.loads(value), within=within))
        except ValueError:
            pass
    return f"{value} {CANARY}" if within and isinstance(value, str) and (" " in value or value == "words") else value


def add_canaries(below: Path, cwd: Path) -> int:
    """Put canaries into every log below the folder, and `cwd` as its folder. Returns the number of canaries."""
    for path in (path for path in below.rglob("*") if path.is_file()):
        if path.suffix in (".db", ".vscdb"):
            add_canaries_to_database(path, cwd)
        else:
            lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
            path.write_text(
                "\n".join(text_with_canaries(line, cwd) for line in lines) + "\n" * (path.suffix == ".jsonl")
            )
    return sum(path.read_bytes().count(CANARY.encode()) for path in below.rglob("*") if path.is_file())


def add_canaries_to_database(path: Path, cwd: Path) -> None:
    with closing(sqlite3.connect(path)) as store:
        for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for _, column, *_ in store.execute(f"PRAGMA table_info({table})").fetchall():
                for row, value in store.execute(f"SELECT rowid, {column} FROM {table}").fetchall():  # noqa: S608
                    if isinstance(value, str):
                        update = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"  # noqa: S608
                        store.execute(update, (text_with_canaries(value, cwd), row))
        store.commit()


def text_with_canaries(text: str, cwd: Path) -> str:
    try:
        text = json.dumps(with_canaries(json.loads(text)))
    except ValueError:
        text = f"{text} {CANARY}" if " " in text or text == "words" else text
    return text.replace("/home/dev/widgets", str(cwd))


def usages_with_canaries(tool: str, tmp_path: Path, repo: Path) -> list[Usage]:
    """Requests of the tool's fixture, with canaries in it, commit in `repo`."""
    below = Path(shutil.copytree(recordings.FIXTURES / tool, tmp_path / tool))
    recordings.build_databases(below)
    for script in below.rglob("*.sql"):
        script.unlink()
    assert add_canaries(below, repo) or tool == "aider"  # whose log has no words
    usages = [
        usage
        for log in recordings.logs_below(tool, below)
        for usage in TOOLS[tool].read_log(log.records, log.name).requests
    ]
    assert usages
    return with_git_facts(unique(usages), {"PATH": os.environ["PATH"]})


@pytest.mark.parametrize("tool", TOOLS)
def test_no_text_of_a_log_and_no_folder_is_sent(tool: str, tmp_path: Path):
    repo = repository(tmp_path / CANARY / "widgets")
    git(repo, "config", "user.email", f"{CANARY}@example.com")
    selection = select(usages_with_canaries(tool, tmp_path, repo), coverage_of("acme/widgets"))
    # Aider, Cursor and some of the others do not say where they worked.
    assert selection.usages or selection.repository_unknown
    body = msgspec.json.encode(selection.usages)
    assert CANARY.encode() not in body
    assert str(tmp_path).encode() not in body


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_of_a_repository_that_is_not_covered_is_sent(tool: str, tmp_path: Path):
    repo = repository(tmp_path / "widgets", f"https://github.com/{CANARY}/{CANARY}.git")
    git(repo, "checkout", "-q", "-b", CANARY)
    usages = usages_with_canaries(tool, tmp_path, repo)
    selection = select(usages, coverage_of("acme/widgets"))
    # Some logs name the remote themselves, as it was when they were commit.
    assert {usage.context.repository for usage in selection.usages} <= {"acme/widgets"}
    assert CANARY.encode() not in msgspec.json.encode(selection.usages)
    assert len(usages) == len(selection.usages) + selection.not_covered + selection.repository_unknown


def coverage_of(*repositories: str) -> Coverage:
    digests = [hmac.new(bytes.fromhex(SALT), name.encode(), hashlib.sha256).hexdigest() for name in repositories]
    return Coverage(salt=SALT, host="github.com", repositories=digests)


def test_without_paths_in_the_settings_no_path_is_sent():
    commit = CommitMade(sha="1f2e3d4", authorship="x", files=("secret.py",))
    usage = Usage(
        tool="codex",
        session_id="s",
        request_id="r",
        at=recordings.read("codex")[0].requests[0].at,
        model="m",
        tokens=Tokens(uncached_input=1, output=1),
        context=Context(repository="acme/widgets", cwd="/home/secret"),
        work=Work(edited_files=("secret.py",), commits_made=(commit,), commits_after=(commit,)),
    )
    (with_paths,) = select([usage], coverage_of("acme/widgets")).usages
    (without,) = select([usage], coverage_of("acme/widgets"), paths=False).usages
    assert b"secret.py" in msgspec.json.encode(with_paths)
    assert b"secret" not in msgspec.json.encode(without)
    assert [commit.sha for commit in without.work.commits_made] == ["1f2e3d4"]


def test_batches_keep_both_limits():
    def parcel(size: int) -> Parcel:
        return Parcel(usage=None, body=b"x" * size)  # type: ignore[arg-type]

    sizes = [400_000] * 5 + [10] * 1200 + [SENT_BYTES + 1] + [10]
    result = list(batches(parcel(size) for size in sizes))
    assert [len(parcel.body) for batch in result for parcel in batch] == sizes
    for batch in result:
        assert len(batch) <= SENT_REQUESTS
        assert (
            len(batch) == 1 or len(b'{"requests":[' + b",".join(parcel.body for parcel in batch) + b"]}") <= SENT_BYTES
        )


def test_an_enterprise_host_covers_only_its_own_repositories(home: Path, tmp_path: Path):
    ghe = repository(tmp_path / "a", "https://GHE.example.com/acme/widgets.git")
    public = repository(tmp_path / "b", "https://github.com/acme/widgets.git")
    gitlab = repository(tmp_path / "c", "https://gitlab.com/acme/widgets.git")
    write_log(home, request(1, ghe), request(2, public), request(3, gitlab))
    usages = scan(home, {"PATH": os.environ["PATH"]}).usages
    for host, ids in (("ghe.example.com", ["msg_1"]), ("github.com", ["msg_2"])):
        result = select(usages, msgspec.structs.replace(coverage_of("acme/widgets"), host=host))
        assert [usage.request_id for usage in result.usages] == ids
        assert {(usage.context.repository, usage.context.cwd) for usage in result.usages} == {("acme/widgets", "")}
        assert (result.not_covered, result.repository_unknown) == (2, 0)
