"""The pull requests of this clone, as GitHub's command line lists them, and where requests belong among them."""

import subprocess
from collections.abc import Sequence
from itertools import groupby

import msgspec

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import PullRequest
from attribution.gh import NEWEST, from_gh
from attribution.reported_commits import direct_commits, reported_commits, with_reports
from attribution.usage import Usage

NO_LIST = "mergecost: cannot list pull requests: `gh auth login` in this clone, or use --by branch"
_TIMEOUT_SECONDS = 30


def listed() -> list[PullRequest] | None:
    """The newest pull requests, or None where `gh` cannot say."""
    try:
        return from_gh(_run(*NEWEST))
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return None


def default_branch() -> str:
    """As the remote says it, or `main`."""
    try:
        said = _run("git", "rev-parse", "--abbrev-ref", "origin/HEAD").decode().strip()
    except (OSError, subprocess.SubprocessError):
        return "main"
    return said.partition("/")[2] or "main"


def targets(usages: Sequence[Usage], pulls: list[PullRequest], branch: str) -> dict[tuple[str, str], str]:
    """`#12`, `#12 and #14` or `unattributed` for each request, by its key."""
    reports = reported_commits(usages)
    pulls = with_reports(pulls, reports)
    index = RepositoryIndex(pulls, branch, direct=direct_commits(pulls, reports, branch))
    found: dict[tuple[str, str], str] = {}
    ordered = sorted(usages, key=lambda usage: (usage.tool, usage.session_id))
    for _, session in groupby(ordered, key=lambda usage: (usage.tool, usage.session_id)):
        for key, claim in attribute(session, index).items():
            found[key] = " and ".join(f"#{number}" for number in claim.numbers) or "unattributed"
    return found


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=_TIMEOUT_SECONDS).stdout
