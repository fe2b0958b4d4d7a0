"""What the pull request of a branch has cost: over everybody, where a server says so, else what was used on the branch here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from attribution.money import Micros
from attribution.protocol import RepositoryCaps
from attribution.usage import Usage

# Of what, and how much.
Amount: TypeAlias = tuple[str, Micros]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def of_branches(
    used: Iterable[tuple[Usage, Micros]], git: Mapping[str, str], said: Mapping[str, RepositoryCaps]
) -> dict[str, dict[str, Amount]]:
    """By repository and branch, but for default branches. `git` has the git folder of each folder that is there.

    A name may be used again: without an open pull request only work counts that was done since the branch was made in this
    clone and since the last pull request from it was closed.
    """
    groups: defaultdict[tuple[str, str, str], list[tuple[datetime, Micros]]] = defaultdict(list)
    for usage, micros in used:
        groups[usage.context.repository, usage.context.branch, git.get(usage.context.cwd, "")].append(
            (usage.at, micros)
        )
    answers = {(slug, one.name): one for slug, its in said.items() for one in its.branches}
    found: dict[str, dict[str, Amount]] = {}
    for (slug, branch, folder), spent in groups.items():
        if not slug or not branch or branch in _default(folder, said.get(slug)):
            continue
        answer, ours = answers.get((slug, branch)), found.setdefault(slug, {})
        if answer and answer.pull_number:
            ours[branch] = f"pull request #{answer.pull_number}", answer.spent_micros
            continue
        since = max(_made_at(folder, branch), (answer and answer.closed_at) or _LONG_AGO)
        here = sum(micros for at, micros in spent if at >= since)
        # The same branch in another clone comes to it.
        ours[branch] = f"the work on {branch} on this machine", here + ours.get(branch, ("", 0))[1]
    return found


def _made_at(git: str, branch: str) -> datetime:
    """When the branch was made in this clone, as far as its reflog goes back: https://git-scm.com/docs/git-reflog"""
    try:
        with Path(git, "logs/refs/heads", branch).open("rb") as file:
            seconds = int(file.readline().partition(b"\t")[0].split()[-2])
        return datetime.fromtimestamp(seconds, UTC)
    except (OSError, ValueError, IndexError, OverflowError):
        return _LONG_AGO


def _default(git: str, said: RepositoryCaps | None) -> tuple[str, ...]:
    """The default branch, as the server or git knows it."""
    if said:
        return (said.default_branch,)
    try:
        head = Path(git, "refs/remotes/origin/HEAD").read_text().strip()
    except (OSError, ValueError):
        head = ""
    return (head.removeprefix("ref: refs/remotes/origin/"),) if head else ("main", "master")
