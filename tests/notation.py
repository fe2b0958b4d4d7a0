"""Sessions and pull requests as text, so that a test reads like what happened.

    09:00 main    $1.00
    09:10 feat/x  $2.00 edits a.py,b.py
    09:20 feat/x  $0.50 commits 1f2e3d4

    #12 feat/x opened 09:05 merged 18:00 commits 1f2e3d4

A time may have a day in front (`Tue 09:00`); the week is 16-22 November 2026. `-` is a branch that is not known.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from attribution.evidence import Commit, PullRequest
from attribution.usage import CommitMade, Usage

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
# claude-opus-5 takes $5 for a million tokens of plain input.
MODEL = "claude-opus-5"
TOKENS_PER_CENT = 2000


def session(
    text: str, session_id: str = "s1", tool: str = "claude-code", repository: str = "acme/widgets"
) -> list[Usage]:
    """The requests of one session, one a line."""
    return [
        _request(line.split(), f"{session_id}-{i}", session_id=session_id, tool=tool, repository=repository)
        for i, line in enumerate(lines(text))
    ]


def pulls(text: str) -> list[PullRequest]:
    """Pull requests, one a line."""
    return [_pull(line.split()) for line in lines(text)]


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


def _request(words: list[str], request_id: str, **where: str) -> Usage:
    at = take_time(words)
    branch, amount = words.pop(0), words.pop(0)
    known = amount.startswith("$")
    facts = dict(zip(words[::2], words[1::2], strict=True))
    return Usage(
        request_id=request_id,
        at=at,
        model=MODEL if known else amount,
        uncached_input_tokens=cents(amount) * TOKENS_PER_CENT if known else 1000,
        cache_read_tokens=0,
        cache_write_5m_tokens=0,
        cache_write_1h_tokens=0,
        output_tokens=0,
        reasoning_tokens=0,
        branch="" if branch == "-" else branch,
        edited_files=tuple(facts["edits"].split(",")) if "edits" in facts else (),
        commits_made=tuple(CommitMade(sha=sha) for sha in facts["commits"].split(",")) if "commits" in facts else (),
        **where,
    )


def _pull(words: list[str]) -> PullRequest:
    number, branch = int(words.pop(0).removeprefix("#")), words.pop(0)
    facts: dict[str, datetime] = {}
    commits: list[str] = []
    while words:
        word = words.pop(0)
        if word == "commits":
            commits = words.pop(0).split(",")
        else:
            facts[word] = take_time(words)
    return PullRequest(
        number=number,
        head_branch=branch,
        created_at=facts["opened"],
        closed_at=facts.get("merged") or facts.get("closed"),
        merged_at=facts.get("merged"),
        commits=tuple(Commit(sha=sha) for sha in commits),
    )
