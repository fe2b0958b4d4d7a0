"""Files on this machine: reading what a stranger may have put there, and writing what is nobody else's to read.

A pipe, a device or a socket where a file is expected would be waited for without end, and a huge one fills the memory: only
regular files are opened, and only so much of them is read.
"""

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only looks at files has no time to import these
    from pathlib import Path
    from typing import BinaryIO

# Of git's small files, and of settings and state.
MOST_BYTES = 16 * 1024 * 1024


class NoRegularFile(OSError):
    """There is a pipe, a device, a socket or a folder."""

    def __init__(self, path: "Path | str") -> None:
        super().__init__(f"{os.fspath(path)} is no regular file")


class TooLarge(OSError):
    """There is more in it than anything of its kind has."""

    def __init__(self, path: "Path | str", most_bytes: int) -> None:
        super().__init__(f"{os.fspath(path)} is larger than {most_bytes >> 20} MiB")


def open_regular(path: "Path | str") -> "BinaryIO":
    """The file at `path` for reading, without a buffer. Never waits. Raises OSError."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:  # a NUL in the name
        raise NoRegularFile(path) from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise NoRegularFile(path)
    return os.fdopen(number, "rb", buffering=0)


def read_bytes(path: "Path | str", most_bytes: int = MOST_BYTES) -> bytes:
    """The content of a regular file. Raises OSError, also where it is larger than `most_bytes`."""
    with open_regular(path) as file:
        blocks, size = list[bytes](), 0
        while block := file.read(most_bytes + 1 - size):
            blocks.append(block)
            size += len(block)
        if size > most_bytes:
            raise TooLarge(path, most_bytes)
        return b"".join(blocks)


def private_folder(path: "Path") -> None:
    """Make the folder, if it is missing, for this user alone. Raises OSError."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=True, mode=0o700)
        path.chmod(0o700)  # whatever the umask


def private_file(path: "Path") -> None:
    """Make the file, if it is missing, for this user alone. Raises OSError."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise NoRegularFile(path)
        if status.st_mode & 0o077 and status.st_uid == os.geteuid():
            os.fchmod(number, 0o600)
    finally:
        os.close(number)


def write_bytes(path: "Path | str", content: bytes, mode: int = 0o600) -> None:
    """Write the file whole or not at all. A link at `path` is replaced, not followed. Raises OSError."""
    import tempfile  # noqa: PLC0415 (reading alone needs none)
    from pathlib import Path  # noqa: PLC0415

    path = Path(path)
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # new, for this user alone
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            os.fchmod(number, mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
