"""Two pull requests hold copies of one commit: reopened from a renamed branch, rebased on the way. The merged one bears it."""

from collections.abc import Iterable, Mapping, Sequence

from attribution.evidence import Commit, PullRequest

# The merged pull requests, each with its form of a commit, by authorship: amend and rebase keep that.
MergedCopies = Mapping[str, Sequence[tuple[Commit, PullRequest]]]


def merged_copies(commits: Iterable[tuple[Commit, Sequence[PullRequest]]]) -> MergedCopies:
    merged: dict[str, list[tuple[Commit, PullRequest]]] = {}
    for commit, pulls in commits:
        its = [(commit, pull) for pull in pulls if commit.authorship and pull.merged_at is not None]
        merged.setdefault(commit.authorship, []).extend(its)
    return merged


def bearers(commit: Commit, pulls: Sequence[PullRequest], merged: MergedCopies) -> list[PullRequest]:
    """The pull requests that hold a commit or took it over, the one that bears it in front.

    A merged one comes before others. One that was merged into another's branch brought its commits there; in other stacks the first
    one made them.
    """
    below = {pull.base_branch for pull in pulls}
    own = sorted(pulls, key=lambda pull: (pull.head_branch in below, pull.merged_at is None))
    if not own or own[0].merged_at is not None:
        return own
    copies = merged.get(commit.authorship, ())
    twins = [twin for copy, twin in copies if _is_copy(copy, commit) and any(_replaces(twin, pull) for pull in own)]
    return twins + own


def _is_copy(one: Commit, other: Commit) -> bool:
    """A script can write several commits within a second: their files differ."""
    return not (one.files and other.files) or not set(one.files).isdisjoint(other.files)


def _replaces(merged: PullRequest, pull: PullRequest) -> bool:
    """A commit that came to one branch may still wait for its pull request to another, unless that was closed."""
    is_same_way = merged.base_branch == pull.base_branch or not (merged.base_branch and pull.base_branch)
    return is_same_way or pull.closed_at is not None
