"""What a record of usage must be like to enter the ledger. Edges validate, cores trust."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec

from attribution.protocol import reader
from attribution.usage import (
    LONGEST_TEXT,
    MOST_MICROS,
    MOST_TOKENS,
    NO_WORK,
    TOKENS_NOT_KNOWN,
    CommitMade,
    Context,
    Tokens,
    Usage,
    Work,
    with_context,
)
from attribution.usage_merge import other_names

MOST_FILES = 1000
MOST_COMMITS = 200
MOST_PULLS = 100
MOST_ALIASES = 10
LONGEST_PATH = 500

_TOOL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SHA = re.compile(r"[0-9a-f]{7,64}")
# Control characters, invisible ones, those that change the direction of text, and lone surrogates.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_OTHER_VERSION = "update the server, or the collector if the server is newer"
_EARLIEST = datetime(2023, 1, 1, tzinfo=UTC)


class _Limit(msgspec.Struct, frozen=True):
    """What a field says of itself in `attribution.usage`: of a number the least and the most, of a text how long it may be."""

    name: str
    least: int
    most: int
    is_text: bool


def _limits(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[_Limit]:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        inner, (meta,) = hint.__origin__, hint.__metadata__
        if inner in (Tokens, Context):
            yield from _limits(inner, f"{prefix}{name}.")
        elif limits := meta.extra_json_schema:
            least, most = limits.values()
            yield _Limit(f"{prefix}{name}", least, most, inner is str)


def _values(names: Iterable[str]) -> Callable[[Usage], tuple[Any, ...]]:
    return attrgetter(*names)


_LIMITS = tuple(_limits(Usage))
_VALUES = _values(limit.name for limit in _LIMITS)
_TEXTS = _values(limit.name for limit in _LIMITS if limit.is_text)
_COUNTS = _values(limit.name for limit in _LIMITS if limit.most == MOST_TOKENS)
_read = reader(Usage)


def validate(raw: msgspec.Raw, now: datetime) -> Usage | str:
    """The record, or what is wrong with it, in words for whoever sent it."""
    try:
        usage = _read(raw)
    except msgspec.DecodeError as error:
        reason = str(error)
        return f"{reason}: {_OTHER_VERSION}" if "unknown field" in reason else reason
    if problem := next(_problems(usage, now), ""):
        return problem
    aliases = other_names(usage.request_id, usage.aliases) if usage.aliases else ()
    if usage.context.cwd:
        usage = with_context(usage, cwd="")
    if usage.at.tzinfo is UTC and usage.aliases == aliases:  # as collectors send it
        return usage
    return msgspec.structs.replace(usage, at=usage.at.astimezone(UTC), aliases=aliases)


def _problems(usage: Usage, now: datetime) -> Iterator[str]:
    if not _is_plain(usage, now):
        yield from _problems_of_fields(usage, now)
    if usage.work is not NO_WORK:
        yield from _problems_of_work(usage.work)


def _is_plain(usage: Usage, now: datetime) -> bool:
    """Whether a look at all fields at once shows that there are no `_problems_of_fields`, as of most requests. It only saves time:
    where it is False, they are looked for one by one."""
    texts, counts, tokens = (*_TEXTS(usage), *usage.aliases), _COUNTS(usage), usage.tokens
    return (
        max(map(len, texts)) <= LONGEST_TEXT
        and _INVISIBLE.search("".join(texts)) is None
        and min(counts) >= 0
        and max(counts) <= MOST_TOKENS
        and tokens.reasoning <= tokens.output
        and (tokens.is_known or tokens == TOKENS_NOT_KNOWN)
        and 0 <= (usage.reported_micros or 0) <= MOST_MICROS
        and 0 <= (usage.credits_micros or 0) <= MOST_MICROS
        and usage.at.tzinfo is not None
        and _EARLIEST <= usage.at <= now
        and bool(usage.session_id and usage.request_id)
        and len(usage.aliases) <= MOST_ALIASES
        and all(usage.aliases)
        and _TOOL.fullmatch(usage.tool) is not None
    )


def _problems_of_fields(usage: Usage, now: datetime) -> Iterator[str]:
    if not _TOOL.fullmatch(usage.tool):
        yield "`tool` must be a short name of a-z, 0-9 and -"
    if usage.at.tzinfo is None or not _EARLIEST <= usage.at <= now + timedelta(hours=1):
        yield f"`at` must be a time with its zone, between {_EARLIEST:%Y-%m-%d} and now; it is {usage.at}"
    for limit, value in zip(_LIMITS, _VALUES(usage), strict=True):
        yield from _beyond(limit, value)
    if len(usage.aliases) > MOST_ALIASES or any(_is_bad_text(alias) or not alias for alias in usage.aliases):
        yield f"`aliases` must be at most {MOST_ALIASES} ids of at most {LONGEST_TEXT} visible characters"
    if not usage.tokens.is_known and usage.tokens != TOKENS_NOT_KNOWN:
        yield "`tokens.is_known` is false, so there can be no tokens"
    if usage.tokens.reasoning > usage.tokens.output:
        yield "`tokens.reasoning` is part of `tokens.output` and cannot be more"


def _problems_of_work(work: Work) -> Iterator[str]:
    commits = (*work.commits_made, *work.commits_after)
    if len(commits) > MOST_COMMITS or not all(_is_commit(commit) for commit in commits):
        yield f"`work.commits_made` must be at most {MOST_COMMITS} commit ids in hexadecimal, with short facts"
    paths = [*work.edited_files, *(path for commit in commits for path in commit.files)]
    if len(paths) > MOST_FILES or any(_is_outside(path) for path in paths):
        yield f"`work.edited_files` must be at most {MOST_FILES} paths inside the repository, relative to its top"
    if len(work.pulls_seen) > MOST_PULLS or any(
        _INVISIBLE.search(pull.how) or len(pull.how) > 40 or not 0 < pull.number < 2**63 for pull in work.pulls_seen
    ):
        yield f"`work.pulls_seen` must be at most {MOST_PULLS} pull requests, each with its number and a word for how"


def _beyond(limit: _Limit, value: Any) -> Iterator[str]:
    if isinstance(value, int) and not limit.least <= value <= limit.most:
        yield f"`{limit.name}` must be from {limit.least} to {limit.most:,}; it is {value}"
    elif isinstance(value, str) and len(value) < limit.least:
        yield f"`{limit.name}` must not be empty"
    elif isinstance(value, str) and (len(value) > limit.most or _INVISIBLE.search(value)):
        yield f"`{limit.name}` must be at most {limit.most} visible characters"


def _is_bad_text(text: str) -> bool:
    return len(text) > LONGEST_TEXT or bool(_INVISIBLE.search(text))


def _is_commit(commit: CommitMade) -> bool:
    texts = (commit.authorship, commit.patch_id, commit.branch)
    at = commit.authored_at
    in_time = at is None or (at.tzinfo is not None and 1970 <= at.year < 9999)
    return in_time and not any(map(_is_bad_text, texts)) and bool(_SHA.fullmatch(commit.sha))


def _is_outside(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    leaves = parts[0] == "" or ":" in parts[0] or ".." in parts
    return leaves or len(path) > LONGEST_PATH or bool(_INVISIBLE.search(path))
