"""Pull requests as GitHub's command line lists them: https://cli.github.com/manual/gh_pr_list"""

from datetime import datetime

import msgspec

from attribution.evidence import Commit, PullRequest
from attribution.identity import author, authorship

# What `--json` must ask for.
FIELDS = "number,headRefName,baseRefName,createdAt,closedAt,mergedAt,author,commits,files"


class _Email(msgspec.Struct):
    email: str = ""
    login: str = ""


class _GhCommit(msgspec.Struct, rename="camel"):
    oid: str
    authored_date: datetime | None = None
    committed_date: datetime | None = None
    authors: list[_Email] = []


class _GhFile(msgspec.Struct):
    path: str


class _GhAuthor(msgspec.Struct, frozen=True):
    login: str = ""


class _GhPull(msgspec.Struct, rename="camel"):
    """What `gh pr list --json ...` prints of one"""

    number: int
    head_ref_name: str
    created_at: datetime
    base_ref_name: str = ""
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    author: _GhAuthor = _GhAuthor()
    commits: list[_GhCommit] = []
    files: list[_GhFile] = []


def from_gh(content: bytes) -> list[PullRequest]:
    """The list that it printed. Raises msgspec.DecodeError."""
    return [_pull(one) for one in msgspec.json.decode(content, type=list[_GhPull])]


def _pull(pull: _GhPull) -> PullRequest:
    by_login = {
        person.login: person.email for one in pull.commits for person in one.authors if person.login and person.email
    }
    email = by_login.get(pull.author.login, "")
    return PullRequest(
        number=pull.number,
        head_branch=pull.head_ref_name,
        base_branch=pull.base_ref_name,
        created_at=pull.created_at,
        closed_at=pull.closed_at,
        merged_at=pull.merged_at,
        author=author(email) if email else "",
        commits=tuple(map(_commit, pull.commits)),
        files=tuple(sorted(file.path for file in pull.files)),
    )


def _commit(one: _GhCommit) -> Commit:
    email = one.authors[0].email if one.authors else ""
    return Commit(
        sha=one.oid,
        author=author(email) if email else "",
        authorship=authorship(email, one.authored_date) if email and one.authored_date else "",
        authored_at=one.authored_date,
        committed_at=one.committed_date,
    )
