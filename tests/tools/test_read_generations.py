"""Older and newer stores of tools that changed them: each request once, whichever of them holds it."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from attribution.usage import Usage
from collector.scan import scan
from tests.tools.recordings import FIXTURES, build_databases

ENV = {"PATH": ""}


@pytest.fixture
def opencode(tmp_path: Path) -> Path:
    folder = tmp_path / ".local/share/opencode"
    shutil.copytree(FIXTURES / "opencode", folder)
    build_databases(folder)
    return folder


def usages(home: Path) -> list[Usage]:
    return scan(home, ENV).usages


def test_opencode_moves_messages_under_their_ids_to_a_table_of_its_own(tmp_path: Path, opencode: Path):
    before = usages(tmp_path)
    new = {
        "model": {"id": "m2", "providerID": "p2"},
        "tokens": {"input": 7, "output": 9, "cache": {"read": 5}},
        "cost": 0.5,
    }
    with closing(sqlite3.connect(opencode / "opencode.db")) as store:
        store.execute("CREATE TABLE session_v2 AS SELECT * FROM session")
        for id, session, created_ms, data in store.execute("SELECT * FROM message").fetchall():
            old = json.loads(data)
            newer = {
                "model": {"id": old.get("modelID")},
                "tokens": old.get("tokens"),
                "time": {"created": created_ms + 1},
            }
            row = (id, session, old["role"], 1, created_ms + 1, json.dumps(newer))
            store.execute("INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?)", row)
        session = before[0].session_id
        store.execute(
            "INSERT INTO session_message VALUES ('new', ?, 'assistant', 2, 1795460000000, ?)",
            (session, json.dumps(new)),
        )
        store.commit()
    *same, newest = usages(tmp_path)
    assert same == before
    assert (newest.model, newest.provider, newest.reported_micros, newest.session_id) == ("m2", "p2", 500_000, session)
    assert (newest.tokens.uncached_input, newest.tokens.cache_read, newest.tokens.output) == (7, 5, 9)


def test_opencode_before_its_database_kept_files(tmp_path: Path, opencode: Path):
    before = usages(tmp_path)
    with closing(sqlite3.connect(opencode / "opencode.db")) as store:
        rows = store.execute("SELECT id, session_id, data FROM message").fetchall()
    (opencode / "opencode.db").unlink()
    for id, session, data in rows:
        file = opencode / "storage/message" / session / f"{id}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"id": id, "sessionID": session, **json.loads(data)}))
    assert [(usage.request_id, usage.context.cwd) for usage in usages(tmp_path)] == [
        (usage.request_id, usage.context.cwd) for usage in before
    ]


def test_copilot_before_credits_and_agents_were_noted(tmp_path: Path):
    shutil.copytree(FIXTURES / "copilot-cli", tmp_path / ".copilot")
    build_databases(tmp_path / ".copilot")
    shutil.rmtree(tmp_path / ".copilot/session-state")
    now = usages(tmp_path)
    with closing(sqlite3.connect(tmp_path / ".copilot/session-store.db")) as store:
        store.execute("ALTER TABLE assistant_usage_events DROP COLUMN total_nano_aiu")
        store.execute("ALTER TABLE assistant_usage_events DROP COLUMN agent_id")
        store.execute("ALTER TABLE sessions DROP COLUMN branch")
    old = usages(tmp_path)
    assert (
        [(usage.key, usage.at, usage.context.cwd) for usage in old]
        == [(usage.key, usage.at, usage.context.cwd) for usage in now]
        != []
    )


def test_a_gemini_chat_that_was_resumed_after_the_update_counts_once(tmp_path: Path):
    chats = tmp_path / ".gemini/tmp/widgets/chats"
    shutil.copytree(FIXTURES / "gemini-cli", tmp_path / ".gemini")
    before = usages(tmp_path)
    log = min(chats.glob("*.jsonl"))
    head, *rest = [json.loads(line) for line in log.read_text().splitlines()]
    messages = {line["id"]: line for line in rest if "id" in line}
    log.with_suffix(".json").write_text(json.dumps({**head, "messages": list(messages.values())}))
    assert usages(tmp_path) == before
    log.unlink()
    assert [usage.key for usage in usages(tmp_path)] == [usage.key for usage in before]
