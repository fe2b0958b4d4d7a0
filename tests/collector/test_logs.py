"""Finding logs and the lines worth decoding."""

import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from attribution.tools import TOOLS, JsonLines
from collector import logs
from collector.logs import Position, Tally, matching_lines
from collector.sources import files, folders

CLAUDE, DESKTOP, CODEX = *TOOLS["claude-code"].LOGS, *TOOLS["codex"].LOGS
SOURCE = JsonLines(folders=(), patterns=(), needles=(b'"a"', b'"b"'), bulk=b"x+z")


def lines(content: bytes, tally: Tally | None = None, position: Position | None = None) -> list[bytes]:
    return list(matching_lines(io.BytesIO(content), SOURCE, tally or Tally(), position))


@given(
    st.lists(st.sampled_from([b"", b'"a"', b'"b" "a"', b"x", b"y" * 70_000, b'z"a"' * 20_000]), max_size=12),
    st.booleans(),
)
def test_the_lines_are_those_that_a_split_gives(content: list[bytes], has_end: bool):
    whole = b"\n".join(content) + b"\n" * has_end
    complete = whole.split(b"\n")[:-1]
    assert lines(whole) == [line for line in complete if any(needle in line for needle in SOURCE.needles)]


def test_lines_that_begin_like_bulk_are_skipped():
    assert lines(b'xxz "a" 1\nz "a" 2\nx "b" 3\n') == [b'z "a" 2', b'x "b" 3']


def test_a_last_line_without_its_end_waits_for_the_next_scan():
    assert lines(b'"a" 1\n"a" 2') == [b'"a" 1']


def test_a_last_line_without_its_end_is_read_once_it_is_closed():
    whole = b'"a" 1\n{"a": {"c": 2}}'
    cuts = range(len(b'"a" 1\n'), len(whole))
    assert [lines(whole[:cut]) for cut in cuts] == [[b'"a" 1']] * len(cuts)
    position = Position()
    assert lines(whole, position=position) == [b'"a" 1', b'{"a": {"c": 2}}']
    assert lines(whole[position.offset :] + b'\n"b" 3\n') == [b'"b" 3']


def test_a_line_that_is_too_long_is_skipped_and_counted_once():
    tally = Tally()
    too_long = b'"a"' + b"x" * (logs.MAX_LINE_BYTES + 3 * logs.BLOCK_BYTES)
    assert lines(b'"a" 1\n' + too_long + b'\n"b" 2\n' + too_long, tally) == [b'"a" 1', b'"b" 2']
    assert tally.over_long_lines == 2


def test_a_variable_moves_a_tools_folder():
    assert folders(CLAUDE, Path("/home/dev"), {}) == [Path("/home/dev/.claude")]
    assert folders(CLAUDE, Path("/home/dev"), {"CLAUDE_CONFIG_DIR": "/elsewhere"}) == [Path("/elsewhere")]


def test_circular_links_are_not_followed(tmp_path: Path):
    log = tmp_path / "projects/p/s.jsonl"
    log.parent.mkdir(parents=True)
    log.touch()
    (tmp_path / "projects/p/up").symlink_to(tmp_path / "projects")
    (tmp_path / "projects/p/itself.jsonl").symlink_to("itself.jsonl")
    assert files(CLAUDE, tmp_path, Tally()) == [log]


def test_a_folder_that_cannot_be_read_is_reported_once(tmp_path: Path):
    name, tally = "x" * 300, Tally()  # which not even root can read
    source = JsonLines(folders=(), patterns=(f"{name}/*.jsonl", f"{name}/**/*.log"), needles=())
    assert files(source, tmp_path, tally) == []
    assert tally.unreadable_files == [f"{tmp_path / name}: File name too long"]


def test_logs_of_sub_agents_and_archives_are_found(tmp_path: Path):
    names = ["projects/p/s.jsonl", "projects/p/s/subagents/agent-1.jsonl"]
    for name in [*names, "history.jsonl", "projects/p/s/tool-results/t.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert {path.relative_to(tmp_path).as_posix() for path in files(CLAUDE, tmp_path, Tally())} == set(names)
    archive = tmp_path / "archived_sessions/rollout-1.jsonl"
    archive.parent.mkdir()
    archive.touch()
    assert files(CODEX, tmp_path, Tally()) == [archive]
    assert files(CLAUDE, tmp_path / "missing", Tally()) == []
    own = tmp_path / "a/b/local_1/.claude/projects/p/s.jsonl"
    own.parent.mkdir(parents=True)
    own.touch()
    assert files(DESKTOP, tmp_path, Tally()) == [own]
