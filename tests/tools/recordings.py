"""Logs of real runs of each tool, cut down: `tests/fixtures/TOOL` is the tool's folder. `NAME.sql` stands for the database `NAME`."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

from attribution.tools import TOOLS, LogRead
from collector.logs import Tally
from collector.sources import beside, files, records

FIXTURES = Path(__file__).parents[1] / "fixtures"


class Log(NamedTuple):
    name: str
    records: list[bytes]


@cache
def logs(tool: str) -> list[Log]:
    """Every log of the tool's fixture, as the collector finds it, by source and name."""
    with tempfile.TemporaryDirectory() as folder:
        below = Path(shutil.copytree(FIXTURES / tool, Path(folder, tool)))
        build_databases(below)
        return logs_below(tool, below)


def logs_below(tool: str, below: Path) -> list[Log]:
    """Every log of a tool whose folder is `below`."""
    return [
        Log(path.relative_to(below).as_posix(), [*beside(source, path), *records(source, path, Tally())])
        for source in TOOLS[tool].LOGS
        for path in files(source, below, Tally())
    ]


def read(tool: str) -> list[LogRead]:
    return [TOOLS[tool].read_log(log.records, log.name) for log in logs(tool)]


def build_databases(below: Path) -> None:
    """Make each `NAME.sql` the database `NAME` beside it."""
    for script in below.rglob("*.sql"):
        with closing(sqlite3.connect(script.with_suffix(""))) as connection:
            connection.execute("PRAGMA synchronous=OFF")  # else every statement of the script waits for the disk
            connection.executescript(script.read_text())
