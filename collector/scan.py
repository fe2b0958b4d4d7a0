"""All AI requests that the logs of a home folder tell of, with what git knows about where they were made."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from attribution.tools import TOOLS, Source, Tool, unique
from attribution.usage import CommitMade, Usage
from collector.logs import Tally, UnreadableLog
from collector.sources import files, folders, records

if TYPE_CHECKING:
    from collector.git import Commit, Facts

# A command may print the commit it found instead of one it made (`git commit -q; git rev-parse HEAD`, with nothing to commit).
# Such a commit is older than the request; git's times are whole seconds and the log's clock may be another's.
_CLOCK_SLACK = timedelta(minutes=1)


class Scan(msgspec.Struct):
    """`usages` by time. `looked_in` are the folders searched, `files` how many logs were found there."""

    usages: list[Usage]
    looked_in: list[Path]
    files: int
    tally: Tally


def scan(home: Path | None, env: Mapping[str, str]) -> Scan:
    """Read the logs of `home`, or of the user's own if None. A given `home` stands for everything: `env` then moves no
    folder. Nothing in a log makes this fail; `tally` says what was passed over."""
    if home is not None:
        env = {"PATH": env.get("PATH", ""), "HOME": str(home)}
    tally, found, looked_in, count = Tally(), list[Usage](), list[Path](), 0
    for tool in TOOLS.values():
        for source in tool.LOGS:
            for below in folders(source, home or Path.home(), env):
                looked_in += [] if below in looked_in else [below]
                for path in files(source, below):
                    count += 1
                    found += _read(tool, source, path, path.relative_to(below).as_posix(), tally)
    return Scan(usages=with_git_facts(unique(found), env), looked_in=looked_in, files=count, tally=tally)


def _read(tool: Tool, source: Source, path: Path, name: str, tally: Tally) -> list[Usage]:
    try:
        read = tool.read_log(records(source, path, tally), name)
    except UnreadableLog as error:
        tally.unreadable_files.append(f"{path}: {error}")
        return []
    tally.unreadable_records += read.unreadable_records
    tally.skipped_records += read.skipped_records
    return read.requests


def with_git_facts(usages: Sequence[Usage], env: Mapping[str, str]) -> list[Usage]:
    """`usages` with what their folder's repository knows, one question about commits a repository."""
    if not usages:
        return []
    from collector.git import Git  # noqa: PLC0415 (and with it subprocess: not for an empty home)

    git = Git(env)
    placed = [(usage, git.facts(usage.cwd)) for usage in usages]
    ids: dict[str, set[str]] = {}
    for usage, facts in placed:
        if facts.root and usage.commits_made:
            ids.setdefault(facts.root, set()).update(commit.sha for commit in usage.commits_made)
    commits = {root: git.commits(root, names) for root, names in ids.items()}
    return [_enriched(usage, facts, commits.get(facts.root, {})) for usage, facts in placed]


def _enriched(usage: Usage, facts: "Facts", commits: Mapping[str, "Commit"]) -> Usage:
    """Edited files are named from the repository's top; where its folder is gone, from where the session worked."""
    top = facts if facts.root else msgspec.structs.replace(facts, root=usage.cwd)
    relative = {top.inside(usage.cwd, path) for path in usage.edited_files} if usage.cwd else set[str]()
    made: dict[str, CommitMade] = {}
    for named in usage.commits_made:
        commit = commits.get(named.sha)
        if commit is None:
            made[named.sha] = named
        elif commit.committed_at >= usage.at - _CLOCK_SLACK:
            made[commit.sha] = CommitMade(sha=commit.sha, authorship=commit.authorship)
    return msgspec.structs.replace(
        usage,
        repository=usage.repository or facts.repository,
        branch=facts.branches.at(usage.at) or usage.branch,
        author=facts.author,
        edited_files=tuple(sorted(relative - {""})),
        commits_made=tuple(made[sha] for sha in sorted(made)),
    )
