"""References of pull requests to issues and to each other, with the keywords that GitHub understands."""

import re
from collections.abc import Collection, Iterable
from typing import TypeVar

T = TypeVar("T")

# People send these texts: no pattern may take back what a repeat has read (`++`), so that each costs its length alone.
# https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s++(?:https?://[^\s/]++/(?=[\w.-]++/[\w.-]++/issues/))?"
    r"(?P<name>[\w.-]++/[\w.-]++)?(?:#|/issues/)(?P<number>[1-9]\d{0,8})\b",
    re.IGNORECASE,
)
# GitHub's Revert button writes "Reverts owner/name#12": https://docs.github.com/en/pull-requests (Reverting a pull request).
_REVERTS = re.compile(
    r"^[ \t]*+Reverts[ \t]++(?P<name>[\w.-]++/[\w.-]++)?#(?P<number>[1-9]\d{0,8})\b", re.IGNORECASE | re.MULTILINE
)
# `git revert` writes this into the message.
_REVERTS_COMMIT = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})\b", re.IGNORECASE)
# `190-rate-limit`, as GitHub names a branch made from an issue, `feat/190-rate-limit`, `issue-190`, `fix/gh-190`.
_BRANCH = re.compile(
    r"(?:^|/)(?:issues?[-_/]?|gh[-_])?(?P<number>[1-9]\d{0,8})(?=$|[-_/])|(?:^|[-_/])(?:issue|gh)[-_](?P<named>[1-9]\d{0,8})(?=$|[-_/])",
    re.IGNORECASE,
)
# What is opened and not closed reaches to the end.
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*+`|<!--.*?(?:-->|\Z)", re.DOTALL)
# GitHub lists as many commits of a pull request.
MOST_COMMITS = 250
# Each issue is read from GitHub and shares the cost: a text that names thousands serves none of them.
MOST_NUMBERS = 50


def closes(texts: Iterable[str], names: Collection[str]) -> tuple[int, ...]:
    """The issues that texts close with a keyword, of the repository that is called one of `names` (in lower case): those that are
    mentioned first, at most `MOST_NUMBERS`."""
    return _numbers(_CLOSES, texts, names)


def reverts(text: str, names: Collection[str]) -> tuple[int, ...]:
    """The pull requests that the body of one says it reverts: those that are mentioned first, at most `MOST_NUMBERS`."""
    return _numbers(_REVERTS, [text], names)


def reverted_commits(texts: Iterable[str]) -> tuple[str, ...]:
    """The commits that messages say they revert, by id in lower case, at most `MOST_COMMITS`."""
    ids = (match[1].lower() for text in texts for match in _REVERTS_COMMIT.finditer(text))
    return _first(ids, MOST_COMMITS)


def issues_of_branch(branch: str) -> tuple[int, ...]:
    """The issues that a branch may be named after. They may not exist."""
    return tuple(dict.fromkeys(int(match["number"] or match["named"]) for match in _BRANCH.finditer(branch)))


def _numbers(pattern: re.Pattern[str], texts: Iterable[str], names: Collection[str]) -> tuple[int, ...]:
    matches = (match for text in texts for match in pattern.finditer(_CODE.sub(" ", text)))
    numbers = (int(match["number"]) for match in matches if not match["name"] or match["name"].lower() in names)
    return tuple(sorted(_first(numbers, MOST_NUMBERS)))


def _first(values: Iterable[T], most: int) -> tuple[T, ...]:
    """The first `most` values, each once."""
    first: dict[T, None] = {}
    for value in values:
        first[value] = None
        if len(first) == most:
            break
    return tuple(first)
