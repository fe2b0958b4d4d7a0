"""The caps in force: this machine's own, from its configuration, and those of a repository, which its server knows."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from attribution.money import Micros, from_usd
from attribution.usage import Usage
from collector.coverage import Coverage
from collector.settings import config_file, read_caps

# How long a server's answer is used without a newer one.
KEEP_SECONDS = 3600
MOST_BRANCHES = 200

# An amount, and where it is set. By kind: of a session, of a day on this machine, of a branch's pull request.
Cap: TypeAlias = tuple[Micros, str]
KINDS = ("session", "day", "pull")


class RepositoryBranches(msgspec.Struct, frozen=True):
    """A repository by the name that the server knows, and the branches of it that tools worked on here."""

    name: str
    branches: list[str]


class CapsRequest(msgspec.Struct, frozen=True):
    """The body of `POST /v1/caps`."""

    repositories: list[RepositoryBranches]


class BranchSpend(msgspec.Struct, frozen=True):
    """`pull_number` is the one open pull request from the branch, `spent_micros` what it has cost over everybody. `closed_at` is
    when the last one was closed: work before that does not count for the next one."""

    name: str
    pull_number: int | None = None
    spent_micros: Micros = 0
    closed_at: datetime | None = None


class RepositoryCaps(msgspec.Struct, frozen=True):
    """A cap of None is not set."""

    name: str
    default_branch: str
    cap_session_micros: Micros | None = None
    cap_day_micros: Micros | None = None
    cap_pull_micros: Micros | None = None
    branches: list[BranchSpend] = []


class CapsAnswer(msgspec.Struct, frozen=True):
    """The answer to `POST /v1/caps`."""

    repositories: list[RepositoryCaps]


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


def latest_branches(usages: Sequence[Usage], coverage: Coverage) -> dict[str, RepositoryBranches]:
    """What to ask the server about: the latest branches of the repositories that it covers, by local name of the repository."""
    pairs = dict.fromkeys((usage.repository, usage.branch) for usage in reversed(usages) if usage.repository)
    server_names = {slug: coverage.name(slug) for slug in {slug for slug, _ in pairs}}
    latest = [pair for pair in pairs if server_names[pair[0]]][:MOST_BRANCHES]
    return {
        slug: RepositoryBranches(server_names[slug], [branch for other, branch in latest if other == slug and branch])
        for slug, _ in latest
    }


def write(path: Path, request: Mapping[str, RepositoryBranches], answer: CapsAnswer, now: float) -> None:
    """Raises OSError."""
    by_name = {repository.name: repository for repository in answer.repositories}
    local_names = {slug: by_name[query.name] for slug, query in request.items() if query.name in by_name}
    path.write_bytes(msgspec.json.encode(CapsFile(now, local_names)))


def read(path: Path, now: float) -> dict[str, RepositoryCaps]:
    """The server's last answer, unless it is too old."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=CapsFile)
    except (OSError, msgspec.DecodeError):
        return {}
    return file.repositories if 0 <= now - file.answered_at < KEEP_SECONDS else {}


def _short(path: Path) -> str:
    home = f"{Path.home()}{os.sep}"
    return f"~/{str(path).removeprefix(home)}" if str(path).startswith(home) else str(path)
