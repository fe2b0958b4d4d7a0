"""What a collector adds to a session in text notation: git knows the commits that it names."""

from collections.abc import Iterable, Mapping

import msgspec

from attribution.identity import authorship
from attribution.usage import CommitMade, Usage, with_work
from tests.github.state import Commit


def with_git_facts(usages: Iterable[Usage], commits: Mapping[str, Commit]) -> list[Usage]:
    """`made` are the commits of the story, by the short ids that sessions name them by."""
    return [
        with_work(
            usage,
            commits_made=tuple(_report(report, commits) for report in usage.work.commits_made),
            commits_after=tuple(_report(report, commits) for report in usage.work.commits_after),
        )
        for usage in usages
    ]


def _report(report: CommitMade, commits: Mapping[str, Commit]) -> CommitMade:
    commit = commits.get(report.sha)
    if commit is None:
        return report
    by, files = commit.author, tuple(sorted(commit.files))
    facts = {"sha": commit.sha, "authorship": authorship(by.email, by.at), "authored_at": by.at, "files": files}
    return msgspec.structs.replace(report, **facts)
