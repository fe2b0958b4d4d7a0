"""One session, in the order in which its work was requested."""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from attribution.evidence import Commit
from attribution.repository_index import IndexedCommit, RepositoryIndex
from attribution.usage import CommitMade, Usage

# The commit is made within the request that asked for it; the clocks of the log and of git differ by seconds.
CLOCKS = timedelta(minutes=5)


class Turn(msgspec.Struct, frozen=True):
    """A request, and the time `at` which its work was requested, in whole seconds as git's times are. For a sub-agent that is the
    time of the request that started it. `until` is the time of the next turn."""

    at: datetime
    usage: Usage
    until: datetime


class Session(msgspec.Struct, frozen=True):
    """The turns of one session by time, with its `author`, the digest of an e-mail."""

    tool: str
    session_id: str
    author: str
    turns: tuple[Turn, ...]

    @property
    def is_reading(self) -> bool:
        """Whether the session shows no edit and no commit."""
        return not any(turn.usage.work.edited_files or turn.usage.work.commits_made for turn in self.turns)


def session_of(requests: Iterable[Usage]) -> Session:
    """Order one session. Sub-agents follow the request that started them, whatever happened meanwhile."""
    unique = {usage.key: usage for usage in requests}.values()
    by_time = sorted(unique, key=lambda usage: (usage.at, usage.request_id))
    agent_starts: dict[str, datetime] = {}
    timeline: list[tuple[datetime, Usage]] = []
    main_at: datetime | None = None
    for usage in by_time:
        if usage.agent_id:
            at = agent_starts.setdefault(usage.agent_id, main_at or usage.at)
        else:
            at = main_at = usage.at
        timeline.append((at, usage))
    timeline.sort(key=lambda pair: (pair[0], pair[1].at, pair[1].request_id))
    ends = [at for at, _ in timeline[1:]] + [datetime.max.replace(tzinfo=at.tzinfo) for at, _ in timeline[-1:]]
    turns = tuple(
        Turn(at.replace(microsecond=0), usage, max(end, usage.at))
        for (at, usage), end in zip(timeline, ends, strict=True)
    )
    first = by_time[0] if by_time else None
    return Session(
        first.tool if first else "",
        first.session_id if first else "",
        max((usage.context.author for usage in by_time), default=""),
        turns,
    )


def commits(turn: Turn, author: str, index: RepositoryIndex) -> Iterator[IndexedCommit]:
    """What became of the commits that a turn made; nothing for one that the repository does not show (yet).

    Amend and rebase change the id that git printed, but not the author date. Where no id fits, it is the same person's commit
    written within the turn. A commit on the default branch that is in no pull request was pushed directly.
    """
    for report in turn.usage.work.commits_made:
        commit = index.of_commit(report.sha, report.authorship, report.patch_id)
        if commit is None and author:
            since, until = _writing_time(report, turn)
            in_time = index.commits_by(author, since, until)
            commit = next((candidate for candidate in in_time if not candidate.is_amended), None)
        if commit is None and report.branch == index.default_branch and is_pushed(turn, index):
            commit = IndexedCommit(turn.usage.at, Commit(sha=report.sha), (), frozenset(report.files))
        if commit is not None:
            yield commit


def is_pushed(turn: Turn, index: RepositoryIndex) -> bool:
    """Whether a commit on the default branch that no fact shows is this repository's: the turn stood there, or nowhere known.

    Scratch repositories have a default branch, too, and git prints the same of their commits.
    """
    return index.is_unsettled(turn.usage.context.branch)


def since_last_cut(end: int, claims: Container[int]) -> Iterator[int]:
    """Backwards from `end` (not included) to the last position with a claim: the work that a commit there ends."""
    for i in range(end - 1, -1, -1):
        if i in claims:
            return
        yield i


def _writing_time(report: CommitMade, turn: Turn) -> tuple[datetime, datetime]:
    if report.authored_at is not None:
        return report.authored_at, report.authored_at
    return turn.usage.at.replace(microsecond=0), min(turn.until, turn.usage.at + CLOCKS)
