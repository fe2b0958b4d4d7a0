"""What the pull request of a branch has cost: over everybody where a server knows it, else on this machine."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from attribution.money import Micros
from attribution.protocol import RepositoryCaps
from attribution.usage import Usage
from collector.files import open_regular, read_bytes

# What the amount is of, and the amount.
Amount: TypeAlias = tuple[str, Micros]

_FIRST_LINE_BYTES = 4096
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def of_branches(
    costs: Iterable[tuple[Usage, Micros]], git_folders: Mapping[str, str], repositories: Mapping[str, RepositoryCaps]
) -> dict[str, dict[str, Amount]]:
    """By repository and branch, without default branches. `git_folders` has the git folder of each existing folder.

    A branch name may be used again. So without an open pull request only work counts that is later than both the creation of
    the branch in this clone and the end of the last pull request from it.
    """
    groups: defaultdict[tuple[str, str, str], list[tuple[datetime, Micros]]] = defaultdict(list)
    for usage, micros in costs:
        groups[usage.context.repository, usage.context.branch, git_folders.get(usage.context.cwd, "")].append(
            (usage.at, micros)
        )
    spends = {(slug, branch.name): branch for slug, caps in repositories.items() for branch in caps.branches}
    amounts: dict[str, dict[str, Amount]] = {}
    for (slug, branch, folder), requests in groups.items():
        if not slug or not branch or branch in _default(folder, repositories.get(slug)):
            continue
        spend, by_branch = spends.get((slug, branch)), amounts.setdefault(slug, {})
        if spend and spend.pull_number:
            by_branch[branch] = f"pull request #{spend.pull_number}", spend.spent_micros
            continue
        since = max(_created_at(folder, branch), (spend and spend.closed_at) or _LONG_AGO)
        here = sum(micros for at, micros in requests if at >= since)
        # The same branch in another clone is added.
        by_branch[branch] = f"the work on {branch} on this machine", here + by_branch.get(branch, ("", 0))[1]
    return amounts


def _created_at(git: str, branch: str) -> datetime:
    """When the branch was created in this clone, as far as its reflog goes back: https://git-scm.com/docs/git-reflog"""
    try:
        with open_regular(Path(git, "logs/refs/heads", branch)) as file:
            seconds = int(file.read(_FIRST_LINE_BYTES).partition(b"\t")[0].split()[-2])
        return datetime.fromtimestamp(seconds, UTC)
    except (OSError, ValueError, IndexError, OverflowError):
        return _LONG_AGO


def _default(git: str, caps: RepositoryCaps | None) -> tuple[str, ...]:
    """The default branch, as the server or git knows it."""
    if caps:
        return (caps.default_branch,)
    try:
        head = read_bytes(Path(git, "refs/remotes/origin/HEAD")).decode().strip()
    except (OSError, ValueError):
        head = ""
    return (head.removeprefix("ref: refs/remotes/origin/"),) if head else ("main", "master")
