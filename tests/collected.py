"""What a collector adds to a session in text notation: git knows the commits that it names."""

from collections.abc import Iterable, Mapping

import msgspec

from attribution.identity import authorship
from attribution.usage import CommitMade, Usage, with_work
from tests.github.state import Commit


def collected(usages: Iterable[Usage], made: Mapping[str, Commit]) -> list[Usage]:
    """`made` are the commits of the story, by the short ids that sessions name them by."""
    return [
        with_work(
            usage,
            commits_made=tuple(_known(one, made) for one in usage.work.commits_made),
            commits_after=tuple(_known(one, made) for one in usage.work.commits_after),
        )
        for usage in usages
    ]


def _known(named: CommitMade, made: Mapping[str, Commit]) -> CommitMade:
    commit = made.get(named.sha)
    if commit is None:
        return named
    by, files = commit.author, tuple(sorted(commit.files))
    facts = {"sha": commit.sha, "authorship": authorship(by.email, by.at), "authored_at": by.at, "files": files}
    return msgspec.structs.replace(named, **facts)
