"""Sessions and pull requests as text, so that a test reads like what happened.

    09:00 main    $1.00
    09:10 feat/x  $2.00 edits a.py,b.py
    09:20 feat/x  $0.50 commits 1f2e3d4

    #12 feat/x opened 09:05 merged 18:00 by ann commits 1f2e3d4
    1f2e3d4 by ann at 09:20 again 10:00 changes a.py,b.py authorship x1

A request may also say `agent a1` (a sub-agent's), `saw view:12`, `ci refs/pull/12/merge` (a CI run's), `after 1f2e3d4` (a
commit that its person made by hand afterwards); a commit made `1f2e3d4@feat/x` (where), or `1f2e3d4!` (git's hook saw it). A
line for a commit says what is known of it: when it was written, and `again` when it was rewritten. `files a.py` are a pull
request's as a whole.
A time may have a day in front (`Tue 09:00`); the week is 16-22 November 2026. `-` is a branch that is not known.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from attribution.evidence import Commit, PullRequest
from attribution.usage import CommitMade, Context, ContextSource, PullSeen, Tokens, Usage, Work

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
# claude-opus-5 takes $5 for a million tokens of plain input.
MODEL = "claude-opus-5"
TOKENS_PER_CENT = 2000


def session(
    text: str, session_id: str = "s1", tool: str = "claude-code", repository: str = "acme/widgets", author: str = ""
) -> list[Usage]:
    """The requests of one session, one a line."""
    where = Context(source=ContextSource.LOG, repository=repository, author=author)
    return [
        _request(line.split(), (tool, session_id, f"{session_id}-{i}"), where) for i, line in enumerate(lines(text))
    ]


def pulls(text: str) -> list[PullRequest]:
    """Pull requests, one a line, and what is known of their commits."""
    rows = [line.split() for line in lines(text)]
    commits = {commit.sha: commit for commit in (_commit(words) for words in rows if words[0][0] != "#")}
    return [_pull(words, commits) for words in rows if words and words[0].startswith("#")]


def lines(text: str) -> Iterator[str]:
    return (line for raw in text.splitlines() if (line := raw.split("  //")[0].strip()))


def take_time(words: list[str]) -> datetime:
    """Takes `09:00` or `Tue 09:00` from the front of `words`."""
    day = DAYS.index(words.pop(0)) if words[0] in DAYS else 0
    hours, minutes = words.pop(0).split(":")
    return MONDAY + timedelta(days=day, hours=int(hours), minutes=int(minutes))


def cents(amount: str) -> int:
    dollars, _, rest = amount.removeprefix("$").partition(".")
    return int(dollars) * 100 + int(rest or 0)


def _request(words: list[str], names: tuple[str, str, str], where: Context) -> Usage:
    tool, session_id, request_id = names
    at = take_time(words)
    branch, amount = words.pop(0), words.pop(0)
    has_price = amount.startswith("$")
    facts = dict(zip(words[::2], words[1::2], strict=True))
    looks = [look.split(":") for look in _several(facts, "saw")]
    return Usage(
        tool=tool,
        session_id=session_id,
        request_id=request_id,
        at=at,
        model=MODEL if has_price else amount,
        tokens=Tokens(uncached_input=cents(amount) * TOKENS_PER_CENT if has_price else 1000),
        context=msgspec.structs.replace(where, branch="" if branch == "-" else branch, ci_ref=facts.get("ci", "")),
        work=Work(
            edited_files=_several(facts, "edits"),
            commits_made=tuple(_commit_report(sha) for sha in _several(facts, "commits")),
            commits_after=tuple(_commit_report(sha) for sha in _several(facts, "after")),
            pulls_seen=tuple(PullSeen(number=int(number), how=how) for how, number in looks),
        ),
        agent_id=facts.get("agent", ""),
    )


def _several(facts: dict[str, str], name: str) -> tuple[str, ...]:
    return tuple(facts[name].split(",")) if name in facts else ()


def _commit_report(text: str) -> CommitMade:
    sha, _, branch = text.removesuffix("!").partition("@")
    return CommitMade(sha=sha, branch=branch, is_stamped=text.endswith("!"))


def _facts(words: list[str], times: set[str]) -> tuple[dict[str, str], dict[str, datetime]]:
    """Names followed by a word or, where named in `times`, by a time."""
    texts: dict[str, str] = {}
    moments: dict[str, datetime] = {}
    while words:
        name = words.pop(0)
        if name in times:
            moments[name] = take_time(words)
        else:
            texts[name] = words.pop(0)
    return texts, moments


def _commit(words: list[str]) -> Commit:
    sha = words.pop(0)
    facts, times = _facts(words, {"at", "again"})
    return Commit(
        sha=sha,
        authorship=facts.get("authorship", ""),
        patch_id=facts.get("patch", ""),
        author=facts.get("by", ""),
        authored_at=times.get("at"),
        committed_at=times.get("again") or times.get("at"),
        files=_several(facts, "changes"),
    )


def _pull(words: list[str], commits: dict[str, Commit]) -> PullRequest:
    number, branch = int(words.pop(0).removeprefix("#")), words.pop(0)
    facts, times = _facts(words, {"opened", "merged", "closed"})
    pull_commits = tuple(commits.get(sha, Commit(sha=sha)) for sha in _several(facts, "commits"))
    paths = {*_several(facts, "files"), *(path for commit in pull_commits for path in commit.files)}
    return PullRequest(
        number=number,
        head_branch="" if branch == "-" else branch,
        author=facts.get("by", ""),
        created_at=times["opened"],
        closed_at=times.get("merged") or times.get("closed"),
        merged_at=times.get("merged"),
        commits=pull_commits,
        files=tuple(sorted(paths)),
    )
