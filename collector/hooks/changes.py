"""A change to one of the user's files, as a value: planned, shown, made, undone."""

from contextlib import suppress
from pathlib import Path

import msgspec

# Where a tool reads a folder of files, ours is this one.
OWN_FILE = "mergecost.json"


class Change(msgspec.Struct, frozen=True):
    """`after` None means that the file goes away, and with it the folder that was made for it. `before` is what stood there when it
    was planned, None for nothing."""

    path: Path
    before: bytes | None
    after: bytes | None
    what: str
    mode: int = 0o644


class Refused(msgspec.Struct, frozen=True):
    """What is not done, and what the user can do about it."""

    path: Path
    why: str


Plan = list[Change | Refused]


def read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def make(change: Change) -> None:
    """Write a file whole or not at all. What it replaces is kept beside it. A link stays one, as those who keep their settings in
    a repository have it: what it leads to is written."""
    file = change.path.resolve()
    if change.after is None:
        file.unlink(missing_ok=True)
        if change.path.name == OWN_FILE:
            with suppress(OSError):  # somebody else's are there too
                change.path.parent.rmdir()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    if change.before is not None:
        backup = backup_of(change.path)
        if not backup.exists():
            backup.write_bytes(change.before)
            backup.chmod(file.stat().st_mode)
    temporary = file.with_name(file.name + ".mergecost-new")
    temporary.write_bytes(change.after)
    temporary.chmod(file.stat().st_mode if change.before is not None else change.mode)
    temporary.replace(file)


def backup_of(path: Path) -> Path:
    return path.with_name(path.name + ".before-mergecost")
