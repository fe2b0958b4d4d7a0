"""What an AI tool says that one request used, and where it was made."""

from datetime import datetime
from typing import Any

import msgspec


class CommitMade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, order=True, gc=False):
    """A commit that a session made; `stamped` where git itself saw it, in a hook. Empty text means not known.

    `authorship` is the digest of author e-mail and author date (`identity.authorship`), which amend and rebase keep while
    the id changes; the address itself never leaves the machine.
    """

    sha: str
    authorship: str = ""
    branch: str = ""
    patch_id: str = ""
    authored_at: datetime | None = None
    files: tuple[str, ...] = ()
    stamped: bool = False


class PullSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, order=True, gc=False):
    """A pull request that a session touched, and how: `create`, `checkout`, `view`, `diff`, `comment` ... An empty `repository`
    is the session's own; others are not told."""

    number: int
    how: str
    repository: str = ""


# `gc=False`: values of numbers and texts hold no cycles, and a million of them would be searched for some again and again.
class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One request to a model. It is what `mergecost scan --json` prints and what `POST /v1/usage` takes.

    Token kinds are disjoint, except that `reasoning_tokens` are part of `output_tokens`. `tokens_known` is False where the
    tool does not say them: the counts are 0 then and mean nothing. `is_sum` is True where the tool only sums several
    requests up. `reported_micros` is what the tool itself says the request cost, in millionths of a dollar,
    `credits_micros` in millionths of its vendor's credits, which are no dollars. `provider` is who was asked, as the tool
    names them. `commits_after` are commits that the same person made afterwards, by hand as far as one knows, of files that
    the session had edited. `ci_ref` is the ref that a CI run worked on. `at` is UTC. Empty text and None mean not known.
    `(tool, request_id)` identifies the request on every machine and in every copy of a log. Names follow
    OpenTelemetry GenAI where it has them:
    https://github.com/open-telemetry/semantic-conventions-genai
    """

    tool: str
    session_id: str
    request_id: str
    at: datetime
    model: str
    uncached_input_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    tokens_known: bool = True
    is_sum: bool = False
    reported_micros: int | None = None
    credits_micros: int | None = None
    provider: str = ""
    web_search_requests: int = 0
    speed: str = ""
    service_tier: str = ""
    inference_geo: str = ""
    agent_id: str = ""
    repository: str = ""
    branch: str = ""
    commit: str = ""
    cwd: str = ""
    author: str = ""
    ci_ref: str = ""
    edited_files: tuple[str, ...] = ()
    commits_made: tuple[CommitMade, ...] = ()
    commits_after: tuple[CommitMade, ...] = ()
    pulls_seen: tuple[PullSeen, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.tool, self.request_id

    @property
    def input_tokens(self) -> int:
        """All input: uncached, read from cache and written to it."""
        return self.uncached_input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def cache_write_tokens(self) -> int:
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens


# What decides the price travels together: never mix the counts of two snapshots of a request.
_BILLED = (
    "tokens_known", "is_sum", "output_tokens", "cache_read_tokens", "cache_write_1h_tokens", "cache_write_5m_tokens",
    "uncached_input_tokens", "reasoning_tokens", "web_search_requests", "model", "provider", "speed", "service_tier",
    "inference_geo",
)  # fmt: skip
_REPORTED = ("reported_micros", "credits_micros")
_CONTEXT = ("repository", "branch", "commit", "cwd", "author", "agent_id", "ci_ref")


def merge(a: Usage, b: Usage) -> Usage:
    """Two records of the same request as one.

    The most complete counts win whole (a streamed request is logged several times while its output grows), the earliest
    time and facts of either are kept. Commutative, associative and idempotent: order and repetition of arrival change nothing.
    """
    if a == b:
        return a
    billed = max(a, b, key=_completeness)
    context = {name: max(getattr(a, name), getattr(b, name)) for name in _CONTEXT}
    return msgspec.structs.replace(
        billed,
        at=min(a.at, b.at),
        session_id=min(a.session_id, b.session_id),
        edited_files=tuple(sorted({*a.edited_files, *b.edited_files})),
        commits_made=_union(a.commits_made, b.commits_made),
        commits_after=_union(a.commits_after, b.commits_after),
        pulls_seen=tuple(sorted({*a.pulls_seen, *b.pulls_seen})),
        **context,
    )


def _completeness(usage: Usage) -> list[Any]:
    reported = [-1 if (said := getattr(usage, name)) is None else said for name in _REPORTED]
    return [getattr(usage, name) for name in _BILLED] + reported


def _union(a: tuple[CommitMade, ...], b: tuple[CommitMade, ...]) -> tuple[CommitMade, ...]:
    """Each commit once, with what either knows of it."""
    known: dict[str, CommitMade] = {}
    for commit in (*a, *b):
        known[commit.sha] = _both(known.get(commit.sha, commit), commit)
    return tuple(known[sha] for sha in sorted(known))


def _both(a: CommitMade, b: CommitMade) -> CommitMade:
    return CommitMade(
        sha=a.sha,
        authorship=max(a.authorship, b.authorship),
        branch=max(a.branch, b.branch),
        patch_id=max(a.patch_id, b.patch_id),
        authored_at=max(filter(None, (a.authored_at, b.authored_at)), default=None),
        files=tuple(sorted({*a.files, *b.files})),
        stamped=a.stamped or b.stamped,
    )
