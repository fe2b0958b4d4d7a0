"""What an AI tool says that one request used, and where it was made.

Each field is described once, here: the columns of the ledger, the checks of what collectors send, the wire format and its JSON
schema follow from it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import msgspec

MOST_TOKENS = 100_000_000
# Ten thousand dollars or credits for one request.
MOST_MICROS = 10_000_000_000
LONGEST_TEXT = 300


# The limits hold for what a server takes. They are not the decoder's (`ge=`, `max_length=`): what a log says beyond them is
# still shown on the machine that has the log.
def _count(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description, extra_json_schema={"minimum": 0, "maximum": MOST_TOKENS})


def _micros(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description, extra_json_schema={"minimum": 0, "maximum": MOST_MICROS})


def _text(description: str, shortest: int = 0) -> msgspec.Meta:
    limits = {"minLength": shortest, "maxLength": LONGEST_TEXT}
    return msgspec.Meta(description=description, extra_json_schema=limits)


class RequestKey(NamedTuple):
    """A request on every machine and in every copy of a log, by one of its ids."""

    tool: str
    request_id: str


# `gc=False`: values of numbers and texts hold no cycles, and a million of them would be searched for some again and again.
class Tokens(msgspec.Struct, frozen=True, kw_only=True, order=True, forbid_unknown_fields=True, gc=False):
    """Tokens of a request, or of several, in disjoint kinds; only `reasoning` is part of `output`.

    Where the tool does not say them, the value is `TOKENS_NOT_KNOWN`, which adds nothing to a sum and is no zero. Of two
    snapshots of a request the more complete one is the greater: a streamed request is logged several times while its output grows.
    """

    is_known: Annotated[bool, msgspec.Meta(description="False where the tool does not say how many there were")] = True
    output: Annotated[int, _count("Written by the model, its reasoning included")] = 0
    cache_read: Annotated[int, _count("Input that was read from cache")] = 0
    cache_write_1h: Annotated[int, _count("Input that was written to cache for an hour")] = 0
    cache_write_5m: Annotated[int, _count("Input that was written to cache for five minutes")] = 0
    uncached_input: Annotated[int, _count("Input that was neither read from cache nor written to it")] = 0
    reasoning: Annotated[int, _count("The part of the output that was reasoning")] = 0

    @property
    def input(self) -> int:
        """All input: uncached, read from cache and written to it."""
        return self.uncached_input + self.cache_read + self.cache_write

    @property
    def cache_write(self) -> int:
        return self.cache_write_5m + self.cache_write_1h

    def __add__(self, other: "Tokens") -> "Tokens":
        if not (self.is_known and other.is_known):
            return self if self.is_known else other
        return Tokens(
            output=self.output + other.output,
            cache_read=self.cache_read + other.cache_read,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            cache_write_5m=self.cache_write_5m + other.cache_write_5m,
            uncached_input=self.uncached_input + other.uncached_input,
            reasoning=self.reasoning + other.reasoning,
        )


TOKEN_KINDS = tuple(name for name in Tokens.__struct_fields__ if name != "is_known")
TOKENS_NOT_KNOWN = Tokens(is_known=False)


class ContextSource(StrEnum):
    """How the place of a request is known, best first."""

    STAMP = "stamp"  # a hook of git saw the session commit there
    REFLOG = "reflog"  # git wrote down which branch was checked out at the time
    RUN = "run"  # the run of GitHub Actions that it was part of
    LOG = "log"  # the tool's log, which takes the branch at start or somewhat late
    TELEMETRY = "telemetry"
    UNKNOWN = ""

    @property
    def rank(self) -> int:
        """The better source has the greater one."""
        return _RANK[self]


_RANK = {source: -place for place, source in enumerate(ContextSource)}


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Where a request was made, and how that is known. Its parts belong together: of two contexts the better one counts whole."""

    source: Annotated[ContextSource, msgspec.Meta(description="How this is known")] = ContextSource.UNKNOWN
    repository: Annotated[str, _text("`owner/name` on github.com, `host/owner/name` elsewhere")] = ""
    branch: Annotated[str, _text("The branch that was checked out")] = ""
    commit: Annotated[str, _text("The commit that was checked out")] = ""
    ci_ref: Annotated[str, _text("The ref that a CI run worked on")] = ""
    author: Annotated[str, _text("A digest of the person's e-mail")] = ""
    cwd: Annotated[str, msgspec.Meta(description="The folder, which never leaves the machine")] = ""

    @property
    def precedence(self) -> tuple[Any, ...]:
        """The greater one counts: the better source, then the more parts, then what makes the choice the same in any order."""
        parts = (self.repository, self.branch, self.commit, self.ci_ref, self.author, self.cwd)
        return (self.source.rank, sum(map(bool, parts)), parts)


class CommitMade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, order=True, gc=False):
    """A commit that a session made; `is_stamped` where git itself saw it, in a hook. Empty text means not known.

    `authorship` is the digest of author e-mail and author date (`identity.authorship`), which amend and rebase keep while
    the id changes; the address itself never leaves the machine.
    """

    sha: str
    authorship: str = ""
    branch: str = ""
    patch_id: str = ""
    authored_at: datetime | None = None
    files: tuple[str, ...] = ()
    is_stamped: bool = False


class PullSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, order=True, gc=False):
    """A pull request that a session touched, and how: `create`, `checkout`, `view`, `diff`, `comment` ... An empty `repository`
    is the session's own; those of other repositories are left out."""

    number: int
    how: str
    repository: str = ""


class Work(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a request did. `|` keeps what either of two copies knows."""

    edited_files: Annotated[tuple[str, ...], msgspec.Meta(description="Paths from the repository's top")] = ()
    commits_made: Annotated[tuple[CommitMade, ...], msgspec.Meta(description="Commits that its commands made")] = ()
    commits_after: Annotated[
        tuple[CommitMade, ...],
        msgspec.Meta(
            description="Commits that the same person made afterwards, probably by hand, of files that it edited"
        ),
    ] = ()
    pulls_seen: Annotated[tuple[PullSeen, ...], msgspec.Meta(description="Pull requests that it touched")] = ()

    def __or__(self, other: "Work") -> "Work":
        if self == other:
            return self
        return Work(
            edited_files=tuple(sorted({*self.edited_files, *other.edited_files})),
            commits_made=_union(self.commits_made, other.commits_made),
            commits_after=_union(self.commits_after, other.commits_after),
            pulls_seen=tuple(sorted({*self.pulls_seen, *other.pulls_seen})),
        )


NO_WORK = Work()


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One request to a model. It is what `mergecost scan --json` prints and what `POST /v1/usage` takes.

    An unknown field is an error: a count under a name that this version does not know would be lost without a word.

    `(tool, request_id)` identifies the request on every machine and in every copy of a log, and so does `tool` with each of the
    `aliases`. Empty text and None mean not known. Names follow OpenTelemetry GenAI where it has them:
    https://github.com/open-telemetry/semantic-conventions-genai
    """

    tool: Annotated[str, _text("The AI tool, a short name of a-z, 0-9 and -")]
    session_id: Annotated[str, _text("The tool's id of the session", shortest=1)]
    request_id: Annotated[str, _text("The id of the request", shortest=1)]
    at: Annotated[datetime, msgspec.Meta(description="When it was made, with a zone")]
    model: Annotated[str, _text("The model, as the tool names it")]
    tokens: Annotated[Tokens, msgspec.Meta(description="Left out where the tool does not say them")] = TOKENS_NOT_KNOWN
    context: Annotated[Context, msgspec.Meta(description="Where it was made")] = Context()
    work: Annotated[Work, msgspec.Meta(description="What it did")] = NO_WORK
    aliases: Annotated[tuple[str, ...], msgspec.Meta(description="Further ids of the request, sorted")] = ()
    agent_id: Annotated[str, _text("The sub-agent that made it")] = ""
    is_sum: Annotated[bool, msgspec.Meta(description="The tool only sums several requests up")] = False
    provider: Annotated[str, _text("Who was asked, as the tool names them")] = ""
    web_search_requests: Annotated[int, _count("Web searches, which are billed beside tokens")] = 0
    speed: Annotated[str, _text("`fast` where it cost more for speed")] = ""
    service_tier: Annotated[str, _text("The provider's tier: `priority`, `batch` ...")] = ""
    inference_geo: Annotated[str, _text("Where the model ran, if that was asked for")] = ""
    reported_micros: Annotated[int | None, _micros("What the tool itself says it cost, in millionths of a dollar")] = (
        None
    )
    credits_micros: Annotated[
        int | None, _micros("What it cost in millionths of the vendor's credits, which are no dollars")
    ] = None

    @property
    def key(self) -> RequestKey:
        return RequestKey(self.tool, self.request_id)

    @property
    def keys(self) -> tuple[RequestKey, ...]:
        """By each of its ids."""
        if not self.aliases:
            return (RequestKey(self.tool, self.request_id),)
        tool = self.tool
        return (RequestKey(tool, self.request_id), *[RequestKey(tool, alias) for alias in self.aliases])


def with_context(usage: Usage, **parts: Any) -> Usage:
    """`usage` with other `parts` of its context."""
    return msgspec.structs.replace(usage, context=msgspec.structs.replace(usage.context, **parts))


def with_work(usage: Usage, **parts: Any) -> Usage:
    """`usage` with other `parts` of its work."""
    return msgspec.structs.replace(usage, work=msgspec.structs.replace(usage.work, **parts))


def _union(a: tuple[CommitMade, ...], b: tuple[CommitMade, ...]) -> tuple[CommitMade, ...]:
    """Each commit once, with what either knows of it."""
    by_sha: dict[str, CommitMade] = {}
    for commit in (*a, *b):
        by_sha[commit.sha] = _both(by_sha.get(commit.sha, commit), commit)
    return tuple(by_sha[sha] for sha in sorted(by_sha))


def _both(a: CommitMade, b: CommitMade) -> CommitMade:
    return CommitMade(
        sha=a.sha,
        authorship=max(a.authorship, b.authorship),
        # The hook knows the branch; a log or a later look at the reflog may name another one.
        branch=max((a.is_stamped, a.branch), (b.is_stamped, b.branch))[1],
        patch_id=max(a.patch_id, b.patch_id),
        authored_at=max(filter(None, (a.authored_at, b.authored_at)), default=None),
        files=tuple(sorted({*a.files, *b.files})),
        is_stamped=a.is_stamped or b.is_stamped,
    )
