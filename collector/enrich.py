"""Requests with what git knows of where they were made: repository, branch at the time, author, files, commits."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from attribution.usage import CommitMade, ContextSource, PullSeen, Usage, with_context, with_work
from attribution.usage_merge import unique
from collector.stamps import Stamps, session_of

if TYPE_CHECKING:
    from collector.git import Commit, Facts
    from collector.index import Index

# A command may print the commit it found instead of one it made (`git commit -q; git rev-parse HEAD`, with nothing to commit).
# Such a commit is older than the request; git's times are whole seconds and the log's clock may be another's.
_CLOCK_SLACK = timedelta(minutes=1)
# A commit that follows a session's work later than this is not waited for.
_AFTER = timedelta(days=3)
_MOST_AFTER = 20
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def with_git_facts(
    usages: Sequence[Usage],
    env: Mapping[str, str],
    index: "Index | None" = None,
    stamps: Stamps | None = None,
    here: str = "",
) -> list[Usage]:
    """`usages` with what their folder's repository knows: each repository is asked once, about all of its commits together, and
    with an `index` only about what may have changed. `stamps` are commits that git's hooks saw sessions make; `here` is a
    folder whose repository is looked at besides."""
    if not usages and not here:
        return []
    usages = with_stamps(usages, stamps or Stamps())
    from collector.aider_commits import with_aider_commits  # noqa: PLC0415
    from collector.git import NOTHING, Git  # noqa: PLC0415 (and with it subprocess: not for an empty home)

    git = Git(env, index)
    requests = unique(with_aider_commits(usages, git, {here, *(usage.context.cwd for usage in usages)}))
    by_root: defaultdict[str, list[Usage]] = defaultdict(list)
    facts: dict[str, Facts] = {}
    for usage in requests:
        there = git.facts(usage.context.cwd)
        if (
            usage.context.repository
            and there.repository
            and usage.context.repository.lower() != there.repository.lower()
        ):
            there = NOTHING  # another repository lies there now: its branches and commits are not this request's
        facts.setdefault(there.root, there)
        by_root[there.root].append(usage)
    results: list[Usage] = []
    for root, group in by_root.items():
        ids = {commit.sha for usage in group for commit in usage.work.commits_made}
        by_hand = _candidates(facts[root], group)
        commits = git.commits(root, {*ids, *by_hand}) if root and (ids or by_hand) else {}
        enriched = [_enriched(usage, facts[root], commits) for usage in group]
        results += _with_commits_after(enriched, facts[root], [commits[sha] for sha in by_hand if sha in commits])
    git.remember()
    results = [_in_ci(usage, env) for usage in results] if env.get("GITHUB_ACTIONS") == "true" else results
    return sorted(results, key=lambda usage: (usage.at, usage.key))


def _in_ci(usage: Usage, env: Mapping[str, str]) -> Usage:
    """On a runner the checkout is detached, so the run says what it works on.
    https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables"""
    branch = env.get("GITHUB_HEAD_REF") or (
        env.get("GITHUB_REF_NAME", "") if env.get("GITHUB_REF_TYPE") == "branch" else ""
    )
    context = usage.context
    if branch and context.source.rank < ContextSource.RUN.rank:
        context = msgspec.structs.replace(context, source=ContextSource.RUN, branch=branch)
    repository = context.repository or env.get("GITHUB_REPOSITORY", "")
    context = msgspec.structs.replace(context, ci_ref=env.get("GITHUB_REF", ""), repository=repository)
    return msgspec.structs.replace(usage, context=context)


def with_stamps(usages: Sequence[Usage], stamps: Stamps) -> Sequence[Usage]:
    """Commits that a hook saw a session make go to its last request before them; rewritten ones get their new names too."""
    if not stamps.by_session and not stamps.rewrites:
        return usages
    stamp_commits: defaultdict[tuple[str, str], set[CommitMade]] = defaultdict(set)
    for session in _sessions(usages, only_edits=False):
        for thread in {(usage.tool, usage.session_id, usage.agent_id) for usage in session}:
            for sha, at in session_of(stamps, *thread).items():
                own = [
                    usage
                    for usage in session
                    if usage.at <= at + _CLOCK_SLACK and (usage.agent_id == thread[2] or not thread[2])
                ]
                if own:
                    stamp_commits[own[-1].key].add(CommitMade(sha=sha, is_stamped=True))
    for usage in usages:
        new_names = {stamps.now(commit.sha) for commit in usage.work.commits_made} - {
            commit.sha for commit in usage.work.commits_made
        }
        stamp_commits[usage.key] |= {CommitMade(sha=sha) for sha in new_names}
    return [
        with_work(usage, commits_made=tuple(sorted({*usage.work.commits_made, *stamp_commits[usage.key]})))
        if stamp_commits[usage.key]
        else usage
        for usage in usages
    ]


def _enriched(usage: Usage, facts: "Facts", commits: Mapping[str, "Commit"]) -> Usage:
    """Most requests only ask and answer: they get no more than where they were made."""
    repository = usage.context.repository or facts.repository
    if usage.work.edited_files or usage.work.commits_made or usage.work.pulls_seen:
        usage = with_work(
            usage,
            edited_files=_from_top(usage, facts),
            commits_made=_commits_made(usage, facts, commits),
            pulls_seen=tuple(sorted(_own(usage, repository))),
        )
    source, branch = _branch(usage, facts)
    before = usage.context
    if (source, repository, branch, facts.author) == (before.source, before.repository, before.branch, before.author):
        return usage
    return with_context(usage, source=source, repository=repository, branch=branch, author=facts.author)


def _branch(usage: Usage, facts: "Facts") -> tuple[ContextSource, str]:
    """The branch of a request, and how it is known: by a commit that a hook saw it make there, by git's reflog, or as before."""
    commits = [commit for commit in usage.work.commits_made if commit.is_stamped and commit.branch]
    if commits:
        return ContextSource.STAMP, min(
            commits, key=lambda commit: (commit.authored_at or _LONG_AGO, commit.sha)
        ).branch
    if branch := facts.branches.at(usage.at):
        return ContextSource.REFLOG, branch
    return usage.context.source, usage.context.branch


