"""When this machine pushed last, and why it could not since then: in the background nobody reads what a push prints."""

import time
from contextlib import suppress
from pathlib import Path

import msgspec

from collector.files import private_folder, read_bytes, write_bytes

_NAME = "last_push.json"


class LastPush(msgspec.Struct):
    """`at` is the last success, `failed_at` a failure since then, in seconds since 1970; 0 is never. `error` is why it failed."""

    at: float = 0
    failed_at: float = 0
    error: str = ""


def read(state: Path) -> LastPush:
    """Of the state folder. A file that cannot be read says nothing."""
    try:
        return msgspec.json.decode(read_bytes(state / _NAME), type=LastPush)
    except (OSError, msgspec.DecodeError):
        return LastPush()


def note(state: Path, error: str) -> None:
    """A push has just ended, with this error or none. A full disk changes nothing."""
    last = LastPush(read(state).at, time.time(), error) if error else LastPush(time.time())
    with suppress(OSError):
        private_folder(state)
        write_bytes(state / _NAME, msgspec.json.encode(last))
