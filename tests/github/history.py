"""Which commits and files belong to a pull request."""

import dataclasses
import hashlib
from collections.abc import Iterable

from .state import Commit, Pull, Repository, Signature

# GitHub itself makes the commits of its merge button: https://github.com/web-flow
GITHUB = ("GitHub", "noreply@github.com")


def ancestry(repository: Repository, sha: str) -> set[str]:
    shas: set[str] = set()
    waiting = [sha]
    while waiting:
        sha = waiting.pop()
        if sha not in shas:
            shas.add(sha)
            waiting.extend(repository.commits[sha].parents)
    return shas


def pull_commits(pull: Pull) -> list[Commit]:
    """What the head has and the base has not, oldest first."""
    if pull.final_commits is not None:
        return pull.final_commits
    repository = pull.repository
    own = ancestry(repository, pull.head_sha) - ancestry(repository, repository.branches[pull.base_ref])
    return [commit for sha, commit in repository.commits.items() if sha in own]


def changed_files(commits: Iterable[Commit]) -> dict[str, tuple[int, int]]:
    """Lines added and removed by path, in the order of paths, as GitHub lists them."""
    files: dict[str, tuple[int, int]] = {}
    for commit in commits:
        for path, (additions, deletions) in commit.files.items():
            before = files.get(path, (0, 0))
            files[path] = (before[0] + additions, before[1] + deletions)
    return dict(sorted(files.items()))


def new_sha(*parts: object) -> str:
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()


def append(repository: Repository, tip: str, commits: Iterable[Commit]) -> str:
    """Put commits on top of `tip`; answers the new tip. A commit that names its parents keeps them."""
    for commit in commits:
        child = commit if commit.parents or not tip else dataclasses.replace(commit, parents=(tip,))
        repository.commits[child.sha] = child
        tip = child.sha
    return tip


def merge_commits(pull: Pull, method: str, by: Signature) -> list[Commit]:
    """The commits that the merge button adds to the base, oldest first.

    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request
    """
    tip, commits, at = pull.repository.branches[pull.base_ref], pull_commits(pull), by.at
    web_flow = Signature(*GITHUB, at)
    if method == "rebase":  # new ids, a new committer, the authors and their dates kept
        return [
            dataclasses.replace(commit, sha=new_sha(commit.sha, tip, at), committer=by, parents=())
            for commit in commits
        ]
    files = changed_files(commits)
    if method == "squash":
        author = Signature(pull.user.name, pull.user.email, at)
        return [Commit(new_sha(pull.head_sha, tip, at), f"{pull.title} (#{pull.number})", author, web_flow, files)]
    if method == "merge":
        message = f"Merge pull request #{pull.number} from {head_label(pull).replace(':', '/')}\n\n{pull.title}"
        return [Commit(new_sha(pull.head_sha, tip), message, by, web_flow, files, parents=(tip, pull.head_sha))]
    raise ValueError(f"no merge method {method!r}: say merge, squash or rebase")


def head_label(pull: Pull) -> str:
    owner = pull.head_repository.owner.login if pull.head_repository else "unknown"
    return f"{owner}:{pull.head_ref}"
