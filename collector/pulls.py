"""The pull requests of this clone, from GitHub's command line, and the pull requests that AI requests belong to."""

import os
from collections.abc import Sequence
from itertools import groupby

import msgspec

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import PullRequest
from attribution.gh import NEWEST, from_gh
from attribution.reported_commits import direct_commits, reported_commits, with_reports
from attribution.usage import Usage
from collector import processes

NO_LIST = "mergecost: cannot list pull requests: `gh auth login` in this clone, or use --by branch"


def newest_pulls() -> list[PullRequest] | None:
    """The newest pull requests, or None if `gh` cannot list them."""
    try:
        return from_gh(processes.gh(os.environ, *NEWEST[1:]))
    except (processes.ProcessFailed, msgspec.DecodeError):
        return None


def default_branch() -> str:
    """The remote's default branch, or `main`."""
    try:
        ref = processes.git(os.environ, ".", "rev-parse", "--abbrev-ref", "origin/HEAD").decode().strip()
    except (processes.ProcessFailed, UnicodeDecodeError):
        return "main"
    return ref.partition("/")[2] or "main"


def targets(usages: Sequence[Usage], pulls: list[PullRequest], branch: str) -> dict[tuple[str, str], str]:
    """`#12`, `#12 and #14` or `unattributed` for each request, by its key."""
    reports = reported_commits(usages)
    pulls = with_reports(pulls, reports)
    index = RepositoryIndex(pulls, branch, direct=direct_commits(pulls, reports, branch))
    names: dict[tuple[str, str], str] = {}
    by_session = sorted(usages, key=lambda usage: (usage.tool, usage.session_id))
    for _, session in groupby(by_session, key=lambda usage: (usage.tool, usage.session_id)):
        for key, claim in attribute(session, index).items():
            names[key] = " and ".join(f"#{number}" for number in claim.numbers) or "unattributed"
    return names
