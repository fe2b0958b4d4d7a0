"""The facts of a repository, looked up by what a session knows: commits, branches, files and people.

The index does not depend on the order of the facts or on how often each is given.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from attribution.evidence import Commit, Correction, PullRequest

# A commit date this much later than the author date shows a rewritten commit; a slow hook takes less.
REWRITTEN = timedelta(minutes=1)


class IndexedCommit(msgspec.Struct, frozen=True):
    """A moment at which work went into a commit: when it was written, or when it was last amended.

    `numbers` are the pull requests that hold it, the one that brought it first; empty for a commit that is in none of them.
    """

    at: datetime
    commit: Commit
    numbers: tuple[int, ...]
    files: frozenset[str]
    branches: frozenset[str] = frozenset()
    is_amended: bool = False

    @property
    def number(self) -> int | None:
        """Of stacked pull requests the one that made it."""
        return self.numbers[0] if self.numbers else None

    @property
    def shown(self) -> str:
        """`1f2e3d4`, in #12: for a person."""
        where = f"in #{self.number}" if self.numbers else "in no pull request"
        return f"`{self.commit.sha[:7]}`, {where}"

    def is_from(self, branch: str) -> bool:
        return branch in self.branches


class RepositoryIndex:
    """Pull requests with what else is known of the repository: corrections, and commits pushed without one."""

    def __init__(
        self,
        pulls: Iterable[PullRequest],
        default_branch: str,
        *,
        corrections: Iterable[Correction] = (),
        direct: Iterable[Commit] = (),
    ) -> None:
        self.default_branch = default_branch
        unique = {pull.number: pull for pull in sorted(pulls, key=msgspec.json.encode)}
        self.by_number = dict(sorted(unique.items(), key=lambda item: (item[1].created_at, item[0])))
        self._by_branch: dict[str, list[PullRequest]] = {}
        self._by_file: dict[str, list[int]] = {}
        self._by_id: dict[str, IndexedCommit] = {}
        self._landed: dict[str, list[IndexedCommit]] = {}
        for pull in self.by_number.values():
            if pull.head_branch:
                self._by_branch.setdefault(pull.head_branch, []).append(pull)
            for path in pull.files:
                self._by_file.setdefault(path, []).append(pull.number)
        self._index_commits(sorted(set(direct), key=msgspec.json.encode))
        self._corrections: dict[tuple[str, str], list[Correction]] = {}
        for correction in sorted(set(corrections)):
            self._corrections.setdefault((correction.tool, correction.session_id), []).append(correction)

    def of_commit(self, *names: str) -> IndexedCommit | None:
        """The commit with one of these ids, authorships or patch ids. Of short ids GitHub's seven digits are enough."""
        for name in names:
            found = self._by_id.get(name) or (self._by_id.get(name[:7]) if len(name) >= 7 else None)
            if found is not None and (name in (found.commit.authorship, found.commit.patch_id) or _same(name, found)):
                return found
        return None

    def of_branch(self, branch: str, at: datetime, author: str = "") -> PullRequest | None:
        """Tenure: the first pull request from that branch not yet closed at that time. A recycled name inherits nothing.

        Where several are open at once from one name (forks do that), the author's own is taken, else the first.
        """
        if self.is_unsettled(branch):
            return None
        on_branch = [one for one in self._by_branch.get(branch, ()) if one.closed_at is None or one.closed_at >= at]
        first = next(iter(on_branch), None)
        if first is None or len(on_branch) == 1 or not author:
            return first
        opened = [one for one in on_branch if one.created_at <= max(at, first.created_at)]
        return next((one for one in opened if one.author == author), first)

    def is_unsettled(self, branch: str) -> bool:
        """True where a branch says nothing: not known, detached (`HEAD`), or the default one."""
        return branch in ("", "HEAD", self.default_branch)

    def landed_by(self, author: str, since: datetime, until: datetime) -> Iterator[IndexedCommit]:
        """What a person committed from `since` to `until`, oldest first."""
        events = self._landed.get(author, [])
        for i in range(bisect_left(events, since, key=lambda event: event.at), len(events)):
            if events[i].at > until:
                return
            yield events[i]

    def holding(self, files: Iterable[str]) -> set[int]:
        """The pull requests that change one of the files."""
        return {number for path in files for number in self._by_file.get(path, ())}

    def corrections(self, tool: str, session_id: str) -> list[Correction]:
        return self._corrections.get((tool, session_id), [])

    def _index_commits(self, direct: list[Commit]) -> None:
        holders: dict[str, tuple[Commit, list[PullRequest]]] = {}
        for pull in self.by_number.values():
            for commit in pull.commits:
                holders.setdefault(commit.sha, (commit, []))[1].append(pull)
        for commit in direct:
            holders.setdefault(commit.sha, (commit, []))
        for commit, pulls in holders.values():
            self._index_commit(commit, pulls)
        # Of commits of one moment the earlier pull request's stays first: sorting is stable.
        for events in self._landed.values():
            events.sort(key=lambda landed: landed.at)

    def _index_commit(self, commit: Commit, pulls: list[PullRequest]) -> None:
        # A pull request merged into another's branch brought its commits there; in other stacks the first one made them.
        below = {pull.base_branch for pull in pulls}
        pulls = sorted(pulls, key=lambda pull: pull.head_branch in below)
        numbers = tuple(dict.fromkeys(pull.number for pull in pulls))
        files = commit.files or tuple(path for pull in pulls[:1] for path in pull.files)
        branches = frozenset(pull.head_branch for pull in pulls if pull.head_branch)
        at = commit.authored_at or commit.committed_at or datetime.max.replace(tzinfo=UTC)
        landed = IndexedCommit(at, commit, numbers, frozenset(files), branches)
        for name in (commit.sha, commit.sha[:7], commit.authorship, commit.patch_id):
            if name:
                self._by_id.setdefault(name, landed)
        if commit.authored_at is None:
            return
        events = self._landed.setdefault(commit.author, [])
        events.append(landed)
        if commit.committed_at is not None and commit.committed_at - commit.authored_at > REWRITTEN:
            events.append(msgspec.structs.replace(landed, at=commit.committed_at, is_amended=True))


def _same(name: str, landed: IndexedCommit) -> bool:
    """Whether a possibly short id means this commit."""
    return landed.commit.sha.startswith(name) or name.startswith(landed.commit.sha)
