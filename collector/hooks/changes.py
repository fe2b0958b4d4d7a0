"""A change to one of the user's files, as a value that can be shown before it is made."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from collector.files import private_folder, read_bytes, write_bytes

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
    """The content, None without a file. Raises OSError, also where it is no regular file."""
    try:
        return read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def make(change: Change) -> None:
    """Write a file whole or not at all, with a backup of the old one beside it. Of a symbolic link the target is written: some
    people keep their settings in a repository."""
    file = change.path.resolve()
    if change.after is None:
        file.unlink(missing_ok=True)
        if change.path.name == OWN_FILE:
            backup_of(change.path).unlink(missing_ok=True)  # of a file that was all ours
            with suppress(OSError):  # other files are in it
                change.path.parent.rmdir()
        return
    private_folder(file.parent)
    mode = file.stat().st_mode if change.before is not None else change.mode
    # What lies beside the file may be a stranger's, as in `.git/hooks`: nothing is written through a link there.
    if change.before is not None and not os.path.lexists(backup := backup_of(change.path)):
        write_bytes(backup, change.before, mode)
    write_bytes(file, change.after, mode)


def backup_of(path: Path) -> Path:
    return path.with_name(path.name + ".before-mergecost")
