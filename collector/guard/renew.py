"""Keeps the figures of the guard's hook up to date. Where no hook asks for them, nothing is done."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import msgspec

from attribution.protocol import CapsQuery, RepositoryCaps
from attribution.usage import Usage
from collector.client import Client
from collector.coverage import Coverage
from collector.exchange import PushError
from collector.files import private_folder, write_bytes
from collector.guard import caps
from collector.guard.figures import Figures, make, since
from collector.guard.hook import FIGURES, REQUEST
from collector.settings import Settings, SettingsError, read_settings, state_file

# A hook that has not asked for so long is not installed any more.
_REQUEST_SECONDS = 24 * 3600
_CAPS = "caps.json"


def start(env: Mapping[str, str]) -> None:
    """The first figures, as if a hook had asked: without them the first requests after an installation would be free."""
    from collector.scan import scan_with_index  # noqa: PLC0415 (reads every log)

    write_bytes(_folder(env) / REQUEST, b"1")
    usages, now = scan_with_index(None, env).usages, time.time()
    with suppress(SettingsError, PushError):  # the next push says what is wrong
        ask_server(read_settings(env, None), usages, env, now)
    renew(usages, env, now)


def ask_server(settings: Settings, usages: Sequence[Usage], env: Mapping[str, str], now: float) -> None:
    """`ask` that server. Raises PushError."""
    clients = [Client(account, version("mergecost")) for account in settings.accounts]
    ask([(client, client.coverage()) for client in clients], usages, env, now)


def is_wanted(env: Mapping[str, str], now: float) -> bool:
    try:
        return now - (_folder(env) / REQUEST).stat().st_mtime < _REQUEST_SECONDS
    except OSError:
        return False


def renew(usages: Sequence[Usage], env: Mapping[str, str], now: float) -> Figures:
    """Compute the figures and write them, whole or not at all: a hook may be reading. A full disk changes nothing."""
    figures = make(usages, _own(env), caps.read(_folder(env) / _CAPS, now), now)
    with suppress(OSError):
        private_folder(_folder(env))
        write_bytes(_folder(env) / FIGURES, msgspec.json.encode(figures))
    return figures


def ask(
    clients: Sequence[tuple[Client, Coverage]], usages: Sequence[Usage], env: Mapping[str, str], now: float
) -> None:
    """Ask the server which caps are in force, of each account for what it covers, and store its answers. Raises PushError; then
    its last answers are used for a while."""
    latest = since(usages, now)
    repositories: dict[str, RepositoryCaps] = {}
    for client, coverage in clients:
        branches = caps.latest_branches(latest, coverage)
        if branches:
            repositories |= caps.by_local_name(branches, client.caps(CapsQuery(list(branches.values()))))
    if repositories:
        with suppress(OSError):
            caps.write(_folder(env) / _CAPS, repositories, now)


def _own(env: Mapping[str, str]) -> dict[str, caps.Cap]:
    """A file with a mistake sets no cap; `mergecost guard` says what is wrong."""
    try:
        return caps.local(env)
    except SettingsError:
        return {}


def _folder(env: Mapping[str, str]) -> Path:
    return state_file(env).parent
