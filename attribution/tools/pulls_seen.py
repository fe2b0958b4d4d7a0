"""Pull requests that a shell command touched, from the command and, for one that it opened, from what it printed."""

import re

from attribution.tools.remote import slug
from attribution.usage import PullSeen

# `gh pr view 12 --comments`, `gh pr diff https://github.com/o/r/pull/12`: https://cli.github.com/manual/gh_pr
_GH = re.compile(
    r"\bgh\s+pr\s+(?P<how>view|diff|checks|checkout|comment|review|merge|edit|ready|close|create)\b(?P<rest>[^\n;&|]*)"
)
# GitHub keeps every head at refs/pull/N/head, from forks too.
_FETCH = re.compile(r"\bgit\b[^\n;&|]*\b(?:fetch|pull)\b[^\n;&|]*?\bpull/(?P<number>\d{1,9})/(?:head|merge)\b")
_URL = re.compile(r"(?P<remote>https?://[^\s/]+/[\w.-]+/[\w.-]+)/pull/(?P<number>\d{1,9})\b")
_ELSEWHERE = re.compile(r"(?:^|\s)(?:-R|--repo)[=\s]\s*(?P<repository>\S+)")
_NUMBER = re.compile(r"(?:^|\s)#?(?P<number>\d{1,9})(?=\s|$)")
# Values that are no pull request: `--limit 5`, `--body 12`.
_VALUES = re.compile(
    r"(?:^|\s)(?:--(?:limit|body|title|jq|template|interval)|-[LbtqTi])[=\s]\s*(?:\"[^\"]*\"|'[^']*'|\S+)"
)


def may_touch(command: str) -> bool:
    """Whether `command` is worth reading for pull requests."""
    return "gh pr" in command or "pull/" in command


def pulls_touched(command: str, output: str = "") -> set[PullSeen]:
    """The pull requests that `command` names, and how it touched them; the one that it opened, which `output` names."""
    looks: set[PullSeen] = set()
    for match in _GH.finditer(command):
        how, rest = match["how"], match["rest"]
        pull = _last_url(output) if how == "create" else _first_named(rest)
        if pull:
            repository, number = pull
            looks.add(PullSeen(number=number, how=how, repository=repository or _elsewhere(rest)))
    looks |= {PullSeen(number=int(match["number"]), how="checkout") for match in _FETCH.finditer(command)}
    return looks


def pull_at(url: str, how: str) -> set[PullSeen]:
    """The pull request at an address."""
    match = _URL.search(url)
    return {PullSeen(number=int(match["number"]), how=how, repository=slug(match["remote"]))} if match else set()


def _first_named(rest: str) -> tuple[str, int] | None:
    rest = _VALUES.sub(" ", rest)
    if url := _URL.search(rest):
        return slug(url["remote"]), int(url["number"])
    number = _NUMBER.search(_ELSEWHERE.sub(" ", rest))
    return ("", int(number["number"])) if number else None


def _last_url(output: str) -> tuple[str, int] | None:
    urls = list(_URL.finditer(output))
    return (slug(urls[-1]["remote"]), int(urls[-1]["number"])) if urls else None


def _elsewhere(rest: str) -> str:
    """The repository that `-R` names, as `remote.slug` does: `owner/name`, or with a host in front."""
    match = _ELSEWHERE.search(rest)
    name = match["repository"].strip("\"'") if match else ""
    return slug(name) or name.removeprefix("github.com/")
