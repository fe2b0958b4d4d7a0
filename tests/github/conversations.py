"""Verbs on issues, comments and check runs."""

from collections.abc import Sequence

from . import payloads
from .deliveries import record
from .pulls import RepositoryIndex
from .state import App, CheckRun, Comment, Issue, Pull, Repository, User


class Conversations(RepositoryIndex):
    def open_issue(
        self,
        repository: Repository,
        title: str,
        by: User,
        *,
        body: str | None = None,
        labels: Sequence[str] = (),
        via: App | None = None,
    ) -> Issue:
        """Issues and pull requests share their numbers."""
        now, number = self.now(), max(repository.issues, default=0) + 1
        label_rows = [self.label(repository, name) for name in labels]
        issue = Issue(
            id=self.next_id(), number=number, repository=repository, title=title, user=by, created_at=now, updated_at=now,
            body=body, via=via, labels=label_rows,
        )  # fmt: skip
        repository.issues[number] = issue
        self.issue_event(issue, "opened", by)
        return issue

    def close_issue(self, repository: Repository, number: int, by: User | None = None) -> Issue:
        issue = self.issue(repository, number)
        if isinstance(issue, Pull):
            return self.close(repository, number, by)
        issue.state, issue.state_reason = "closed", "completed"
        issue.closed_at = issue.updated_at = self.now()
        self.issue_event(issue, "closed", by or repository.owner)
        return issue

    def reopen_issue(self, repository: Repository, number: int, by: User | None = None) -> Issue:
        issue = self.issue(repository, number)
        issue.state, issue.state_reason, issue.closed_at, issue.updated_at = "open", "reopened", None, self.now()
        self.issue_event(issue, "reopened", by or repository.owner)
        return issue

    def delete_issue(self, repository: Repository, number: int, by: User | None = None) -> None:
        self.issue_event(repository.issues.pop(number), "deleted", by or repository.owner)

    def lock(self, repository: Repository, number: int) -> None:
        """Lock the conversation: an App cannot comment any more."""
        self.issue(repository, number).locked = True

    def comment(self, repository: Repository, number: int, body: str, by: User, via: App | None = None) -> Comment:
        """By a person, or by an App's bot account `via` that App."""
        now, issue = self.now(), self.issue(repository, number)
        comment = Comment(self.next_id(), issue, by, body, via, now, now)
        repository.comments[comment.id] = comment
        issue.updated_at = now
        self._comment_event(comment, "created", by)
        return comment

    def edit_comment(self, comment: Comment, body: str, by: User) -> None:
        before, comment.body, comment.updated_at = comment.body, body, self.now()
        self._comment_event(comment, "edited", by, changes={"body": {"from": before}})

    def delete_comment(self, comment: Comment, by: User) -> None:
        del comment.issue.repository.comments[comment.id]
        self._comment_event(comment, "deleted", by)

    def minimize(self, comment: Comment, reason: str = "outdated") -> None:
        """A maintainer hides a comment. GitHub sends no event for this."""
        comment.minimized_reason = reason

    def rerequest_check(self, repository: Repository, run: CheckRun, by: User) -> None:
        """A person presses "Re-run"."""
        about = {"action": "rerequested", "check_run": payloads.check_run(run, repository)}
        record(self, "check_run", repository, by, about)

    def press(self, repository: Repository, run: CheckRun, identifier: str, by: User) -> None:
        """A person presses a button that the check run offers. GitHub shows it to whoever may write."""
        if identifier not in [action["identifier"] for action in run.actions]:
            raise LookupError(f"the check run has no button {identifier!r}")
        about = {
            "action": "requested_action",
            "check_run": payloads.check_run(run, repository),
            "requested_action": {"identifier": identifier},
        }
        record(self, "check_run", repository, by, about)

    def issue_event(self, issue: Issue, action: str, by: User) -> None:
        """For a pull request, GitHub says the same as `pull_request`."""
        if isinstance(issue, Pull):
            self._pull_event(issue, action, by)
        else:
            record(self, "issues", issue.repository, by, {"action": action, "issue": payloads.issue(issue)})

    def _comment_event(self, comment: Comment, action: str, by: User, **content: object) -> None:
        about = {"action": action, "issue": payloads.issue(comment.issue), "comment": payloads.comment(comment)}
        record(self, "issue_comment", comment.issue.repository, by, about | content)
