"""What of a repository could matter to sessions: an index of that alone gives the claims of an index of everything.

It follows what the rules ask of a `RepositoryIndex`: a rule that asks for something else needs a clue of its own here. To read
more than is needed does no harm.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import msgspec

from attribution.evidence import Commit, PullRequest
from attribution.rules.commits import HORIZON
from attribution.rules.declared import pull_of_run
from attribution.rules.files import NEAR
from attribution.usage import CommitMade, Usage

# Ids are looked up by so many characters, as GitHub shows them; reverts name commits by as many at least.
SHORT = 7
_EVER = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)
# GitHub's numbers are far below: a greater one is an error of a log, and too large for a database.
_MOST_NUMBER = 2**31


class Clues(msgspec.Struct, frozen=True):
    """What sessions know that may lead to a pull request or a commit.

    `numbers` are of pull requests, `names` are as `names_of` gives them. What the `authors` committed or had open from `since` to
    `until` (included) may matter, and what was open from the `branches` then.
    """

    numbers: frozenset[int]
    names: frozenset[str]
    authors: frozenset[str]
    branches: frozenset[str]
    since: datetime
    until: datetime

    @property
    def texts(self) -> set[str]:
        """What the sessions are found by when one of these changes."""
        people_and_places = {*map(of_author, self.authors), *map(of_branch, self.branches)}
        return people_and_places | {*map(of_number, self.numbers), *map(of_name, self.names)}

    def concern(self, commit: Commit) -> bool:
        """Whether a commit is by one of the authors, in this time."""
        times = (commit.authored_at, commit.committed_at)
        return commit.author in self.authors and any(at and self.since <= at <= self.until for at in times)


def clues_of(usages: Collection[Usage], default_branch: str) -> Clues:
    """The clues of the requests of any number of sessions."""
    reports = [report for usage in usages for report in usage.work.commits_made]
    times = [usage.at for usage in usages] + [report.authored_at for report in reports if report.authored_at]
    looks = {look.number for usage in usages for look in usage.work.pulls_seen}
    runs = {number for usage in usages if (number := pull_of_run(usage)) is not None}
    branches = {usage.context.branch for usage in usages} | {report.branch for report in reports}
    return Clues(
        numbers=frozenset(number for number in looks | runs if 0 < number < _MOST_NUMBER),
        names=frozenset(names_of(reports)),
        authors=frozenset({usage.context.author for usage in usages} - {""}),
        branches=frozenset(branches - {"", "HEAD", default_branch}),
        # Turns begin in whole seconds.
        since=min(times).replace(microsecond=0) if times else _FOREVER,
        until=max(times) + HORIZON if times else _EVER,
    )


def presences_of(pull: PullRequest) -> dict[str, tuple[datetime, datetime]]:
    """From when until when work may belong to a pull request because of its branch, and because of each of its people."""
    end = pull.closed_at or _FOREVER
    times = {pull.author: [pull.created_at - NEAR, end]}
    for commit in pull.commits:
        by_author = times.setdefault(commit.author, [pull.created_at - NEAR, end])
        by_author += [at for at in (commit.authored_at, commit.committed_at) if at]
    presences = {of_author(author): (min(times), max(times)) for author, times in times.items() if author}
    return presences | ({of_branch(pull.head_branch): (_EVER, end)} if pull.head_branch else {})


def of_author(author: str) -> str:
    return f"author {author}"


def of_branch(branch: str) -> str:
    return f"branch {branch}"


def of_number(number: int) -> str:
    return f"pull #{number}"


def of_name(name: str) -> str:
    return f"commit {name}"


def names_of(commits: Iterable[Commit | CommitMade]) -> set[str]:
    """The beginnings of ids, authorships and patch ids, as far as they are known. That several commits begin alike does no harm."""
    names = (name for commit in commits for name in (commit.sha, commit.authorship, commit.patch_id))
    return {name[:SHORT] for name in names if name}
