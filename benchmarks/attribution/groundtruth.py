"""Folders of recorded sessions and pull requests as the engine's facts. Labels are not read here."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from attribution.evidence import Commit, PullRequest
from attribution.usage import CommitMade, PullSeen, Usage


class Recorded(msgspec.Struct):
    """One repository: its name, the sessions' requests, and its pull requests."""

    name: str
    folder: Path
    sessions: dict[str, list[Usage]]
    pulls: list[PullRequest]
    default_branch: str


def rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        yield from map(msgspec.json.decode, lines)


def folders(root: Path) -> list[Path]:
    found = sorted(path.parent for path in root.glob("*__*/sessions.jsonl"))
    if not found:
        raise SystemExit(f"{root} holds no folder owner__name with a sessions.jsonl")
    return found


def read(folder: Path) -> Recorded:
    sessions: defaultdict[str, list[Usage]] = defaultdict(list)
    for row in rows(folder / "sessions.jsonl"):
        sessions[row["session_id"]].append(_usage(row))
    raw = list(rows(folder / "prs.jsonl"))
    bases = Counter(row["base"] for row in raw if row["base"])
    default = bases.most_common(1)[0][0] if bases else "main"
    return Recorded(folder.name.replace("__", "/"), folder, dict(sessions), [_pull(row) for row in raw], default)


def without_commit_files(one: Recorded) -> Recorded:
    """The same as GitHub lists it: the files of a pull request as a whole, not those of its commits."""
    return msgspec.structs.replace(one, pulls=[_without_commit_files(pull) for pull in one.pulls])


def _without_commit_files(pull: PullRequest) -> PullRequest:
    bare = tuple(msgspec.structs.replace(commit, files=()) for commit in pull.commits)
    return msgspec.structs.replace(pull, commits=bare)


def _usage(row: dict[str, Any]) -> Usage:
    # A rebase prints the ids of commits made earlier; the collector reports what `git commit` made.
    made = [one for one in row.get("commits_seen", ()) if one.get("by") == "commit"]
    commits = {CommitMade(sha=one["sha"], branch=one.get("branch") or "") for one in made}
    seen = {PullSeen(number=one["n"], how=one["how"]) for one in row.get("prs_seen", ())}
    return Usage(
        tool="codex" if row["agent"] == "codex" else "claude-code",
        session_id=row["session_id"],
        request_id=row["rid"],
        at=datetime.fromisoformat(row["timestamp"]),
        model=row["model"] or "",
        uncached_input_tokens=row["input"],
        cache_read_tokens=row["cache_read"],
        cache_write_5m_tokens=row["cache_write_5m"],
        cache_write_1h_tokens=row["cache_write_1h"],
        output_tokens=row["output"],
        reasoning_tokens=0,
        branch=row["gitBranch"] or "",
        author=row["author"] or "",
        edited_files=tuple(sorted(row.get("edited_files", ()))),
        commits_made=tuple(sorted(commits, key=lambda one: one.sha)),
        pulls_seen=tuple(sorted(seen)),
    )


def _pull(row: dict[str, Any]) -> PullRequest:
    merged = row["merged_at"] and datetime.fromisoformat(row["merged_at"])
    commits = tuple(
        Commit(
            sha=one["sha"],
            author=one["author"] or "",
            authored_at=datetime.fromisoformat(one["at"]),
            committed_at=datetime.fromisoformat(one["ct"]),
            files=tuple(one["files"]),
        )
        for one in row["commits"]
    )
    return PullRequest(
        number=row["number"],
        head_branch=row["head_branch"] or "",
        base_branch=row["base"] or "",
        author=row["author"] or "",
        created_at=datetime.fromisoformat(row["created"]),
        closed_at=merged or None,
        merged_at=merged or None,
        commits=commits,
        files=tuple(sorted({path for commit in commits for path in commit.files})),
    )
