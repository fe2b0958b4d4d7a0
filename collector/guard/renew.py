"""Keeps the figures of the guard's hook new. Where no hook asks, nothing is done."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from attribution.protocol import CapsQuery
from attribution.usage import Usage
from collector.client import Client
from collector.coverage import Coverage
from collector.guard import caps
from collector.guard.figures import Figures, make, since
from collector.guard.hook import FIGURES, WANTED
from collector.settings import SettingsError, state_file

# A hook that has not asked for so long is not there any more.
_WANTED_SECONDS = 24 * 3600
_SAID = "caps.json"


def is_wanted(env: Mapping[str, str], now: float) -> bool:
    try:
        return now - (_folder(env) / WANTED).stat().st_mtime < _WANTED_SECONDS
    except OSError:
        return False


def renew(usages: Sequence[Usage], env: Mapping[str, str], now: float) -> Figures:
    """Make the figures and write them, whole or not at all: a hook may be reading. A disk that is full changes nothing."""
    figures = make(usages, _own(env), caps.kept(_folder(env) / _SAID, now), now)
    path = _folder(env) / FIGURES
    temporary = path.with_name(f"{FIGURES}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_bytes(msgspec.json.encode(figures))
        temporary.replace(path)
    return figures


def ask(client: Client, coverage: Coverage, usages: Sequence[Usage], env: Mapping[str, str], now: float) -> None:
    """Have the server say which caps hold, and keep that. Raises PushError; what it said before holds on for a while then."""
    asked = caps.names(since(usages, now), coverage)
    if asked:
        said = client.caps(CapsQuery(list(asked.values())))
        with suppress(OSError):
            caps.keep(_folder(env) / _SAID, asked, said, now)


def _own(env: Mapping[str, str]) -> dict[str, caps.Cap]:
    """Of a file with a mistake in it no cap holds; `mergecost guard` says what is wrong."""
    try:
        return caps.local(env)
    except SettingsError:
        return {}


def _folder(env: Mapping[str, str]) -> Path:
    return state_file(env).parent
