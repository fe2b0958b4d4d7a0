"""What a record of usage must be like to enter the ledger. Edges validate, cores trust."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from attribution.usage import CommitMade, Usage

MOST_TOKENS = 100_000_000
# Ten thousand dollars or credits for one request.
MOST_MICROS = 10_000_000_000
MOST_FILES = 1000
MOST_COMMITS = 200
MOST_PULLS = 100
LONGEST_TEXT = 300
LONGEST_PATH = 500

_TOOL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SHA = re.compile(r"[0-9a-f]{7,64}")
# Control characters, invisible ones, those that turn the direction of text, and halves of characters.
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_EARLIEST = datetime(2023, 1, 1, tzinfo=UTC)
_TEXTS = (
    "session_id", "request_id", "model", "agent_id", "repository", "branch", "commit", "author", "speed", "service_tier",
    "inference_geo", "provider", "ci_ref",
)  # fmt: skip
_COUNTS = (
    "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens",
    "reasoning_tokens", "web_search_requests",
)  # fmt: skip


def checked(raw: msgspec.Raw, now: datetime) -> Usage | str:
    """The record, or what is wrong with it, in words for whoever sent it."""
    try:
        usage = msgspec.json.decode(raw, type=Usage)
    except msgspec.DecodeError as error:
        return str(error)
    problem = next(_problems(usage, now), "")
    return problem or msgspec.structs.replace(usage, cwd="", at=usage.at.astimezone(UTC))


def _problems(usage: Usage, now: datetime) -> Iterator[str]:
    if not _TOOL.fullmatch(usage.tool):
        yield "`tool` must be a short name of a-z, 0-9 and -"
    if usage.at.tzinfo is None or not _EARLIEST <= usage.at <= now + timedelta(hours=1):
        yield f"`at` must be a time with its zone, between {_EARLIEST:%Y-%m-%d} and now; it is {usage.at}"
    if not usage.session_id or not usage.request_id:
        yield "`session_id` and `request_id` must not be empty"
    for name in _TEXTS:
        value = getattr(usage, name)
        if len(value) > LONGEST_TEXT or _HIDDEN.search(value):
            yield f"`{name}` must be at most {LONGEST_TEXT} visible characters"
    yield from _number_problems(usage)
    commits = (*usage.commits_made, *usage.commits_after)
    if len(commits) > MOST_COMMITS or not all(_is_commit(one) for one in commits):
        yield f"`commits_made` must be at most {MOST_COMMITS} commit ids in hexadecimal, with short facts"
    paths = [*usage.edited_files, *(path for one in commits for path in one.files)]
    if len(paths) > MOST_FILES or any(_is_outside(path) for path in paths):
        yield f"`edited_files` must be at most {MOST_FILES} paths inside the repository, relative to its top"
    if len(usage.pulls_seen) > MOST_PULLS or any(
        _HIDDEN.search(seen.how) or len(seen.how) > 40 for seen in usage.pulls_seen
    ):
        yield f"`pulls_seen` must be at most {MOST_PULLS} pull requests, each with a word for how"


def _number_problems(usage: Usage) -> Iterator[str]:
    for name in _COUNTS:
        if not 0 <= getattr(usage, name) <= MOST_TOKENS:
            yield f"`{name}` must be from 0 to {MOST_TOKENS:,}; it is {getattr(usage, name)}"
    for name in ("reported_micros", "credits_micros"):
        if not 0 <= (getattr(usage, name) or 0) <= MOST_MICROS:
            yield f"`{name}` must be from 0 to {MOST_MICROS:,}; it is {getattr(usage, name)}"
    if not usage.tokens_known and (usage.input_tokens or usage.output_tokens):
        yield "`tokens_known` is false, so there can be no tokens"
    if usage.reasoning_tokens > usage.output_tokens:
        yield "`reasoning_tokens` are part of `output_tokens` and cannot be more"


def _is_commit(made: CommitMade) -> bool:
    texts = (made.authorship, made.patch_id, made.branch)
    in_time = made.authored_at is None or made.authored_at.tzinfo is not None
    short = all(len(text) <= LONGEST_TEXT and not _HIDDEN.search(text) for text in texts)
    return in_time and short and bool(_SHA.fullmatch(made.sha))


def _is_outside(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    leaves = parts[0] == "" or ":" in parts[0] or ".." in parts
    return leaves or len(path) > LONGEST_PATH or bool(_HIDDEN.search(path))
