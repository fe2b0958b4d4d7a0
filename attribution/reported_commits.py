"""Commits as the machines that made them report them, or as GitHub lists those of the default branch; joined to pull requests."""

from collections.abc import Iterable, Sequence

import msgspec

from attribution.evidence import Commit, PullRequest
from attribution.usage import CommitMade, Usage


class ReportedCommit(msgspec.Struct, frozen=True):
    """A commit with its files, and the digest of its author's e-mail. It is stored as JSON, with `report` below `made`."""

    author: str
    report: CommitMade = msgspec.field(name="made")

    @property
    def commit(self) -> Commit:
        report = self.report
        return Commit(
            sha=report.sha, authorship=report.authorship, author=self.author, authored_at=report.authored_at,
            committed_at=report.authored_at, files=report.files, patch_id=report.patch_id,
        )  # fmt: skip


def reported_commits(usages: Iterable[Usage]) -> list[ReportedCommit]:
    """The commits that come with usage, each once, where files, author and time are known."""
    by_sha = {
        report.sha: ReportedCommit(usage.context.author, report)
        for usage in usages
        for report in (*usage.work.commits_made, *usage.work.commits_after)
        if usage.context.author and report.files and report.authored_at
    }
    return [by_sha[sha] for sha in sorted(by_sha)]


def with_report(commit: ReportedCommit, other: ReportedCommit | None) -> ReportedCommit:
    """A commit as GitHub lists it, with what only a machine's report of it says."""
    if other is None:
        return commit
    files, patch_id = commit.report.files or other.report.files, other.report.patch_id
    return msgspec.structs.replace(
        commit, report=msgspec.structs.replace(commit.report, files=files, patch_id=patch_id)
    )


def with_reports(pulls: Iterable[PullRequest], reports: Sequence[ReportedCommit]) -> list[PullRequest]:
    """The pull requests, their commits with the reported files. A commit is matched by id, or by what amend and rebase keep."""
    by_name: dict[str, CommitMade] = {}
    for report in sorted((commit.report for commit in reports), key=lambda report: report.sha):
        for name in filter(None, (report.sha, report.authorship)):
            by_name.setdefault(name, report)

    def with_files(commit: Commit) -> Commit:
        report = by_name.get(commit.sha) or by_name.get(commit.authorship)
        if report is None or commit.files:
            return commit
        return msgspec.structs.replace(commit, files=report.files, patch_id=report.patch_id)

    return [
        msgspec.structs.replace(pull, commits=tuple(map(with_files, pull.commits))) if pull.commits else pull
        for pull in pulls
    ]


def direct_commits(
    pulls: Iterable[PullRequest], reports: Iterable[ReportedCommit], default_branch: str
) -> list[Commit]:
    """Commits made on the default branch that no pull request contains, in whatever form."""
    commits = [commit for pull in pulls for commit in pull.commits]
    in_pulls = {name for commit in commits for name in (commit.sha, commit.authorship, commit.patch_id) if name}
    own = [entry.commit for entry in reports if entry.report.branch == default_branch]
    return [commit for commit in own if in_pulls.isdisjoint((commit.sha, commit.authorship, commit.patch_id))]
