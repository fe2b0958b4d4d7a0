"""The weakest ties: pull requests that a session only looked at, and files in common."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby

from attribution.evidence import Claim, Evidence, PullRequest, Stage
from attribution.repository_index import RepositoryIndex
from attribution.session import Session

# A pull request opened this long after the work may still hold it.
NEAR = timedelta(days=3)
_LOOKS = ("view", "diff", "checks", "checkout", "comment", "review")


def by_review(work: Session, pulls: RepositoryIndex, _claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """A session that changed nothing and looked at pull requests reviewed them: work up to each look goes to it."""
    found: dict[int, Claim] = {}
    if not work.is_reading:
        return found
    current: Claim | None = None
    for i in range(len(work.steps) - 1, -1, -1):
        looked = {
            seen.number for seen in work.steps[i].usage.work.pulls_seen if seen.how in _LOOKS
        } & pulls.by_number.keys()
        if looked:
            numbers = tuple(sorted(looked))
            weights = tuple((number, 1) for number in numbers)
            current = Claim(weights, Evidence.REVIEW, f"looked at {_names(numbers)} and changed nothing", Stage.REVIEW)
        if current is not None:
            found[i] = current
    last = max(found, default=None)
    return found if last is None else found | dict.fromkeys(range(last, len(work.steps)), found[last])


def by_files(work: Session, pulls: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Edited files that a pull request of the same person holds for the most part, near in time.

    What fits two equally well is shared between them. Work on the default branch was pushed or thrown away for all one can see.
    """
    found: dict[int, Claim] = {}
    for stretch in _unplaced(work, claims):
        best, is_most = _best(work, stretch, pulls)
        if is_most and all(work.steps[i].usage.context.branch != pulls.default_branch for i in stretch):
            weights = tuple((number, 1) for number in best)
            why = f"edited files that {_names(best)} changed, by the same author"
            found |= dict.fromkeys(stretch, Claim(weights, Evidence.FILES, why))
    return found


def candidates(work: Session, pulls: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """What no rule places is left unattributed, with the pull requests that hold some of its files for a person to choose."""
    found: dict[int, Claim] = {}
    for stretch in _unplaced(work, claims):
        best, _ = _best(work, stretch, pulls)
        if best:
            why = f"edited files that are also in {_names(best)}"
            evidence = Evidence.SEVERAL if len(best) > 1 else Evidence.NONE
            found |= dict.fromkeys(stretch, Claim(((None, 1),), evidence, why, candidates=best))
    return found


def _best(work: Session, stretch: list[int], pulls: RepositoryIndex) -> tuple[tuple[int, ...], bool]:
    """The pull requests that hold most of the edited files, and whether that is more than half of them."""
    edited = {path for i in stretch for path in work.steps[i].usage.work.edited_files}
    at = work.steps[stretch[0]].at
    fits = _fits(edited, at, work.author, pulls)
    most = max(fits.values(), default=0)
    return _in_hand({number for number, shared in fits.items() if shared == most}, at, pulls), 2 * most > len(edited)


def _names(numbers: tuple[int, ...]) -> str:
    return " and ".join(f"#{number}" for number in numbers)


def _unplaced(work: Session, claims: Mapping[int, Claim]) -> Iterator[list[int]]:
    for claimed, stretch in groupby(range(len(work.steps)), claims.__contains__):
        if not claimed:
            yield list(stretch)


def _fits(edited: set[str], at: datetime, author: str, pulls: RepositoryIndex) -> dict[int, int]:
    """How many of the edited files each pull request holds that could hold this work."""
    shared: dict[int, int] = {}
    for number in pulls.holding(edited):
        pull = pulls.by_number[number]
        if _could_hold(pull, at, author):
            shared[number] = len(edited.intersection(pull.files))
    return shared


def _in_hand(numbers: set[int], at: datetime, pulls: RepositoryIndex) -> tuple[int, ...]:
    """Of those that fit alike the ones that were open already, if any."""
    opened = {number for number in numbers if pulls.by_number[number].created_at <= at}
    return tuple(sorted(opened or numbers))


def _could_hold(pull: PullRequest, at: datetime, author: str) -> bool:
    in_time = pull.created_at - NEAR <= at and (pull.closed_at is None or at <= pull.closed_at)
    return in_time and bool(author) and author in (pull.author, *(commit.author for commit in pull.commits))
