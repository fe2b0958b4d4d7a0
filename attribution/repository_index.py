"""The facts of a repository, indexed by what a session knows: commits, branches, files and people.

The index does not depend on the order of the facts or on how often each is given.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from attribution.evidence import Commit, Correction, PullRequest
from attribution.rules.twins import bearers, merged_copies

# A commit date this much later than the author date shows that the commit was rewritten; a slow hook takes less.
REWRITE_DELAY = timedelta(minutes=1)


class IndexedCommit(msgspec.Struct, frozen=True):
    """A moment at which work went into a commit: when it was written, or when it was last amended.

    `numbers` are the pull requests that contain it, its first one in front; empty for a commit that is in none.
    """

    at: datetime
    commit: Commit
    numbers: tuple[int, ...]
    files: frozenset[str]
    branches: frozenset[str] = frozenset()
    is_amended: bool = False

    @property
    def number(self) -> int | None:
        """The pull request that made it, of several in a stack."""
        return self.numbers[0] if self.numbers else None

    @property
    def label(self) -> str:
        """`1f2e3d4`, in #12: for a person."""
        where = f"in #{self.number}" if self.numbers else "in no pull request"
        return f"`{self.commit.sha[:7]}`, {where}"

    def is_from(self, branch: str) -> bool:
        return branch in self.branches


class RepositoryIndex:
    """Pull requests, corrections, and the commits that were pushed without a pull request (`direct`)."""

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
        self._by_author: dict[str, list[IndexedCommit]] = {}
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
        """The commit with one of these ids, authorships or patch ids. Seven digits of an id are enough, as on GitHub."""
        for name in names:
            entry = self._by_id.get(name) or (self._by_id.get(name[:7]) if len(name) >= 7 else None)
            if entry is not None and (name in (entry.commit.authorship, entry.commit.patch_id) or _same(name, entry)):
                return entry
        return None

    def of_branch(self, branch: str, at: datetime, author: str = "") -> PullRequest | None:
        """Tenure: the first pull request from that branch not yet closed at that time. A reused name inherits nothing.

        Where several from one name are open at once (from forks), it is the author's own, else the first.
        """
        if self.is_unsettled(branch):
            return None
        pulls = self._by_branch.get(branch, ())
        on_branch = [pull for pull in pulls if pull.closed_at is None or pull.closed_at >= at]
        first = next(iter(on_branch), None)
        if first is None or len(on_branch) == 1 or not author:
            return first
        already_open = (pull for pull in on_branch if pull.created_at <= max(at, first.created_at))
        return next((pull for pull in already_open if pull.author == author), first)

    def is_unsettled(self, branch: str) -> bool:
        """True where a branch is no evidence: not known, detached (`HEAD`), or the default one."""
        return branch in ("", "HEAD", self.default_branch)

    def commits_by(self, author: str, since: datetime, until: datetime) -> Iterator[IndexedCommit]:
        """What a person committed from `since` to `until` (included), oldest first."""
        events = self._by_author.get(author, [])
        for i in range(bisect_left(events, since, key=lambda event: event.at), len(events)):
            if events[i].at > until:
                return
            yield events[i]

    def pulls_with(self, files: Iterable[str]) -> set[int]:
        """The numbers of the pull requests that change one of the files."""
        return {number for path in files for number in self._by_file.get(path, ())}

    def corrections(self, tool: str, session_id: str) -> list[Correction]:
        return self._corrections.get((tool, session_id), [])

    def _index_commits(self, direct: list[Commit]) -> None:
        by_sha: dict[str, tuple[Commit, list[PullRequest]]] = {}
        for pull in self.by_number.values():
            for commit in pull.commits:
                by_sha.setdefault(commit.sha, (commit, []))[1].append(pull)
        for commit in direct:
            by_sha.setdefault(commit.sha, (commit, []))
        merged = merged_copies(by_sha.values())
        for commit, pulls in by_sha.values():
            self._index_commit(commit, bearers(commit, pulls, merged))
        # Of commits of one moment the earlier pull request's stays first: sorting is stable.
        for events in self._by_author.values():
            events.sort(key=lambda event: event.at)

    def _index_commit(self, commit: Commit, pulls: list[PullRequest]) -> None:
        numbers = tuple(dict.fromkeys(pull.number for pull in pulls))
        files = commit.files or tuple(path for pull in pulls[:1] for path in pull.files)
        branches = frozenset(pull.head_branch for pull in pulls if pull.head_branch)
        at = commit.authored_at or commit.committed_at or datetime.max.replace(tzinfo=UTC)
        entry = IndexedCommit(at, commit, numbers, frozenset(files), branches)
        for name in (commit.sha, commit.sha[:7], commit.authorship, commit.patch_id):
            if name:
                self._by_id.setdefault(name, entry)
        if commit.authored_at is None:
            return
        events = self._by_author.setdefault(commit.author, [])
        events.append(entry)
        if commit.committed_at is not None and commit.committed_at - commit.authored_at > REWRITE_DELAY:
            events.append(msgspec.structs.replace(entry, at=commit.committed_at, is_amended=True))


def _same(name: str, entry: IndexedCommit) -> bool:
    """Whether a possibly short id means this commit."""
    return entry.commit.sha.startswith(name) or name.startswith(entry.commit.sha)
