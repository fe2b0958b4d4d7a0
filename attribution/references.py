"""What pull requests and issues refer to, as short texts to look them up by.

A look-up gives candidates without reading a whole repository. Whether one takes another back is decided in `outcome`, which issues
one serves in `issues`.
"""

from collections.abc import Iterable

from attribution.clues import SHORT, names_of, of_name, of_number
from attribution.evidence import PullRequest
from attribution.issues import Issue
from attribution.links import issues_of_branch
from attribution.outcome import Details


def of_pull(pull: PullRequest, details: Details) -> set[str]:
    """Its own commits by all their names, what it takes back, and the issues that it may serve."""
    own = to_commits({*_commits(pull, details), *names_of(pull.commits)})
    commits_back = {f"reverts {sha[:SHORT]}" for sha in details.reverts_commits}
    pulls_back = {f"reverts #{number}" for number in details.reverts}
    return own | commits_back | pulls_back | {f"issue #{number}" for number in issues_named_by(pull, details)}


def of_issue(issue: Issue) -> set[str]:
    """The issue above it, and the pull requests that were linked to it."""
    above = {f"parent #{issue.parent}"} if issue.parent is not None else set[str]()
    return above | to_pulls(issue.pulls)


def to_reverts_of(pull: PullRequest, details: Details) -> set[str]:
    """What the pull requests that take this one back refer to."""
    return {f"reverts #{pull.number}", *(f"reverts {sha}" for sha in _commits(pull, details))}


def to_commits_reverted_by(details: Details) -> set[str]:
    """What the pull requests whose commits this one takes back refer to."""
    return to_commits(sha[:SHORT] for sha in details.reverts_commits)


def to_commits(names: Iterable[str]) -> set[str]:
    """What the pull requests that contain commits of these names (`clues.names_of`) refer to."""
    return {of_name(name) for name in names}


def to_issues(numbers: Iterable[int]) -> set[str]:
    """What the pull requests that name these issues refer to."""
    return {f"issue #{number}" for number in numbers}


def to_parents(numbers: Iterable[int]) -> set[str]:
    """What the sub-issues of these issues refer to."""
    return {f"parent #{number}" for number in numbers}


def to_pulls(numbers: Iterable[int]) -> set[str]:
    """What the issues that these pull requests were linked to refer to."""
    return {of_number(number) for number in numbers}


def issues_named_by(pull: PullRequest, details: Details) -> set[int]:
    """The issues that a pull request may serve by keyword or branch. They may not exist."""
    return {*details.closes, *issues_of_branch(pull.head_branch)}


def _commits(pull: PullRequest, details: Details) -> set[str]:
    """A revert of a whole pull request names its merge commit or each of its own: the first stands for these."""
    first = pull.commits[0].sha if pull.commits else ""
    return {sha[:SHORT] for sha in (details.merge_commit, first) if sha}
