"""Facts about changes, and what ties a request to one of them."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit as GitHub lists it on a pull request. `authorship` survives amend and rebase (see `identity.authorship`)."""

    sha: str
    authorship: str = ""


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What attribution needs to know of a pull request. Times are UTC; `closed_at` is None while it is open (merging closes)."""

    number: int
    head_branch: str
    created_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    commits: tuple[Commit, ...] = ()


class Evidence(StrEnum):
    """How strongly a share is tied to its target, strongest first. The order is the order of the rules."""

    COMMIT = "commit"
    BRANCH = "branch"
    CARRIED = "carried"
    NONE = "none"


class Claim(msgspec.Struct, frozen=True):
    """One rule's answer for one request: shares of it by pull request number (None is unattributed), and why, for a person."""

    weights: tuple[tuple[int | None, int], ...]
    evidence: Evidence
    why: str


def claim(number: int, evidence: Evidence, why: str) -> Claim:
    return Claim(((number, 1),), evidence, why)


UNATTRIBUTED = Claim(((None, 1),), Evidence.NONE, "no pull request found")
NOT_PLACED = Claim(((None, 1),), Evidence.NONE, "not looked at yet")
