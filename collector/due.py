"""Pushes that nobody waits for: one at a time, with a growing pause while the server cannot be reached.

What is not sent yet is kept in the index, even when its log is deleted meanwhile, and goes out in order of time when the server
is back.
"""

import fcntl
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from collector.guard.renew import is_wanted, renew
from collector.scan import Scan, scan_with_index
from collector.settings import SettingsError, read_settings, state_file

_FIRST_PAUSE_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 6 * 3600


class Attempts(msgspec.Struct):
    """How often in a row a push has failed, and when the next is due (seconds since 1970)."""

    failures: int = 0
    not_before: float = 0


def push_if_due(env: Mapping[str, str], push: Callable[[Scan], int], now: Callable[[], float] = time.time) -> int:
    """Read the logs, which keeps what they say and what the guard decides by, and run `push` with that if it is due; nothing
    while another does it, who then does it once more. Returns its status."""
    folder = state_file(env).parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        woken = _woken(folder)
        status = _once(env, push, folder, now)
        # Whoever was woken meanwhile found the lock taken, and had noted it before.
        if status is None or _woken(folder) == woken:
            return status or 0


def _once(env: Mapping[str, str], push: Callable[[Scan], int], folder: Path, now: Callable[[], float]) -> int | None:
    """The status, None if another does it."""
    with (folder / "push.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return None
        found = scan_with_index(None, env)
        if is_wanted(env, now()):
            renew(found.usages, env, now())
        return _push(env, lambda: push(found), folder / "attempts.json", now)


def _woken(folder: Path) -> int:
    """When a hook was last here (`collector.hook`)."""
    try:
        return (folder / "woken").stat().st_mtime_ns
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
    path.write_bytes(msgspec.json.encode(Attempts(failures, now() + pause)))
    return status


def _read(path: Path) -> Attempts:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Attempts)
    except (OSError, msgspec.DecodeError):
        return Attempts()
