"""What became of pull requests: open, merged, surviving, reverted or abandoned."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from attribution.evidence import PullRequest

SURVIVES_AFTER = timedelta(days=14)
SILENT_AFTER = timedelta(days=30)
_EVER = datetime.max.replace(tzinfo=UTC)


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of a pull request that attribution does not need.

    `closes` are issues that it closes by keyword, `reverts` pull requests and `reverts_commits` commits that it names as taken
    back. `authors` are digests of the people (no bots) who wrote its commits. `people_ids` are GitHub's numbers of who opened it
    and of the authors and committers of its commits. `updated_at` is GitHub's.
    """

    title: str = ""
    labels: tuple[str, ...] = ()
    closes: tuple[int, ...] = ()
    reverts: tuple[int, ...] = ()
    reverts_commits: tuple[str, ...] = ()
    merge_commit: str = ""
    authors: tuple[str, ...] = ()
    people_ids: tuple[int, ...] = ()
    updated_at: datetime | None = None


class State(StrEnum):
    """`SURVIVING` is merged, and not reverted within the window."""

    OPEN = "open"
    MERGED = "merged"
    SURVIVING = "surviving"
    REVERTED = "reverted"
    ABANDONED = "abandoned"


class Outcome(msgspec.Struct, frozen=True):
    """A state and since when. `by` is the pull request that reverted it. A merge's `at` is that of the merge."""

    state: State
    at: datetime
    by: int | None = None

    @property
    def is_merged(self) -> bool:
        """Merged, whatever came after."""
        return self.state in (State.MERGED, State.SURVIVING, State.REVERTED)


def outcomes(
    pulls: Mapping[int, PullRequest],
    details: Mapping[int, Details],
    at: datetime,
    *,
    window: timedelta = SURVIVES_AFTER,
) -> dict[int, Outcome]:
    """What has become of each pull request that existed at `at`, by number. A revert later than `window` after the merge is an
    ordinary change."""
    reverters = _reverters(pulls, details, at)
    reverts: dict[int, tuple[datetime, int]] = {}
    # The latest merge first: whether a revert is still in place is decided before the merge that it takes back.
    for merged_at, number in sorted(((merged_at, number) for number, merged_at in _merged(pulls, at)), reverse=True):
        valid = [
            (by_at, by)
            for by_at, by in reverters[number]
            if by not in reverts and merged_at < by_at <= merged_at + window
        ]
        if valid:
            reverts[number] = min(valid)
    return {
        number: _outcome(pull, details.get(number, Details()), at, at - window, reverts.get(number))
        for number, pull in pulls.items()
        if pull.created_at <= at
    }


def taking_back(pulls: Mapping[int, PullRequest], details: Mapping[int, Details]) -> set[int]:
    """The pull requests that were made to take others back. One that reverts commits of its own, or some of another's, is not."""
    by_number = {number for number, own in details.items() if own.reverts}
    return by_number | {by for merges in _reverters(pulls, details, _EVER).values() for _, by in merges}


def concerned(pulls: Mapping[int, PullRequest], details: Mapping[int, Details], number: int) -> set[int]:
    """The pull requests whose outcome may change with that of this one: what it takes back, and what that took back."""
    takes_back: defaultdict[int, set[int]] = defaultdict(set)
    for other, merges in _reverters(pulls, details, _EVER).items():
        for _, by in merges:
            takes_back[by].add(other)
    numbers, waiting = set[int](), {number}
    while waiting:
        new = takes_back[waiting.pop()] - numbers
        numbers |= new
        waiting |= new
    return numbers - {number}


def _outcome(
    pull: PullRequest, details: Details, at: datetime, settled_at: datetime, revert: tuple[datetime, int] | None
) -> Outcome:
    """`revert` is when it was reverted and by which pull request."""
    if pull.merged_at is not None and pull.merged_at <= at:
        if revert is not None:
            return Outcome(State.REVERTED, *revert)
        return Outcome(State.SURVIVING if pull.merged_at <= settled_at else State.MERGED, pull.merged_at)
    if pull.closed_at is not None and pull.closed_at <= at:
        return Outcome(State.ABANDONED, pull.closed_at)
    commit_times = [commit.committed_at for commit in pull.commits if commit.committed_at]
    changes = [change_at for change_at in (pull.created_at, *commit_times) if change_at <= at]
    if details.updated_at:
        changes.append(details.updated_at)
    quiet_since = max(changes)
    if quiet_since <= at - SILENT_AFTER:
        return Outcome(State.ABANDONED, quiet_since + SILENT_AFTER)
    return Outcome(State.OPEN, pull.created_at)


def _merged(pulls: Mapping[int, PullRequest], until: datetime) -> list[tuple[int, datetime]]:
    return [(number, pull.merged_at) for number, pull in pulls.items() if pull.merged_at and pull.merged_at <= until]


def _reverters(
    pulls: Mapping[int, PullRequest], details: Mapping[int, Details], until: datetime
) -> defaultdict[int, list[tuple[datetime, int]]]:
    """By pull request the merged ones that take it back: as a whole, by number or merge commit, or all of its commits."""
    reverters: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
    merges = _merged(pulls, until)
    by_commit: defaultdict[str, list[int]] = defaultdict(list)
    for number, _ in merges:
        merge_commit = details.get(number, Details()).merge_commit
        for sha in {merge_commit, *(commit.sha for commit in pulls[number].commits)} - {""}:
            by_commit[sha[:7]].append(number)
    for number, merged_at in merges:
        own = details.get(number, Details())
        targets = set(own.reverts)
        for sha in own.reverts_commits:
            for other in by_commit[sha[:7]]:
                if _is_whole(pulls[other], details.get(other, Details()), own.reverts_commits):
                    targets.add(other)
        for other in targets - {number}:
            reverters[other].append((merged_at, number))
    return reverters


def _is_whole(pull: PullRequest, details: Details, reverts: tuple[str, ...]) -> bool:
    """Whether the reverted commits are all of a pull request: its merge commit, or each of its own."""

    def is_reverted(sha: str) -> bool:
        return any(sha.startswith(revert) or revert.startswith(sha) for revert in reverts if sha)

    return is_reverted(details.merge_commit) or (
        bool(pull.commits) and all(is_reverted(commit.sha) for commit in pull.commits)
    )
