"""Pushes in the background: one at a time, with a growing pause while the server cannot be reached.

Requests that are not sent yet stay in the index, even if their log is deleted meanwhile. They are sent in order of time when the
server is back.
"""

import fcntl
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from collector.files import private_file, private_folder, read_bytes, write_bytes
from collector.guard.renew import is_wanted, renew
from collector.hook import LAST_RUN
from collector.hooks.launcher import mend
from collector.scan import Scan, scan_with_index
from collector.settings import SettingsError, read_settings, state_file

_FIRST_PAUSE_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 6 * 3600


class Attempts(msgspec.Struct):
    """How many pushes in a row have failed, and when the next is due (seconds since 1970)."""

    failures: int = 0
    not_before: float = 0


def push_if_due(env: Mapping[str, str], push: Callable[[Scan], int], now: Callable[[], float] = time.time) -> int:
    """Read the logs, which updates the index and the guard's figures, and call `push` if it is due. If another process is at it,
    nothing happens here, and that process starts once more. Returns the status of `push`, 0 if it was not called."""
    folder = state_file(env).parent
    private_folder(folder)
    mend(folder, env)
    while True:
        last_run = _last_run(folder)
        status = _once(env, push, folder, now)
        # A hook that ran meanwhile recorded its time before its push found the lock taken.
        if status is None or _last_run(folder) == last_run:
            return status or 0


def _once(env: Mapping[str, str], push: Callable[[Scan], int], folder: Path, now: Callable[[], float]) -> int | None:
    """The status, None if another process holds the lock."""
    private_file(path := folder / "push.lock")
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return None
        scan = scan_with_index(None, env)
        if is_wanted(env, now()):
            renew(scan.usages, env, now())
        return _push(env, lambda: push(scan), folder / "attempts.json", now)


def _last_run(folder: Path) -> int:
    """When `collector.hook` last ran, in nanoseconds; 0 if never."""
    try:
        return (folder / LAST_RUN).stat().st_mtime_ns
    except OSError:
        return 0


def _push(env: Mapping[str, str], push: Callable[[], int], path: Path, now: Callable[[], float]) -> int:
    attempts = _read(path)
    try:
        read_settings(env, None)
    except SettingsError:
        return 0
    if now() < attempts.not_before:
        return 0
    status = push()
    failures = attempts.failures + 1 if status else 0
    pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 20), _LONGEST_PAUSE_SECONDS) if failures else 0
    write_bytes(path, msgspec.json.encode(Attempts(failures, now() + pause)))
    return status


def _read(path: Path) -> Attempts:
    try:
        return msgspec.json.decode(read_bytes(path), type=Attempts)
    except (OSError, msgspec.DecodeError):
        return Attempts()
