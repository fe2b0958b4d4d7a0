"""Commits that a shell command made, from the command and what it printed."""

import re

# `[branch abc1234] subject`, `[main (root-commit) abc1234] subject`, `[detached HEAD abc1234] subject`:
# https://git-scm.com/docs/git-commit (print_commit_summary in builtin/commit.c)
_SUMMARY = re.compile(r"^\[[^\]\n]+ ([0-9a-f]{7,64})\] ", re.MULTILINE)
_FULL_ID = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})\r?$", re.MULTILINE)
_COMMIT = re.compile(r"\bgit\b[^\n;&|]*?\bcommit\b")
_ASKS_HEAD = re.compile(
    r"\bgit\b[^\n;&|]*?\b(?:rev-parse\s+(?:--verify\s+)?HEAD\b(?![~^@])|log\s+-1\s+--(?:pretty|format)\S*%H)"
)


def may_commit(command: str) -> bool:
    """Whether the output of `command` is worth reading for commits."""
    return _COMMIT.search(command) is not None


def commits_printed(command: str, output: str) -> set[str]:
    """Ids of commits that `command` made, as far as it says: git's summary line, or the full id that the command asked for
    after it had committed (`git commit -q ... && git rev-parse HEAD`). Full where both are there."""
    commit = _COMMIT.search(command)
    if commit is None:
        return set()
    ids = set(_SUMMARY.findall(output))
    if _ASKS_HEAD.search(command, commit.end()):
        ids.update(full.strip() for full in _FULL_ID.findall(output)[-1:])
    return longest(ids)


def longest(ids: set[str]) -> set[str]:
    """`ids` without those that only shorten another."""
    return {short for short in ids if not any(full != short and full.startswith(short) for full in ids)}
