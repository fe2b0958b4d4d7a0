"""All AI requests that the logs of a home folder tell of, with what git knows about where they were made."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from attribution.tools import TOOLS, Source, Tool, unique
from attribution.usage import Usage
from collector.enrich import with_git_facts
from collector.logs import Tally, UnreadableLog
from collector.sources import files, folders, records


class Scan(msgspec.Struct):
    """`usages` by time. `home` is where the tools' folders were looked for, `files` how many logs were found there."""

    usages: list[Usage]
    home: Path
    files: int
    tally: Tally


def scan(home: Path | None, env: Mapping[str, str]) -> Scan:
    """Read the logs of `home`, or of the user's own if None. A given `home` stands for everything: `env` then moves no
    folder. Nothing in a log makes this fail; `tally` says what was passed over."""
    if home is not None:
        env = {"PATH": env.get("PATH", ""), "HOME": str(home)}
    tally, found, count, below_home = Tally(), list[Usage](), 0, home or Path.home()
    for tool in TOOLS.values():
        for source in tool.LOGS:
            for below in folders(source, below_home, env):
                for path in files(source, below):
                    count += 1
                    found += _read(tool, source, path, path.relative_to(below).as_posix(), tally)
    return Scan(usages=with_git_facts(unique(found), env), home=below_home, files=count, tally=tally)


def _read(tool: Tool, source: Source, path: Path, name: str, tally: Tally) -> list[Usage]:
    try:
        read = tool.read_log(records(source, path, tally), name)
    except UnreadableLog as error:
        tally.unreadable_files.append(f"{path}: {error}")
        return []
    tally.unreadable_records += read.unreadable_records
    tally.skipped_records += read.skipped_records
    return read.requests