def _from_top(usage: Usage, facts: "Facts") -> tuple[str, ...]:
    """Edited files are named from the repository's top; where its folder is gone, from where the session worked."""
    top = facts if facts.root else msgspec.structs.replace(facts, root=usage.context.cwd)
    relative = (
        {top.inside(usage.context.cwd, path) for path in usage.work.edited_files} if usage.context.cwd else set[str]()
    )
    return tuple(sorted(relative - {""}))


def _commits_made(usage: Usage, facts: "Facts", commits: Mapping[str, "Commit"]) -> tuple[CommitMade, ...]:
    by_sha: dict[str, CommitMade] = {}
    for report in usage.work.commits_made:
        commit = commits.get(report.sha)
        if commit is None:
            by_sha[report.sha] = report
        elif report.is_stamped or commit.committed_at >= usage.at - _CLOCK_SLACK:
            by_sha[commit.sha] = msgspec.structs.replace(_commit_made(commit, facts), is_stamped=report.is_stamped)
    return tuple(by_sha[sha] for sha in sorted(by_sha))


def _own(usage: Usage, repository: str) -> set[PullSeen]:
    """Pull requests of the session's own repository: a number means another one elsewhere."""
    own = {"", repository.lower()}
    return {
        msgspec.structs.replace(pull, repository="") for pull in usage.work.pulls_seen if pull.repository.lower() in own
    }


def _commit_made(commit: "Commit", facts: "Facts") -> CommitMade:
    return CommitMade(
        sha=commit.sha,
        authorship=commit.authorship,
        branch=facts.branches.at(commit.committed_at) or "",
        patch_id=commit.patch_id,
        authored_at=commit.authored_at,
        files=commit.files,
    )


def _candidates(facts: "Facts", usages: Sequence[Usage]) -> list[str]:
    """Commits that `git commit` made here while these requests were made or soon after, oldest first."""
    edits = [usage.at for usage in usages if usage.work.edited_files]
    if not edits:
        return []
    since, until = min(edits), max(edits) + _AFTER
    return [entry.sha for entry in facts.branches.commits if since <= entry.at <= until]


def _with_commits_after(usages: Sequence[Usage], facts: "Facts", commits: Sequence["Commit"]) -> list[Usage]:
    """The person's commits by hand, each with the last request before it of every session whose edited files it holds."""
    session_commits = {commit.sha for usage in usages for commit in usage.work.commits_made}
    mine = [
        commit
        for commit in commits
        if commit.sha not in session_commits and commit.author == facts.author and commit.files
    ]
    mine.sort(key=lambda commit: commit.committed_at)
    after: defaultdict[tuple[str, str], list[CommitMade]] = defaultdict(list)
    for session in _sessions(usages):
        read, edited_at = 0, dict[str, datetime]()
        edits = [usage.at.replace(microsecond=0) for usage in session if usage.work.edited_files]
        for i in range(bisect_left(mine, edits[0], key=lambda commit: commit.committed_at), len(mine)):
            commit = mine[i]
            if commit.committed_at - edits[-1] > _AFTER:
                break
            while read < len(session) and session[read].at.replace(microsecond=0) <= commit.committed_at:
                edited_at |= dict.fromkeys(session[read].work.edited_files, session[read].at)
                read += 1
            fresh = any(commit.committed_at - edited_at.get(path, _LONG_AGO) <= _AFTER for path in commit.files)
            if fresh and len(after[session[read - 1].key]) < _MOST_AFTER:
                after[session[read - 1].key].append(_commit_made(commit, facts))
    return [
        with_work(usage, commits_after=tuple(sorted(after[usage.key]))) if usage.key in after else usage
        for usage in usages
    ]


def _sessions(usages: Sequence[Usage], *, only_edits: bool = True) -> Iterator[list[Usage]]:
    by_session: defaultdict[tuple[str, str], list[Usage]] = defaultdict(list)
    for usage in usages:
        by_session[usage.tool, usage.session_id].append(usage)
    for session in by_session.values():
        session.sort(key=lambda usage: (usage.at, usage.key))
        if not only_edits or any(usage.work.edited_files for usage in session):
            yield session
