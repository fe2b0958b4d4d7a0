"""The weakest evidence: pull requests that a session only looked at, and files in common."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby

from attribution.evidence import Claim, Evidence, PullRequest, Stage
from attribution.repository_index import RepositoryIndex
from attribution.session import Session

# A pull request opened this long after the work may still contain it.
NEAR = timedelta(days=3)
_LOOKS = ("view", "diff", "checks", "checkout", "comment", "review")


def by_review(session: Session, index: RepositoryIndex, _claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """A session that changed nothing and looked at pull requests reviewed them. Work up to each look goes to that look."""
    answers: dict[int, Claim] = {}
    if not session.is_reading:
        return answers
    review: Claim | None = None
    for i in range(len(session.turns) - 1, -1, -1):
        looks = {look.number for look in session.turns[i].usage.work.pulls_seen if look.how in _LOOKS}
        numbers = tuple(sorted(looks & index.by_number.keys()))
        if numbers:
            weights = tuple((number, 1) for number in numbers)
            review = Claim(weights, Evidence.REVIEW, f"looked at {_names(numbers)} and changed nothing", Stage.REVIEW)
        if review is not None:
            answers[i] = review
    last = max(answers, default=None)
    return answers if last is None else answers | dict.fromkeys(range(last, len(session.turns)), answers[last])


def by_files(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """A pull request of the same person, near in time, changes most of the edited files.

    Work that fits two equally well is shared between them. Work on the default branch gets no claim: it may have been pushed, or
    thrown away.
    """
    answers: dict[int, Claim] = {}
    for stretch in _stretches_without_claim(session, claims):
        best, is_most = _best(session, stretch, index)
        if is_most and all(session.turns[i].usage.context.branch != index.default_branch for i in stretch):
            weights = tuple((number, 1) for number in best)
            why = f"edited files that {_names(best)} changed, by the same author"
            answers |= dict.fromkeys(stretch, Claim(weights, Evidence.FILES, why))
    return answers


def candidates(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Work that no rule attributes stays unattributed, with the pull requests that change some of its files as candidates."""
    answers: dict[int, Claim] = {}
    for stretch in _stretches_without_claim(session, claims):
        best, _ = _best(session, stretch, index)
        if best:
            why = f"edited files that are also in {_names(best)}"
            evidence = Evidence.SEVERAL if len(best) > 1 else Evidence.NONE
            answers |= dict.fromkeys(stretch, Claim(((None, 1),), evidence, why, candidates=best))
    return answers


def _best(session: Session, stretch: list[int], index: RepositoryIndex) -> tuple[tuple[int, ...], bool]:
    """The pull requests that change most of the edited files, and whether that is more than half of them."""
    files = {path for i in stretch for path in session.turns[i].usage.work.edited_files}
    at = session.turns[stretch[0]].at
    overlaps = _overlaps(files, at, session.author, index)
    most = max(overlaps.values(), default=0)
    numbers = {number for number, overlap in overlaps.items() if overlap == most}
    return _open_first(numbers, at, index), 2 * most > len(files)


def _names(numbers: tuple[int, ...]) -> str:
    return " and ".join(f"#{number}" for number in numbers)


def _stretches_without_claim(session: Session, claims: Mapping[int, Claim]) -> Iterator[list[int]]:
    for has_claim, stretch in groupby(range(len(session.turns)), claims.__contains__):
        if not has_claim:
            yield list(stretch)


def _overlaps(files: set[str], at: datetime, author: str, index: RepositoryIndex) -> dict[int, int]:
    """How many of the files each pull request changes, of those that could contain this work."""
    counts: dict[int, int] = {}
    for number in index.pulls_with(files):
        pull = index.by_number[number]
        if _could_contain(pull, at, author):
            counts[number] = len(files.intersection(pull.files))
    return counts


def _open_first(numbers: set[int], at: datetime, index: RepositoryIndex) -> tuple[int, ...]:
    """Of equal fits the pull requests that were open already, if any."""
    already_open = {number for number in numbers if index.by_number[number].created_at <= at}
    return tuple(sorted(already_open or numbers))


def _could_contain(pull: PullRequest, at: datetime, author: str) -> bool:
    in_time = pull.created_at - NEAR <= at and (pull.closed_at is None or at <= pull.closed_at)
    return in_time and bool(author) and author in (pull.author, *(commit.author for commit in pull.commits))
