"""Folders of recorded sessions and pull requests as the engine's facts. Labels are not read here.

All but a request's id and time and a pull request's number may be missing or null: then it is not known.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from attribution.evidence import Commit, PullRequest
from attribution.usage import CommitMade, Context, PullSeen, Tokens, Usage, Work

T = TypeVar("T")


class Recording(msgspec.Struct):
    """One repository: its name, the sessions' requests, its pull requests, and what was pushed without one."""

    name: str
    folder: Path
    sessions: dict[str, list[Usage]]
    pulls: list[PullRequest]
    default_branch: str
    direct: list[Commit] = []


class _CommitSeen(msgspec.Struct):
    sha: str | None = None
    branch: str | None = None
    by: str | None = None


class _PullSeen(msgspec.Struct):
    n: int | None = None
    how: str | None = None


class _Request(msgspec.Struct, rename={"branch": "gitBranch"}):
    rid: str
    timestamp: datetime
    session_id: str | None = None
    parent: str | None = None
    agent: str | None = None
    model: str | None = None
    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    branch: str | None = None
    author: str | None = None
    edited_files: list[str] | None = None
    commits_seen: list[_CommitSeen] | None = None
    prs_seen: list[_PullSeen] | None = None


class _Commit(msgspec.Struct):
    sha: str | None = None
    at: datetime | None = None
    ct: datetime | None = None
    author: str | None = None
    files: list[str] | None = None


class _Pull(msgspec.Struct):
    number: int
    base: str | None = None
    head_branch: str | None = None
    author: str | None = None
    created: datetime | None = None
    merged_at: datetime | None = None
    commits: list[_Commit] | None = None


def rows(path: Path, kind: type[T] = dict[str, Any]) -> Iterator[T]:
    """What the lines of a file hold. Ends the program where it cannot be read, and says where."""
    decoder = msgspec.json.Decoder(kind)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                yield decoder.decode(line)
        except msgspec.DecodeError as error:
            raise SystemExit(f"{path}, line {number}: {error}") from None


def folders(root: Path) -> list[Path]:
    paths = sorted(path.parent for path in root.glob("*__*/sessions.jsonl"))
    if not paths:
        raise SystemExit(f"{root} holds no folder owner__name with a sessions.jsonl")
    return paths


def read(folder: Path) -> Recording:
    sessions: defaultdict[str, list[Usage]] = defaultdict(list)
    requests = list(rows(folder / "sessions.jsonl", _Request))
    parents = {row.session_id or "": row.parent for row in requests if row.parent}
    for row in requests:
        usage = _usage(row, _first(row.session_id or "", parents))
        sessions[usage.session_id].append(usage)
    path = folder / "prs.jsonl"
    raw = list(rows(path, _Pull)) if path.exists() else []
    bases = Counter(row.base for row in raw if row.base)
    default = bases.most_common(1)[0][0] if bases else "main"
    pulls = [pull for row in raw if (pull := _pull(row))]
    path = folder / "direct.jsonl"
    direct = [_commit(row) for row in rows(path, _Commit) if row.sha] if path.exists() else []
    return Recording(folder.name.replace("__", "/"), folder, dict(sessions), pulls, default, direct)


def _first(session_id: str, parents: Mapping[str, str]) -> str:
    """The session that a sub-agent's session belongs to in the end."""
    seen = {session_id}
    while (parent := parents.get(session_id)) is not None and parent not in seen:
        session_id = parent
        seen.add(parent)
    return session_id


def without_commit_files(recording: Recording) -> Recording:
    """The same as GitHub lists it: the files of a pull request as a whole, not those of its commits."""
    return msgspec.structs.replace(recording, pulls=[_without_commit_files(pull) for pull in recording.pulls])


def _without_commit_files(pull: PullRequest) -> PullRequest:
    bare = tuple(msgspec.structs.replace(commit, files=()) for commit in pull.commits)
    return msgspec.structs.replace(pull, commits=bare)


def _usage(row: _Request, session_id: str) -> Usage:
    # A rebase prints the ids of commits made earlier; the collector reports what `git commit` made.
    commits = {
        CommitMade(sha=commit.sha, branch=commit.branch or "")
        for commit in row.commits_seen or ()
        if commit.sha and commit.by == "commit"
    }
    looks = {PullSeen(number=look.n, how=look.how or "") for look in row.prs_seen or () if look.n}
    return Usage(
        tool="codex" if row.agent == "codex" else "claude-code",
        session_id=session_id,
        agent_id="" if session_id == (row.session_id or "") else row.session_id or "",
        request_id=row.rid,
        at=_utc(row.timestamp),
        model=row.model or "",
        tokens=Tokens(
            uncached_input=row.input or 0,
            cache_read=row.cache_read or 0,
            cache_write_5m=row.cache_write_5m or 0,
            cache_write_1h=row.cache_write_1h or 0,
            output=row.output or 0,
        ),
        context=Context(branch=row.branch or "", author=row.author or ""),
        work=Work(
            edited_files=tuple(sorted(set(row.edited_files or ()))),
            commits_made=tuple(sorted(commits)),
            pulls_seen=tuple(sorted(looks)),
        ),
    )


def _pull(row: _Pull) -> PullRequest | None:
    """None for one of which no time is known."""
    commits = tuple(_commit(commit) for commit in row.commits or () if commit.sha)
    first = min((commit.authored_at for commit in commits if commit.authored_at), default=None)
    created_at = _utc(row.created) if row.created else first
    if created_at is None:
        return None
    merged_at = _utc(row.merged_at) if row.merged_at else None
    return PullRequest(
        number=row.number,
        head_branch=row.head_branch or "",
        base_branch=row.base or "",
        author=row.author or "",
        created_at=created_at,
        closed_at=merged_at,
        merged_at=merged_at,
        commits=commits,
        files=tuple(sorted({path for commit in commits for path in commit.files})),
    )


def _commit(commit: _Commit) -> Commit:
    return Commit(
        sha=commit.sha or "",
        authorship=f"{commit.author} {commit.at.timestamp():.0f}" if commit.author and commit.at else "",
        author=commit.author or "",
        authored_at=_utc(commit.at) if commit.at else None,
        committed_at=_utc(commit.ct) if commit.ct else None,
        files=tuple(commit.files or ()),
    )


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
