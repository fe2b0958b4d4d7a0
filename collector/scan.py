"""All AI requests in the logs of a home folder, with what git knows about where they were made."""

import gc
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from attribution.tools import TOOLS
from attribution.usage import Usage
from attribution.usage_merge import unique
from collector.enrich import with_git_facts
from collector.logs import Tally, plain
from collector.reading import Log, Reading, has_only_grown, read_on, stamp
from collector.settings import index_file, state_file
from collector.sources import Look, files, folders, look_at, no_look
from collector.stamps import Stamps, read_stamps, stamps_file
from collector.table import Progress

if TYPE_CHECKING:
    from collector.index import Index

# So many logs that are new wait in memory before they are remembered.
_SAVED_TOGETHER = 100


class Scan(msgspec.Struct):
    """`usages` by time. `home` is where the tools' folders were looked for, `files` how many logs were found there."""

    usages: list[Usage]
    home: Path
    files: int
    tally: Tally


class _HasTally(Protocol):
    tally: Tally


T = TypeVar("T", bound=_HasTally)


def readings(
    home: Path, env: Mapping[str, str], tally: Tally, look: Look = no_look
) -> Iterator[tuple[Reading, list[Path]]]:
    """Every place where tools may keep logs, with the logs there."""
    for tool in TOOLS.values():
        for number, source in enumerate(tool.LOGS):
            for variable, _ in source.variables:
                look(f"${variable}")
            for below in folders(source, home, env):
                paths = files(source, below, tally, look)
                for path in paths:
                    look_at(source, path, look)
                yield Reading(tool, source, f"{tool.NAME} {number}", below), paths


def with_index(env: Mapping[str, str], work: "Callable[[Index | None], T]") -> "T":
    """What `work` makes of the index; where that cannot be used, of none, and the tally says why."""
    from sqlite3 import Error  # noqa: PLC0415 (SQLite only where it is used)

    from collector.index import Index  # noqa: PLC0415

    path = index_file(env)
    try:
        with Index(path) as index:
            return work(index)
    except (OSError, Error, msgspec.DecodeError) as error:
        result = work(None)
        result.tally.unreadable_files.append(
            f"{plain(path)}: {error}. All logs were read anew. If this stays: deleting it loses only what deleted logs said."
        )
        return result


def scan_with_index(home: Path | None, env: Mapping[str, str], progress: Progress | None = None) -> Scan:
    """`scan`, reading only what is new, with a look at the repository in which the command runs."""
    stamps = read_stamps(stamps_file(state_file(env)))
    return with_index(env, lambda index: scan(home, env, index, stamps, progress, working_folder()))


def working_folder() -> str:
    """Empty where it has been deleted."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""


def scan(
    home: Path | None,
    env: Mapping[str, str],
    index: "Index | None" = None,
    stamps: Stamps | None = None,
    progress: Progress | None = None,
    here: str = "",
) -> Scan:
    """Read the logs of `home`, or of the user's own if None. A given `home` stands for everything: `env` then moves no
    folder. Nothing in a log makes this fail; `tally` says what was passed over. With an `index` only what is new is read. `here`
    is a folder whose repository is looked at besides those of the logs."""
    env = only(home, env)
    below_home = home or Path.home()
    tally = Tally()
    logs = list(readings(below_home, env, tally))
    reads = read_all(logs, below_home, index, tally, progress)
    reads.usages = with_git_facts(reads.usages, env, index, stamps, here)
    return reads


def only(home: Path | None, env: Mapping[str, str]) -> Mapping[str, str]:
    """`env` as far as it holds where a given `home` stands for everything."""
    return env if home is None else {"PATH": env.get("PATH", ""), "HOME": str(home)}


def read_all(
    logs: Sequence[tuple[Reading, list[Path]]],
    home: Path,
    index: "Index | None",
    tally: Tally,
    progress: Progress | None = None,
) -> Scan:
    """Requests in `logs`, without what git knows. What is passed over is added to `tally`."""
    usages: list[Usage] = []
    count, done_count = sum(len(paths) for _, paths in logs), 0
    with _without_cycles():
        for reading, paths in logs:
            for log in (
                _read_through_index(reading, paths, index) if index else (read_on(reading, path) for path in paths)
            ):
                usages += log.requests
                tally.add(log.tally)
                done_count += 1
                if progress:
                    progress(min(done_count, count), count)
    return Scan(usages=unique(usages), home=home, files=count, tally=tally)


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Nothing that readers make refers to itself: looking for it takes a tenth of a scan."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_through_index(reading: Reading, paths: list[Path], index: "Index") -> Iterator[Log]:
    """These logs and those that were here and are gone, reading what the index does not know."""
    known_stamps = index.stamps(reading.name, reading.below)
    fresh: dict[tuple[str, bytes], Log] = {}
    for path in paths:
        name, now = plain(path), stamp(reading.source, path)
        if not now and not path.exists():  # deleted since it was found
            continue
        log = (
            index.log(reading.name, name)
            if known_stamps.get(name) == now
            else _read_again(reading, path, index, known_stamps)
        )
        yield log
        if log.says_nothing:
            continue
        if known_stamps.pop(name, None) != now:
            fresh[name, now] = log
        if len(fresh) == _SAVED_TOGETHER:
            index.save(reading.name, reading.below, fresh)
            fresh.clear()
    index.save(reading.name, reading.below, fresh)
    for name in known_stamps:
        yield Log(index.log(reading.name, name).requests)


def _read_again(reading: Reading, path: Path, index: "Index", known_stamps: Container[str]) -> Log:
    """A log that is new or has changed: what it has gained, or all of it."""
    name = plain(path)
    if name in known_stamps:
        state = index.state(reading.name, name)
        if state.carry is not None and has_only_grown(path, state):
            return read_on(reading, path, msgspec.structs.replace(index.log(reading.name, name), state=state))
    return read_on(reading, path)
