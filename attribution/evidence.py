"""Facts about changes, and what ties a request to one of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

# A time without its zone is refused when it is read: it could be anywhere.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Commit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A commit. `authorship` and `authored_at` survive amend and rebase, `patch_id` survives a rebase, `sha` neither.

    `author` is the digest of the author's e-mail (`identity.author`). `files` are the paths it changes, empty where not known:
    GitHub lists a pull request's commits without them.
    """

    sha: str
    authorship: str = ""
    author: str = ""
    authored_at: Moment | None = None
    committed_at: Moment | None = None
    files: tuple[str, ...] = ()
    patch_id: str = ""


class PullRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What attribution needs to know of a pull request. Times are UTC; `closed_at` is None while it is open (merging closes).

    `files` are the paths that it changes as a whole. `author` is a digest, as a commit's. An empty branch is not known.
    """

    number: int
    head_branch: str
    created_at: Moment
    closed_at: Moment | None = None
    merged_at: Moment | None = None
    commits: tuple[Commit, ...] = ()
    base_branch: str = ""
    author: str = ""
    files: tuple[str, ...] = ()


class Correction(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A maintainer's correction of a session, from a comment. Later corrections amend earlier ones.

    `link` attributes all of it to the pull requests in `weights`, one or several; `unlink` excludes those. `confirm` says that its
    requests are real though they look invented: as many `tokens`, and dollars of the tool's own (`reported_micros`), as were seen.
    """

    said_at: Moment
    tool: str
    session_id: str
    says: str
    weights: tuple[tuple[int, int], ...]
    by: str = ""
    why: str = ""
    tokens: int = 0
    reported_micros: int = 0

    def __post_init__(self) -> None:
        if self.says not in ("link", "unlink", "confirm"):
            raise ValueError(f"a correction says link, unlink or confirm, not {self.says!r}")
        if bool(self.weights) == (self.says == "confirm") or any(weight <= 0 for _, weight in self.weights):
            raise ValueError("a correction names pull requests, each with a weight above 0; a confirmation names none")


class Evidence(StrEnum):
    """How strongly a share is tied to its target, strongest first. The order is the order of the rules.

    `IMPLAUSIBLE` looks invented and is kept apart, whatever it was tied to; `SEVERAL` fits several pull requests equally and is
    attributed to none.
    """

    IMPLAUSIBLE = "implausible"
    CORRECTION = "correction"
    STAMP = "stamp"
    COMMIT = "commit"
    EDITS = "edits"
    BRANCH = "branch"
    FILES = "files"
    CARRIED = "carried"
    REVIEW = "review"
    SEVERAL = "several"
    NONE = "none"


class Stage(StrEnum):
    """What a share was spent on: building the change, reading and reviewing it, or a run in CI."""

    BUILD = "build"
    REVIEW = "review"
    CI = "ci"


class Claim(msgspec.Struct, frozen=True):
    """One rule's answer for one request: shares of it by pull request number (None is unattributed), and why, for a person.

    `candidates` are pull requests that fit in part, for a person to choose from; they bear nothing.
    """

    weights: tuple[tuple[int | None, int], ...]
    evidence: Evidence
    why: str
    stage: Stage = Stage.BUILD
    candidates: tuple[int, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The pull requests that bear a part."""
        return tuple(number for number, _ in self.weights if number is not None)


def claim(number: int | None, evidence: Evidence, why: str, stage: Stage = Stage.BUILD) -> Claim:
    return Claim(((number, 1),), evidence, why, stage)


UNATTRIBUTED = Claim(((None, 1),), Evidence.NONE, "no pull request found")
PENDING = Claim(((None, 1),), Evidence.NONE, "not looked at yet")
