"""`mergecost scan` where nothing has changed since the last one: a look at every place that it looked at, and the same text.

It stands beside the index, and imports next to nothing: importing what reads logs takes longer than all these looks.
"""

import os
import time

from collector.base_folders import state_folder
from collector.files import read_bytes, write_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What is read from logs, and how. With another version everything is read again.
VERSION = 4
# A file that changes again within a tick of its file system's clock keeps its time: https://git-scm.com/docs/racy-git
_TICK_NS = 100_000_000
_COARSE_TICK_NS = 2_000_000_000  # of file systems that know whole seconds or two


_NO_PATHS = "$@~"


class Places:
    """What a scan looks at, and what was there before it did: `$NAME` a variable, `~` the home folder's name, `@/path` a file
    whatever is in it, `/path` a file, a folder or nothing."""

    def __init__(self, env: "Mapping[str, str]") -> None:
        self._env = env
        self._start_ns = time.time_ns()
        self._signatures: dict[str, str] = {}

    def look(self, place: str) -> None:
        if place not in self._signatures:
            self._signatures[place] = _signature(place, self._env)

    def save(self, path: str, text: str) -> None:
        """Remember that a scan of these places says `text`, if no change of them can go unseen."""
        for place, signature in self._signatures.items():
            if place[0] in _NO_PATHS:
                continue
            times = [int(part) for part in signature.split(" ")[3:]]
            if not os.path.isabs(place) or any(self._may_change_unseen(at_ns) for at_ns in times):
                return
        pairs = [part for pair in self._signatures.items() for part in pair]
        content = "\0".join((str(VERSION), text.replace("\0", "?"), *pairs))
        try:
            write_bytes(path, content.encode(errors="surrogateescape"))
        except (OSError, UnicodeError):  # then the next scan looks at the logs
            return

    def _may_change_unseen(self, at_ns: int) -> bool:
        tick_ns = _TICK_NS if at_ns % 1_000_000_000 else _COARSE_TICK_NS
        return at_ns > self._start_ns - tick_ns


def main(argv: "Sequence[str]") -> int:
    text = None if argv else text_before(last_scan_file(os.environ), os.environ)
    if text is None:
        from collector.scan_command import main as scan  # noqa: PLC0415 (all that reads logs)

        return scan(argv)
    from collector.terminal import out  # noqa: PLC0415

    out(text)
    return 0


def last_scan_file(env: "Mapping[str, str]") -> str:
    return os.path.join(state_folder(env), "scan.last")


def text_before(path: str, env: "Mapping[str, str]") -> str | None:
    """What the last scan said, None if another may say something else."""
    try:
        version, text, *pairs = read_bytes(path).decode(errors="surrogateescape").split("\0")
        is_same = version == str(VERSION) and all(
            _signature(place, env) == signature for place, signature in zip(pairs[::2], pairs[1::2], strict=True)
        )
    except (OSError, ValueError):
        return None
    return text if is_same else None


def _signature(place: str, env: "Mapping[str, str]") -> str:
    if place.startswith("$"):
        return env.get(place[1:], "")
    if place == "~":
        return os.path.expanduser(place)
    try:
        status = os.stat(place.removeprefix("@"))
    except (OSError, ValueError):
        return "-"
    if place.startswith("@"):
        return str(status.st_ino)
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
