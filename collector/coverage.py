"""Which requests may be sent to a server: those of repositories that its installation covers."""

from collections.abc import Iterable

import msgspec

from attribution import protocol
from attribution.usage import Usage, with_context, with_work


class Coverage(protocol.Coverage, frozen=True):
    """What the server covers, asked by our names of repositories."""

    def name(self, slug: str) -> str:
        """`owner/name` as the server knows it, or empty if it does not cover that repository. Raises ValueError on a bad salt."""
        host, _, rest = slug.partition("/")
        if self.host != "github.com":
            if host != self.host.lower():
                return ""
            slug = rest
        return slug if protocol.repository_digest(bytes.fromhex(self.salt), slug) in self.repositories else ""


class Everything(Coverage, frozen=True):
    """As if a server covered every repository."""

    def name(self, slug: str) -> str:
        return slug


EVERYTHING = Everything(salt="", host="", repositories=[])


class Selection(msgspec.Struct):
    """`usages` may be sent, `cwd` taken out; the rest is only counted."""

    usages: list[Usage]
    not_covered: int
    repository_unknown: int


def select(usages: Iterable[Usage], coverage: Coverage, *, paths: bool = True) -> Selection:
    """Split `usages` by what the server may know; without `paths` it learns of no file."""
    selection, names = Selection([], 0, 0), dict[str, str]()
    for usage in usages:
        slug = usage.context.repository
        if not slug:
            selection.repository_unknown += 1
            continue
        if slug not in names:
            names[slug] = coverage.name(slug)
        if names[slug]:
            sendable = with_context(usage, repository=names[slug], cwd="")
            selection.usages.append(sendable if paths else _without_paths(sendable))
        else:
            selection.not_covered += 1
    return selection


def _without_paths(usage: Usage) -> Usage:
    commits = tuple(msgspec.structs.replace(commit, files=()) for commit in usage.work.commits_made)
    return with_work(usage, edited_files=(), commits_made=commits, commits_after=())
