"""A change to one of the user's files, as a value that can be shown before it is made."""

from contextlib import suppress
from pathlib import Path

import msgspec

# Our file, where a tool reads a whole folder of hook files.
OWN_FILE = "mergecost.json"


class Change(msgspec.Struct, frozen=True):
    """The file's content `before` and `after`. `before` None means that there is no file yet. `after` None means that the file is
    deleted, and its folder too if that was created for it."""

    path: Path
    before: bytes | None
    after: bytes | None
    what: str
    mode: int = 0o644


class Refusal(msgspec.Struct, frozen=True):
    """A change that is not made, and what the user can do about it."""

    path: Path
    why: str


Plan = list[Change | Refusal]


def read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def make(change: Change) -> None:
    """Write a file whole or not at all, with a backup of the old one beside it. Of a symbolic link the target is written: some
    people keep their settings in a repository."""
    file = change.path.resolve()
    if change.after is None:
        file.unlink(missing_ok=True)
        if change.path.name == OWN_FILE:
            with suppress(OSError):  # other files are in it
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
