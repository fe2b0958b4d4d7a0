"""What people said to go on in spite of a cap: for how long, why, and what was over. A file that is only appended to."""

import re
from pathlib import Path

import msgspec

from attribution.money import Micros

MOST_SECONDS = 24 * 3600
MOST_REASON = 300
_FOR = re.compile(r"([1-9]\d{0,5})([mhd])")
_UNITS = {"m": 60, "h": 3600, "d": 24 * 3600}


class BadUnlock(Exception):
    """What is wrong with an unlock, for the person who wants it."""


class Line(msgspec.Struct, frozen=True):
    """A cap that holds, of a `session`, a `day` or a `pull` request, and what was spent against it at list price."""

    kind: str
    what: str
    spent_micros: Micros
    cap_micros: Micros
    set_in: str

    @property
    def is_over(self) -> bool:
        return self.spent_micros > self.cap_micros


class Unlock(msgspec.Struct, frozen=True):
    """`at` and `until` are in seconds since 1970. `session` is the AI session in which it was said, empty in a plain terminal."""

    at: int
    until: int
    reason: str
    over: list[Line]
    session: str = ""


def seconds(text: str) -> int:
    """`30m`, `2h`, `1d`. Raises BadUnlock."""
    match = _FOR.fullmatch(text.strip())
    found = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < found <= MOST_SECONDS:
        raise BadUnlock(f"for how long? Like 30m, 2h or 1d, which is the most; not {text!r}")
    return found


def checked(reason: str) -> str:
    """A reason on one line. Raises BadUnlock."""
    found = " ".join(reason.split())
    if not found:
        raise BadUnlock('why? Say it: --reason "the release is tonight"')
    if len(found) > MOST_REASON:
        raise BadUnlock(f"a reason has at most {MOST_REASON} characters, this one {len(found)}")
    return found


def add(path: Path, unlock: Unlock) -> None:
    """Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(unlock) + b"\n")


def read(path: Path) -> list[Unlock]:
    """All that were said, oldest first; what is no record is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    found: list[Unlock] = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Unlock))
        except msgspec.DecodeError:
            continue
    return found
