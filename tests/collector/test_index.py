"""Only what changed is read again, and the result is always the same as after reading everything."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.index import Index
from collector.scan import scan, scan_with_index
from tests.collector.machine import call, git, request, result, write_log
from tests.examples import examples

FIXTURES = Path(__file__).parents[1] / "fixtures"
ENV = {"PATH": os.environ["PATH"]}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path / "state/index.db") as index:
        yield index


def ids(home: Path, index: Index | None = None) -> list[str]:
    return [usage.request_id for usage in scan(home, ENV, index).usages]


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def test_an_unchanged_log_is_not_opened(home: Path, index: Index, monkeypatch: pytest.MonkeyPatch):
    write_log(home, request(1, "/nowhere"))
    assert ids(home, index) == ["msg_1"]
    monkeypatch.setattr("collector.sources.open_regular", None)
    assert ids(home, index) == ["msg_1"]


def test_a_log_that_was_rewritten_in_the_same_length_and_given_its_old_time_is_read(home: Path, index: Index):
    log = write_log(home, request(1, "/nowhere"))
    assert ids(home, index) == ["msg_1"]
    status = log.stat()
    log.write_bytes(log.read_bytes().replace(b"msg_1", b"msg_7"))
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ids(home, index) == ["msg_7"]


def test_of_a_grown_log_only_the_new_lines_are_read(home: Path, index: Index):
    calls = [call("t1", "Write", file_path="a.py")]
    log = write_log(home, request(1, "/nowhere", content=calls))
    assert ids(home, index) == ["msg_1"]
    # The middle of the old part is blank: reading it again would find no request.
    old = log.read_bytes()
    log.write_bytes(old[:70] + b" " * (len(old) - 140) + old[-70:])
    other = write_log(home, result("t1"), request(2, "/nowhere"), name="other")
    append(log, other.read_bytes())
    other.unlink()
    outcome = scan(home, ENV, index).usages
    assert [usage.request_id for usage in outcome] == ["msg_1", "msg_2"]
    assert outcome[0].work.edited_files == ("a.py",)


def test_a_line_that_was_half_written_is_read_when_it_is_whole(home: Path, index: Index):
    log = write_log(home, request(1, "/nowhere"))
    other = write_log(home, request(2, "/nowhere"), name="other")
    line = other.read_bytes()
    other.unlink()
    append(log, line[:100])
    assert ids(home, index) == ["msg_1"]
    append(log, line[100:])
    assert ids(home, index) == ["msg_1", "msg_2"]


def test_a_log_that_was_changed_in_place_is_read_again(home: Path, index: Index):
    log = write_log(home, request(1, "/nowhere"), request(2, "/nowhere"), request(3, "/nowhere"))
    assert ids(home, index) == ["msg_1", "msg_2", "msg_3"]
    same_size = log.read_bytes().replace(b"msg_2", b"msg_7")
    log.write_bytes(same_size)
    os.utime(log, ns=(1, 1))
    assert ids(home, index) == ["msg_1", "msg_7", "msg_3"]


def test_a_log_that_was_rewritten_is_read_again(home: Path, index: Index):
    write_log(home, request(1, "/nowhere"), request(2, "/nowhere"))
    assert ids(home, index) == ["msg_1", "msg_2"]
    write_log(home, request(3, "/nowhere"), request(4, "/nowhere"), request(5, "/nowhere"))
    assert ids(home, index) == ["msg_3", "msg_4", "msg_5"]


def test_requests_of_a_deleted_log_stay(home: Path, index: Index):
    write_log(home, request(1, "/nowhere"))
    log = write_log(home, request(2, "/nowhere"), name="other")
    assert ids(home, index) == ["msg_1", "msg_2"]
    log.unlink()
    assert ids(home, index) == ["msg_1", "msg_2"]
    assert ids(home) == ["msg_1"]


def test_without_the_index_everything_is_read_again(home: Path, tmp_path: Path):
    write_log(home, request(1, "/nowhere"))
    env = ENV | {"MERGECOST_STATE": str(tmp_path / "here/state.db")}
    assert [usage.request_id for usage in scan_with_index(home, env).usages] == ["msg_1"]
    (tmp_path / "here/index.db").unlink()
    assert [usage.request_id for usage in scan_with_index(home, env).usages] == ["msg_1"]


def test_an_index_that_cannot_be_used_is_reported_and_all_logs_are_read(home: Path, tmp_path: Path):
    write_log(home, request(1, "/nowhere"))
    (tmp_path / "index.db").write_bytes(b"no database at all" * 100)
    outcome = scan_with_index(home, ENV | {"MERGECOST_STATE": str(tmp_path / "state.db")})
    assert [usage.request_id for usage in outcome.usages] == ["msg_1"]
    assert "deleting it loses only" in outcome.tally.unreadable_files[0]


def test_a_damaged_index_is_reported_and_all_logs_are_read(home: Path, tmp_path: Path):
    write_log(home, request(1, "/nowhere"))
    env = ENV | {"MERGECOST_STATE": str(tmp_path / "state.db")}
    scan_with_index(home, env)
    with closing(sqlite3.connect(tmp_path / "index.db")) as index:
        index.execute("UPDATE read_log SET requests = x'c1'")
        index.commit()
    outcome = scan_with_index(home, env)
    assert [usage.request_id for usage in outcome.usages] == ["msg_1"]
    assert "deleting it loses only" in outcome.tally.unreadable_files[0]


def test_a_log_with_a_name_that_is_not_utf_8_is_read(home: Path, index: Index):
    folder = home / ".claude/projects" / os.fsdecode(b"p\xff")
    folder.mkdir(parents=True)
    write_log(home, request(1, "/nowhere")).rename(folder / os.fsdecode(b"s\xfe.jsonl"))
    assert ids(home, index) == ids(home, index) == ["msg_1"]


def test_an_index_of_another_version_is_replaced(home: Path, tmp_path: Path):
    write_log(home, request(1, "/nowhere"))
    connection = sqlite3.connect(tmp_path / "index.db")
    connection.executescript("CREATE TABLE read_log (other); PRAGMA user_version = 9999")
    connection.close()
    with Index(tmp_path / "index.db") as index:
        assert ids(home, index) == ["msg_1"]


def test_unreadable_records_are_counted_in_every_scan(home: Path, index: Index):
    log = write_log(home, request(1, "/nowhere"))
    append(log, b'{"output_tokens": nonsense}\n')
    for _ in range(2):
        assert scan(home, ENV, index).tally.unreadable_records == 1
    append(log, b'{"output_tokens": more}\n')
    assert scan(home, ENV, index).tally.unreadable_records == 2


def test_of_a_document_that_is_being_written_the_requests_of_the_last_scan_are_used(home: Path, index: Index):
    shutil.copytree(FIXTURES / "cline", home / ".cline/data/sessions")
    before = scan(home, ENV, index).usages
    document = next(home.rglob("*.messages.json"))
    whole = document.read_bytes()
    document.write_bytes(whole[: len(whole) // 2])
    outcome = scan(home, ENV, index)
    assert (outcome.usages, outcome.tally.unreadable_records) == (before, 1)
    document.write_bytes(whole)
    assert scan(home, ENV, index).tally.unreadable_records == 0


def test_compressed_logs_are_read(home: Path, index: Index):
    fixture = next((FIXTURES / "codex/sessions").rglob("*.jsonl"))
    folder = home / ".codex/sessions/2026/11/23"
    folder.mkdir(parents=True)
    (folder / fixture.name).write_bytes(fixture.read_bytes())
    plain = ids(home)
    assert plain
    (folder / fixture.name).unlink()
    (folder / f"{fixture.name}.zst").write_bytes(zstd.compress(fixture.read_bytes()))
    assert ids(home, index) == ids(home, index) == plain
    (folder / f"{fixture.name}.zst").write_bytes(b"not packed at all")
    assert "not packed" not in str(scan(home, ENV).tally.unreadable_files)
    assert len(scan(home, ENV).tally.unreadable_files) == 1


def test_git_is_asked_again_when_something_may_have_changed(home: Path, repo: Path, index: Index):
    write_log(home, request(1, repo, content=[call("t1", "Write", file_path=str(repo / "new.py"))]), result("t1"))
    assert [usage.work.commits_after for usage in scan(home, ENV, index).usages] == [()]
    without_git = {"PATH": ""}
    (usage,) = scan(home, without_git, index).usages
    assert usage.context.repository == "acme/widgets"
    (repo / "new.py").write_text("1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "work", at="2026-11-23T18:07:00Z")
    (usage,) = scan(home, ENV, index).usages
    assert [commit.files for commit in usage.work.commits_after] == [("new.py",)]


def test_git_is_asked_again_after_a_timeout(home: Path, repo: Path, tmp_path: Path, index: Index):
    """Here git fails at once instead of after seconds."""
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ncase "$*" in *diff-tree*) exit 1;; esac\nexec {shutil.which("git")} "$@"\n')
    slow.chmod(0o755)
    write_log(home, request(1, repo, content=[call("t1", "Write", file_path=str(repo / "new.py"))]), result("t1"))
    (repo / "new.py").write_text("1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "work", at="2026-11-23T18:07:00Z")
    (usage,) = scan(home, {"PATH": f"{slow.parent}:{ENV['PATH']}"}, index).usages
    assert usage.work.commits_after == ()
    (usage,) = scan(home, ENV, index).usages
    assert [commit.files for commit in usage.work.commits_after] == [("new.py",)]


def test_of_a_deleted_folder_the_facts_of_the_last_scan_are_used(home: Path, repo: Path, tmp_path: Path, index: Index):
    tree = tmp_path / "tree"
    git(repo, "worktree", "add", "-q", "-b", "fix/7", str(tree))
    write_log(home, request(1, tree, content=[call("t1", "Write", file_path=str(tree / "a.py"))]), result("t1"))
    before = scan(home, ENV, index).usages
    assert (before[0].context.repository, before[0].work.edited_files) == ("acme/widgets", ("a.py",))
    git(repo, "worktree", "remove", "--force", str(tree))
    assert scan(home, ENV, index).usages == before


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_reading_a_changed_log_gives_the_same_as_reading_all_of_it(data: st.DataObject, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    calls = [call("t1", "Write", file_path="/x/a.py")]
    log = write_log(home, request(1, "/x", content=calls), result("t1"), request(2, "/x"), request(3, "/x"))
    whole = log.read_bytes()
    with Index(home / "index.db") as index:
        for _ in range(data.draw(st.integers(1, 5))):
            size = data.draw(st.integers(0, len(whole)))
            start = data.draw(st.sampled_from([0, 0, 0, whole.index(b"\n") + 1]))
            log.write_bytes(whole[start : start + size])
            assert scan(home, ENV, index).usages == scan(home, ENV).usages


def test_a_full_index_keeps_the_oldest_logs_and_all_others_are_read(home: Path, tmp_path: Path):
    first = write_log(home, request(1, "/nowhere"))
    with Index(tmp_path / "index.db") as index:
        assert ids(home, index) == ["msg_1"]
    first.unlink()
    second = write_log(home, request(2, "/nowhere"), name="other")
    with Index(tmp_path / "index.db", most_bytes=1) as index:
        assert ids(home, index) == ids(home, index) == ["msg_1", "msg_2"]
        second.unlink()
        assert ids(home, index) == ["msg_1"]
