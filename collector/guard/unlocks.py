"""Unlocks, with which a person goes on in spite of a cap: for how long, why, and what was over its cap. An append-only file."""

import re
from pathlib import Path

import msgspec

from attribution.money import Micros
from collector.files import private_file, private_folder, read_bytes

MOST_SECONDS = 24 * 3600
MOST_REASON = 300
_FOR = re.compile(r"([1-9]\d{0,5})([mhd])")
_UNITS = {"m": 60, "h": 3600, "d": 24 * 3600}


class BadUnlock(Exception):
    """What is wrong with an unlock, for the person who asked for it."""


class Line(msgspec.Struct, frozen=True):
    """A cap in force, of a `session`, a `day` or a `pull` request, and what was spent against it at list price, at least where
    it `is_partial`: some requests have no known price."""

    kind: str
    what: str
    spent_micros: Micros
    cap_micros: Micros
    set_in: str
    is_partial: bool = False

    @property
    def is_over(self) -> bool:
        return self.spent_micros > self.cap_micros


class Unlock(msgspec.Struct, frozen=True):
    """`at` and `until` are in seconds since 1970. `session` is the AI session that asked for it, empty in a plain terminal."""

    at: int
    until: int
    reason: str
    over: list[Line]
    session: str = ""


def parse_duration(text: str) -> int:
    """Seconds of `30m`, `2h`, `1d`. Raises BadUnlock."""
    match = _FOR.fullmatch(text.strip())
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= MOST_SECONDS:
        raise BadUnlock(f"for how long? Like 30m, 2h or 1d, which is the most; not {text!r}")
    return seconds


def parse_reason(text: str) -> str:
    """A reason on one line. Raises BadUnlock."""
    reason = " ".join(text.split())
    if not reason:
        raise BadUnlock('why? Give a reason: --reason "the release is tonight"')
    if len(reason) > MOST_REASON:
        raise BadUnlock(f"a reason has at most {MOST_REASON} characters, this one {len(reason)}")
    return reason


def append(path: Path, unlock: Unlock) -> None:
    """Raises OSError."""
    private_folder(path.parent)
    private_file(path)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(unlock) + b"\n")


def read(path: Path) -> list[Unlock]:
    """All unlocks, oldest first; a line that is no record is skipped."""
    try:
        lines = read_bytes(path).splitlines()
    except OSError:
        return []
    unlocks: list[Unlock] = []
    for line in lines:
        try:
            unlocks.append(msgspec.json.decode(line, type=Unlock))
        except msgspec.DecodeError:
            continue
    return unlocks
