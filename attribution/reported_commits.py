"""Commits as the machines that made them know them, joined to what GitHub lists."""

from collections.abc import Iterable, Sequence

import msgspec

from attribution.evidence import Commit, PullRequest
from attribution.usage import CommitMade, Usage


class Told(msgspec.Struct, frozen=True):
    """A commit with its files, and the digest of who made it."""

    author: str
    made: CommitMade

    @property
    def commit(self) -> Commit:
        made = self.made
        return Commit(
            sha=made.sha, authorship=made.authorship, author=self.author, authored_at=made.authored_at,
            committed_at=made.authored_at, files=made.files, patch_id=made.patch_id,
        )  # fmt: skip


def told(usages: Iterable[Usage]) -> list[Told]:
    """The commits that come with usage, each once, where files, author and time are known."""
    found = {
        made.sha: Told(usage.context.author, made)
        for usage in usages
        for made in (*usage.work.commits_made, *usage.work.commits_after)
        if usage.context.author and made.files and made.authored_at
    }
    return [found[sha] for sha in sorted(found)]


def joined(pulls: Iterable[PullRequest], known: Sequence[Told]) -> list[PullRequest]:
    """Pull requests whose commits have the files that their makers told: by id, or by what amend and rebase keep."""
    by_name: dict[str, CommitMade] = {}
    for one in sorted(known, key=lambda one: one.made.sha):
        for name in filter(None, (one.made.sha, one.made.authorship)):
            by_name.setdefault(name, one.made)

    def with_files(listed: Commit) -> Commit:
        made = by_name.get(listed.sha) or by_name.get(listed.authorship)
        if made is None or listed.files:
            return listed
        return msgspec.structs.replace(listed, files=made.files, patch_id=made.patch_id)

    return [
        msgspec.structs.replace(pull, commits=tuple(map(with_files, pull.commits))) if pull.commits else pull
        for pull in pulls
    ]


def pushed_directly(pulls: Iterable[PullRequest], known: Iterable[Told], default_branch: str) -> list[Commit]:
    """Commits made on the default branch that no pull request holds, in whatever form."""
    held = {name for pull in pulls for one in pull.commits for name in (one.sha, one.authorship, one.patch_id) if name}
    return [
        one.commit
        for one in known
        if one.made.branch == default_branch and held.isdisjoint((one.made.sha, one.made.authorship, one.made.patch_id))
    ]
