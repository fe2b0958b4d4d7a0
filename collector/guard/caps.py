"""The caps that hold: this machine's own, from its configuration, and those of a repository, which its server says."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from attribution.money import Micros, from_usd
from attribution.protocol import CapsAnswer, RepositoryCaps, RepositoryQuery
from attribution.usage import Usage
from collector.coverage import Coverage
from collector.settings import config_file, read_caps

# What a server said holds so long without another word from it.
KEEP_SECONDS = 3600
MOST_NAMED = 200

# An amount, and where it is set. By kind: of a session, of a day on this machine, of a branch's pull request.
Cap: TypeAlias = tuple[Micros, str]
KINDS = ("session", "day", "pull")


class Kept(msgspec.Struct, frozen=True):
    """What the server said at `asked_at` (seconds since 1970), by our names of the repositories."""

    asked_at: float
    repositories: dict[str, RepositoryCaps]


def local(env: Mapping[str, str]) -> dict[str, Cap]:
    """This machine's own caps, by kind. Raises SettingsError."""
    caps, file = read_caps(env), _short(config_file(env))
    amounts = {kind: getattr(caps, f"{kind}_usd") for kind in KINDS}
    return {kind: (from_usd(usd), f"{kind}_usd in {file}") for kind, usd in amounts.items() if usd is not None}


def held(own: Mapping[str, Cap], said: RepositoryCaps | None) -> dict[str, Cap]:
    """Of each kind the smaller cap."""
    if said is None:
        return dict(own)
    theirs = {kind: getattr(said, f"cap_{kind}_micros") for kind in KINDS}
    named = {
        kind: (micros, f"cap_{kind}_usd in the settings of {said.name}")
        for kind, micros in theirs.items()
        if micros is not None
    }
    return {
        kind: min(caps[kind] for caps in (own, named) if kind in caps) for kind in KINDS if kind in {**own, **named}
    }


def names(usages: Sequence[Usage], coverage: Coverage) -> dict[str, RepositoryQuery]:
    """What to ask the server: the branches worked on last, of repositories that it covers, by our names of those."""
    pairs = dict.fromkeys(
        (one.context.repository, one.context.branch) for one in reversed(usages) if one.context.repository
    )
    covered = {slug: coverage.name(slug) for slug in {slug for slug, _ in pairs}}
    latest = [pair for pair in pairs if covered[pair[0]]][:MOST_NAMED]
    return {
        slug: RepositoryQuery(covered[slug], [branch for its, branch in latest if its == slug and branch])
        for slug, _ in latest
    }


def keep(path: Path, asked: Mapping[str, RepositoryQuery], said: CapsAnswer, now: float) -> None:
    by_name = {one.name: one for one in said.repositories}
    ours = {slug: by_name[one.name] for slug, one in asked.items() if one.name in by_name}
    path.write_bytes(msgspec.json.encode(Kept(now, ours)))


def kept(path: Path, now: float) -> dict[str, RepositoryCaps]:
    """What the server said last, unless that is too long ago."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return {}
    return found.repositories if 0 <= now - found.asked_at < KEEP_SECONDS else {}


def _short(path: Path) -> str:
    home = f"{Path.home()}{os.sep}"
    return f"~/{str(path).removeprefix(home)}" if str(path).startswith(home) else str(path)
