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
    """What a pull request says of itself, beside what attribution needs of it.

    `closes` are issues that it closes by keyword, `reverts` pull requests and `reverts_commits` commits that it says it takes
    back. `authors` are digests of the people (no bots) who wrote its commits. `updated_at` is GitHub's.
    """

    title: str = ""
    labels: tuple[str, ...] = ()
    closes: tuple[int, ...] = ()
    reverts: tuple[int, ...] = ()
    reverts_commits: tuple[str, ...] = ()
    merge_commit: str = ""
    authors: tuple[str, ...] = ()
    updated_at: datetime | None = None


class State(StrEnum):
    """`SURVIVING` is merged, and not reverted for as long as it takes to say so."""

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
    gone: dict[int, tuple[datetime, int]] = {}
    # The latest merge first: whether a revert holds is known before what it reverts is looked at.
    for merged_at, number in sorted(((merged_at, number) for number, merged_at in _merged(pulls, at)), reverse=True):
        held = [
            (by_at, by) for by_at, by in reverters[number] if by not in gone and merged_at < by_at <= merged_at + window
        ]
        if held:
            gone[number] = min(held)
    return {
        number: _outcome(pull, details.get(number, Details()), at, at - window, gone.get(number))
        for number, pull in pulls.items()
        if pull.created_at <= at
    }


def taking_back(pulls: Mapping[int, PullRequest], details: Mapping[int, Details]) -> set[int]:
    """The pull requests that were made to take others back. One that reverts commits of its own, or some of another's, is not."""
    by_number = {number for number, own in details.items() if own.reverts}
    return by_number | {by for held in _reverters(pulls, details, _EVER).values() for _, by in held}


def concerned(pulls: Mapping[int, PullRequest], details: Mapping[int, Details], number: int) -> set[int]:
    """The pull requests whose outcome may change with that of this one: what it takes back, and what that took back."""
    reverters = _reverters(pulls, details, _EVER)
    takes_back: defaultdict[int, set[int]] = defaultdict(set)
    for other, held in reverters.items():
        for _, by in held:
            takes_back[by].add(other)
    found, todo = set[int](), {number}
    while todo:
        one = todo.pop()
        new = takes_back[one] - found
        found |= new
        todo |= new
    return found - {number}


def _outcome(
    pull: PullRequest, details: Details, at: datetime, settled_at: datetime, gone: tuple[datetime, int] | None
) -> Outcome:
    if pull.merged_at is not None and pull.merged_at <= at:
        if gone is not None:
            return Outcome(State.REVERTED, *gone)
        return Outcome(State.SURVIVING if pull.merged_at <= settled_at else State.MERGED, pull.merged_at)
    if pull.closed_at is not None and pull.closed_at <= at:
        return Outcome(State.ABANDONED, pull.closed_at)
    news = [pull.created_at, *(one.committed_at for one in pull.commits if one.committed_at)]
    quiet_since = max([one for one in news if one <= at] + ([details.updated_at] if details.updated_at else []))
    if quiet_since <= at - SILENT_AFTER:
        return Outcome(State.ABANDONED, quiet_since + SILENT_AFTER)
    return Outcome(State.OPEN, pull.created_at)


def _merged(pulls: Mapping[int, PullRequest], until: datetime) -> list[tuple[int, datetime]]:
    return [(number, one.merged_at) for number, one in pulls.items() if one.merged_at and one.merged_at <= until]


def _reverters(
    pulls: Mapping[int, PullRequest], details: Mapping[int, Details], until: datetime
) -> defaultdict[int, list[tuple[datetime, int]]]:
    """By pull request the merged ones that take it back: as a whole, by number or merge commit, or all of its commits."""
    found: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
    merged = _merged(pulls, until)
    by_commit: defaultdict[str, list[int]] = defaultdict(list)
    for number, _ in merged:
        own = details.get(number, Details()).merge_commit
        for sha in {own, *(one.sha for one in pulls[number].commits)} - {""}:
            by_commit[sha[:7]].append(number)
    for number, merged_at in merged:
        own = details.get(number, Details())
        named = set(own.reverts)
        for sha in own.reverts_commits:
            for other in by_commit[sha[:7]]:
                if _is_whole(pulls[other], details.get(other, Details()), own.reverts_commits):
                    named.add(other)
        for other in named - {number}:
            found[other].append((merged_at, number))
    return found


def _is_whole(pull: PullRequest, details: Details, taken_back: tuple[str, ...]) -> bool:
    """Whether these commits are all that a pull request brought: what became of it on its base, or each of its own."""

    def is_taken(sha: str) -> bool:
        return any(sha.startswith(one) or one.startswith(sha) for one in taken_back if sha)

    return is_taken(details.merge_commit) or (bool(pull.commits) and all(is_taken(one.sha) for one in pull.commits))
