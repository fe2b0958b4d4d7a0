"""The caps in force: this machine's own, from its configuration, and those of a repository, which its server knows."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from attribution.money import Micros, from_usd
from attribution.protocol import CapsAnswer, RepositoryCaps, RepositoryQuery
from attribution.usage import Usage
from collector.coverage import Coverage
from collector.files import read_bytes, write_bytes
from collector.settings import config_file, read_caps

# How long a server's answer is used without a newer one.
KEEP_SECONDS = 3600
MOST_NAMED = 200

# An amount, and where it is set. By kind: of a session, of a day on this machine, of a branch's pull request.
Cap: TypeAlias = tuple[Micros, str]
KINDS = ("session", "day", "pull")


class CapsFile(msgspec.Struct, frozen=True):
    """The server's last answer and when it came (seconds since 1970), by the local names of the repositories."""

    answered_at: float
    repositories: dict[str, RepositoryCaps]


def local(env: Mapping[str, str]) -> dict[str, Cap]:
    """This machine's own caps, by kind. Raises SettingsError."""
    caps, file = read_caps(env), _short(config_file(env))
    amounts = {kind: getattr(caps, f"{kind}_usd") for kind in KINDS}
    return {kind: (from_usd(usd), f"{kind}_usd in {file}") for kind, usd in amounts.items() if usd is not None}


def smaller(own: Mapping[str, Cap], repository: RepositoryCaps | None) -> dict[str, Cap]:
    """Of each kind the smaller of two caps."""
    if repository is None:
        return dict(own)
    amounts = {kind: getattr(repository, f"cap_{kind}_micros") for kind in KINDS}
    theirs = {
        kind: (micros, f"cap_{kind}_usd in the settings of {repository.name}")
        for kind, micros in amounts.items()
        if micros is not None
    }
    return {
        kind: min(caps[kind] for caps in (own, theirs) if kind in caps) for kind in KINDS if kind in {**own, **theirs}
    }


def latest_branches(usages: Sequence[Usage], coverage: Coverage) -> dict[str, RepositoryQuery]:
    """What to ask the server about: the latest branches of the repositories that it covers, by local name of the repository."""
    pairs = dict.fromkeys(
        (usage.context.repository, usage.context.branch) for usage in reversed(usages) if usage.context.repository
    )
    server_names = {slug: coverage.name(slug) for slug in {slug for slug, _ in pairs}}
    latest = [pair for pair in pairs if server_names[pair[0]]][:MOST_NAMED]
    return {
        slug: RepositoryQuery(server_names[slug], [branch for other, branch in latest if other == slug and branch])
        for slug, _ in latest
    }


def by_local_name(request: Mapping[str, RepositoryQuery], answer: CapsAnswer) -> dict[str, RepositoryCaps]:
    by_name = {repository.name: repository for repository in answer.repositories}
    return {slug: by_name[query.name] for slug, query in request.items() if query.name in by_name}


def write(path: Path, repositories: Mapping[str, RepositoryCaps], now: float) -> None:
    """Raises OSError."""
    write_bytes(path, msgspec.json.encode(CapsFile(now, dict(repositories))))


def read(path: Path, now: float) -> dict[str, RepositoryCaps]:
    """The server's last answer, unless it is too old."""
    try:
        file = msgspec.json.decode(read_bytes(path), type=CapsFile)
    except (OSError, msgspec.DecodeError):
        return {}
    return file.repositories if 0 <= now - file.answered_at < KEEP_SECONDS else {}


def _short(path: Path) -> str:
    home = f"{Path.home()}{os.sep}"
    return f"~/{str(path).removeprefix(home)}" if str(path).startswith(home) else str(path)
