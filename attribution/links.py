"""References of pull requests to issues and to each other, with the keywords that GitHub understands."""

import re
from collections.abc import Collection

# https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:https?://[^\s/]+/(?=[\w.-]+/[\w.-]+/issues/))?"
    r"(?P<name>[\w.-]+/[\w.-]+)?(?:#|/issues/)(?P<number>[1-9]\d{0,8})\b",
    re.IGNORECASE,
)
# GitHub's Revert button writes "Reverts owner/name#12": https://docs.github.com/en/pull-requests (Reverting a pull request).
_REVERTS = re.compile(
    r"^\s*Reverts\s+(?P<name>[\w.-]+/[\w.-]+)?#(?P<number>[1-9]\d{0,8})\b", re.IGNORECASE | re.MULTILINE
)
# `git revert` writes this into the message.
_REVERTS_COMMIT = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})\b", re.IGNORECASE)
# `190-rate-limit`, as GitHub names a branch made from an issue, `feat/190-rate-limit`, `issue-190`, `fix/gh-190`.
_BRANCH = re.compile(
    r"(?:^|/)(?:issues?[-_/]?|gh[-_])?(?P<number>[1-9]\d{0,8})(?=$|[-_/])|(?:^|[-_/])(?:issue|gh)[-_](?P<named>[1-9]\d{0,8})(?=$|[-_/])",
    re.IGNORECASE,
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|<!--.*?(?:-->|\Z)", re.DOTALL)


def closes(text: str, names: Collection[str]) -> tuple[int, ...]:
    """The issues that a text closes with a keyword, of the repository that is called one of `names` (in lower case)."""
    return _numbers(_CLOSES, text, names)


def reverts(text: str, names: Collection[str]) -> tuple[int, ...]:
    """The pull requests that the body of one says it reverts."""
    return _numbers(_REVERTS, text, names)


def reverted_commits(text: str) -> tuple[str, ...]:
    """The commits that a message says it reverts, by id in lower case."""
    return tuple(dict.fromkeys(sha.lower() for sha in _REVERTS_COMMIT.findall(text)))


def issues_of_branch(branch: str) -> tuple[int, ...]:
    """The issues that a branch may be named after. They may not exist."""
    return tuple(dict.fromkeys(int(match["number"] or match["named"]) for match in _BRANCH.finditer(branch)))


def _numbers(pattern: re.Pattern[str], text: str, names: Collection[str]) -> tuple[int, ...]:
    matches = [
        match for match in pattern.finditer(_CODE.sub(" ", text)) if not match["name"] or match["name"].lower() in names
    ]
    return tuple(sorted({int(match["number"]) for match in matches}))
