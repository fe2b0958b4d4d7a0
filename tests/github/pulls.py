"""Verbs on commits and pull requests."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from . import history, payloads
from .deliveries import record
from .state import Commit, Label, Pull, Repository, Signature, State, User

NO_COMMIT = "0" * 40


class PullDetails(TypedDict, total=False):
    """`fork` is the repository that holds the head branch, where it is not the same one."""

    number: int
    title: str
    body: str | None
    base: str
    draft: bool
    labels: Sequence[str]
    fork: Repository


class RepositoryIndex(State):
    def commit(
        self,
        message: str,
        *,
        author: User,
        at: datetime | None = None,
        files: Mapping[str, tuple[int, int]] | None = None,
        sha: str = "",
        parents: Sequence[str] = (),
    ) -> Commit:
        """A commit to push. `files` is path -> (lines added, lines removed); `at` is the author date, by default now."""
        by = Signature(author.name, author.email, at or self.now())
        committer = Signature(by.name, by.email, self.now())
        sha = sha or history.new_sha(message, by, self.next_id())
        return Commit(sha, message, by, committer, dict(files or {"src/app.py": (1, 0)}), tuple(parents))

    def push(self, repository: Repository, branch: str, commits: Iterable[Commit], by: User | None = None) -> str:
        """Add commits to a branch (made off the default branch if new); open pull requests follow. Answers the new tip."""
        default_tip = repository.branches[repository.default_branch]
        return self._move(repository, branch, repository.branches.get(branch, default_tip), list(commits), by)

    def force_push(self, repository: Repository, branch: str, commits: Iterable[Commit], by: User | None = None) -> str:
        """Replace what a branch has on top of the default branch: a rebase or an amended commit."""
        return self._move(repository, branch, repository.branches[repository.default_branch], list(commits), by)

    def delete_branch(self, repository: Repository, branch: str) -> None:
        before = repository.branches.pop(branch)
        self._record_push(repository, branch, before, [], repository.owner)

    def open_pull(
        self,
        repository: Repository,
        head: str,
        author: User,
        commits: Iterable[Commit] = (),
        **details: Unpack[PullDetails],
    ) -> Pull:
        """Push `commits` to the branch `head` if there are any, then open a pull request from it."""
        source = details.get("fork", repository)
        if commits := list(commits):
            self.push(source, head, commits, author)
        head_sha, base = source.branches[head], details.get("base", repository.default_branch)
        if source is not repository:  # GitHub keeps them at refs/pull/N/head
            repository.commits |= {
                sha: commit for sha, commit in source.commits.items() if sha not in repository.commits
            }
        now, number = self.now(), details.get("number", max(repository.issues, default=0) + 1)
        if number in repository.issues:
            raise ValueError(f"{repository.full_name}#{number} exists")
        pull = Pull(
            id=self.next_id(), number=number, repository=repository, title=details.get("title", head),
            body=details.get("body"), user=author, created_at=now, updated_at=now, head_repository=source, head_ref=head,
            head_sha=head_sha, base_ref=base, base_sha=repository.branches[base], draft=details.get("draft", False),
            labels=[self.label(repository, name) for name in details.get("labels", ())],
        )  # fmt: skip
        repository.issues[number] = pull
        self._pull_event(pull, "opened", author)
        return pull

    def merge(self, repository: Repository, number: int, method: str = "merge", by: User | None = None) -> Pull:
        """`method` is merge, squash or rebase. The base branch moves, too."""
        pull, by = self.pull(repository, number), by or repository.owner
        if pull.state != "open" or pull.draft:
            raise ValueError(f"{repository.full_name}#{number} cannot be merged: it is closed or a draft")
        now, commits = self.now(), history.merge_commits(pull, method, Signature(by.name, by.email, self.now()))
        pull.final_commits = history.pull_commits(pull)
        pull.merge_commit_sha = self.push(repository, pull.base_ref, commits, by)
        pull.merged_at, pull.merged_by = now, by
        self._close(pull, by)
        return pull

    def close(self, repository: Repository, number: int, by: User | None = None) -> Pull:
        pull = self.pull(repository, number)
        pull.final_commits = history.pull_commits(pull)
        self._close(pull, by or repository.owner)
        return pull

    def reopen(self, repository: Repository, number: int, by: User | None = None) -> Pull:
        pull = self.pull(repository, number)
        if pull.merged_at:
            raise ValueError(f"{repository.full_name}#{number} is merged, GitHub does not reopen it")
        pull.state, pull.closed_at, pull.final_commits, pull.updated_at = "open", None, None, self.now()
        self._pull_event(pull, "reopened", by or repository.owner)
        return pull

    def mark_ready(self, repository: Repository, number: int) -> Pull:
        """A draft becomes ready for review."""
        pull = self.pull(repository, number)
        pull.draft, pull.updated_at = False, self.now()
        self._pull_event(pull, "ready_for_review", pull.user)
        return pull

    def label(self, repository: Repository, name: str) -> Label:
        """The repository's label of that name, made if it does not exist, as GitHub does on an issue."""
        return repository.labels.setdefault(name.lower(), Label(self.next_id(), name))

    def _close(self, pull: Pull, by: User) -> None:
        pull.state, pull.closed_at, pull.updated_at = "closed", self.now(), self.now()
        self._pull_event(pull, "closed", by)

    def _move(self, repository: Repository, branch: str, onto: str, commits: list[Commit], by: User | None) -> str:
        before, after = repository.branches.get(branch, NO_COMMIT), history.append(repository, onto, commits)
        repository.branches[branch] = after
        repository.pushed_at = repository.updated_at = self.now()
        sender = by or repository.owner
        self._record_push(repository, branch, before, commits, sender)
        for pull in self._open_pulls_from(repository, branch):
            pull.repository.commits |= repository.commits
            pull.head_sha, pull.base_sha = after, pull.repository.branches[pull.base_ref]
            pull.updated_at = self.now()
            self._pull_event(pull, "synchronize", sender, before=before, after=after)
        return after

    def _open_pulls_from(self, repository: Repository, branch: str) -> list[Pull]:
        issues = (issue for candidate in self.repositories.values() for issue in candidate.issues.values())
        pulls = [issue for issue in issues if isinstance(issue, Pull) and issue.state == "open"]
        return [pull for pull in pulls if pull.head_repository is repository and pull.head_ref == branch]

    def _record_push(self, repository: Repository, branch: str, before: str, commits: list[Commit], by: User) -> None:
        after = repository.branches.get(branch, NO_COMMIT)
        is_forced = NO_COMMIT not in (before, after) and before not in history.ancestry(repository, after)
        brief = [
            {"id": commit.sha, "message": commit.message, "timestamp": payloads.when(commit.committer.at), "distinct": True,
             "author": {"name": commit.author.name, "email": commit.author.email}, "modified": list(commit.files)}
            for commit in commits
        ]  # fmt: skip
        content: dict[str, Any] = {
            "ref": f"refs/heads/{branch}", "before": before, "after": after, "created": before == NO_COMMIT,
            "deleted": after == NO_COMMIT, "forced": is_forced, "base_ref": None, "commits": brief,
            "head_commit": brief[-1] if brief else None, "pusher": {"name": by.login, "email": by.email},
        }  # fmt: skip
        record(self, "push", repository, by, content)

    def _pull_event(self, pull: Pull, action: str, sender: User, **content: str) -> None:
        about = {"action": action, "number": pull.number, "pull_request": payloads.pull(pull)}
        record(self, "pull_request", pull.repository, sender, about | content)
