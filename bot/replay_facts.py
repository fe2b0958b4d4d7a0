"""Facts from files for `mergecost replay`: usage as `mergecost scan --json` prints it, pull requests as JSON lines or as the
GitHub CLI lists them. The formats are described in deploy/replay.md."""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from attribution.evidence import Commit, Correction, PullRequest
from attribution.identity import author, authorship
from attribution.tools import unique
from attribution.usage import Usage

T = TypeVar("T")


class BadFacts(Exception):
    """A file that cannot be used; the message says where, and what is expected there."""


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
    """What `gh pr list --json ...` prints of one: https://cli.github.com/manual/gh_pr_list"""

    number: int
    head_ref_name: str
    created_at: datetime
    base_ref_name: str = ""
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    author: _GhAuthor = _GhAuthor()
    commits: list[_GhCommit] = []
    files: list[_GhFile] = []


def usages(paths: Sequence[str]) -> list[Usage]:
    """Requests of one or several files, each once, by time. Raises BadFacts."""
    return unique(
        usage for path in paths for usage in _lines(path, Usage, "a request, as `mergecost scan --json` prints it")
    )


def pulls(paths: Sequence[str]) -> list[PullRequest]:
    """Pull requests of one or several files. Raises BadFacts."""
    found: list[PullRequest] = []
    for path in paths:
        content = _read(path)
        if content.lstrip().startswith(b"["):
            try:
                found += map(_from_gh, msgspec.json.decode(content, type=list[_GhPull]))
            except msgspec.DecodeError as error:
                raise BadFacts(f"{path}: not what `gh pr list --json ...` prints: {error}") from None
        else:
            found += _lines(path, PullRequest, "a pull request in JSON", content)
    return found


def corrections(paths: Sequence[str]) -> list[Correction]:
    return [one for path in paths for one in _lines(path, Correction, "a correction in JSON")]


def _lines(path: str, kind: type[T], expected: str, content: bytes | None = None) -> Iterator[T]:
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate((_read(path) if content is None else content).splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadFacts(f"{path}, line {number}: expected {expected}: {error}") from None


def _read(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise BadFacts(f"cannot read {path}: {error.strerror}") from None


def _from_gh(pull: _GhPull) -> PullRequest:
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
