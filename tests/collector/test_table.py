"""What a terminal shows."""

import os
import sys
from contextlib import redirect_stderr

from collector.table import aligned, bar


def test_a_long_name_is_shortened_in_its_middle():
    name = "feat/" + "long-" * 40 + "end"
    lines = aligned(
        [("Branch", "Cost", "Last"), (name, "$1.00", "now"), ("main", "$12.00", "then")], left=(0, 2), most_columns=100
    )
    assert len(lines[2]) == 100
    assert lines[1].startswith("feat/long-")
    assert "…" in lines[1]
    assert lines[1].endswith("long-end   $1.00  now")
    assert lines[1].index("$1.00") == lines[2].index("$12.00") + 1


def test_wide_characters_take_two_columns_and_control_characters_are_replaced():
    lines = aligned([("修正", "1"), ("fix", "2"), ("\x1b[2J\nx", "3")], left=(0,))
    assert lines == ["修正    1", "fix     2", "?[2J?x  3"]


def test_a_progress_bar_shows_each_step_once_and_is_erased():
    reads, writes = os.openpty()
    with os.fdopen(writes, "w") as terminal, redirect_stderr(terminal):
        progress = bar(patience_seconds=0)
        assert progress is not None
        for count in (0, 1, 1, 2, 4):
            progress(count, 4)
        terminal.flush()
        output = ""
        while "\x1b[K" not in output:
            output += os.read(reads, 10_000).decode()
    os.close(reads)
    assert [line.strip() for line in output.split("\r")] == [
        "", "Reading logs [..............................]   0 %", "Reading logs [#######.......................]  25 %",
        "Reading logs [###############...............]  50 %", "\x1b[K",
    ]  # fmt: skip


def test_there_is_no_progress_bar_without_a_terminal():
    assert sys.stderr.isatty() or bar() is None
