"""One session, in the order in which its work was asked for."""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from attribution.evidence import Commit
from attribution.repository_index import IndexedCommit, RepositoryIndex
from attribution.usage import CommitMade, Usage

# Git answers a commit within the request that asked for it; the clock of the log and of git differ by seconds.
CLOCKS = timedelta(minutes=5)


class Turn(msgspec.Struct, frozen=True):
    """A request at the time it was asked for, in whole seconds as git's times are: a sub-agent's is that of the request that
    started it."""

    at: datetime
    usage: Usage
    until: datetime


class Session(msgspec.Struct, frozen=True):
    """The steps of one session by time, with who did it (`author`, the digest of an e-mail)."""

    tool: str
    session_id: str
    author: str
    steps: tuple[Turn, ...]

    @property
    def is_reading(self) -> bool:
        """Whether the session changed nothing that anybody saw."""
        return not any(step.usage.work.edited_files or step.usage.work.commits_made for step in self.steps)


def work(session: Iterable[Usage]) -> Session:
    """Order one session. Sub-agents follow the request that started them, whatever went on meanwhile."""
    requests = sorted({usage.key: usage for usage in session}.values(), key=lambda one: (one.at, one.request_id))
    started: dict[str, datetime] = {}
    asked_at: list[tuple[datetime, Usage]] = []
    main_at: datetime | None = None
    for usage in requests:
        if usage.agent_id:
            at = started.setdefault(usage.agent_id, main_at or usage.at)
        else:
            at = main_at = usage.at
        asked_at.append((at, usage))
    asked_at.sort(key=lambda pair: (pair[0], pair[1].at, pair[1].request_id))
    ends = [at for at, _ in asked_at[1:]] + [datetime.max.replace(tzinfo=at.tzinfo) for at, _ in asked_at[-1:]]
    steps = tuple(
        Turn(at.replace(microsecond=0), usage, max(end, usage.at))
        for (at, usage), end in zip(asked_at, ends, strict=True)
    )
    first = requests[0] if requests else None
    return Session(
        first.tool if first else "",
        first.session_id if first else "",
        max((usage.context.author for usage in requests), default=""),
        steps,
    )


def commits(step: Turn, author: str, pulls: RepositoryIndex) -> Iterator[IndexedCommit]:
    """What became of the commits that a step made; nothing of one that the repository does not show (yet).

    An id that git printed is lost by amend and rebase, the author date is not: where no id fits, the same person's commit
    written within the step is the one. A commit on the default branch that is in no pull request was pushed directly.
    """
    for made in step.usage.work.commits_made:
        found = pulls.of_commit(made.sha, made.authorship, made.patch_id)
        if found is None and author:
            since, until = _written(made, step)
            found = next((one for one in pulls.landed_by(author, since, until) if not one.is_amended), None)
        if found is None and made.branch == pulls.default_branch:
            found = IndexedCommit(step.usage.at, Commit(sha=made.sha), (), frozenset(made.files))
        if found is not None:
            yield found


def since_last_cut(end: int, held: Container[int]) -> Iterator[int]:
    """Backwards from `end` (not included) to what is claimed already: the work that a commit there ends."""
    for i in range(end - 1, -1, -1):
        if i in held:
            return
        yield i


def _written(made: CommitMade, step: Turn) -> tuple[datetime, datetime]:
    if made.authored_at is not None:
        return made.authored_at, made.authored_at
    return step.usage.at.replace(microsecond=0), min(step.until, step.usage.at + CLOCKS)
