"""What Aider's commits show: where a run worked, and that there was work of which no log is left.

Aider commits each change as soon as a model has answered. Its log has no folder, so only the time ties the two.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from attribution.tools import aider
from attribution.usage import CommitMade, Usage, with_context, with_work
from collector.git import Facts, Git

_SOON = timedelta(minutes=2)
_SLACK = timedelta(seconds=5)  # git's times are whole seconds


def with_aider_commits(usages: Sequence[Usage], git: Git, places: Iterable[str]) -> list[Usage]:
    """`usages` with the folder and the commits of Aider's runs, and with a request for each commit that no run made. `places`
    are folders whose repositories are looked at."""
    roots = {facts.root: facts for facts in map(git.facts, places) if facts.root}
    own = [usage for usage in usages if usage.tool == aider.NAME]
    folders, commits, requests = dict[str, str](), defaultdict[tuple[str, str], set[CommitMade]](set), list[Usage]()
    for root, facts in sorted(roots.items()):
        for usage, commit in _commits(git, facts, own):
            if usage.context.cwd:  # known from the commit alone
                requests.append(usage)
            else:
                folders[usage.session_id] = root
                commits[usage.key].add(commit)
    enriched = [
        with_work(
            with_context(usage, cwd=folders[usage.session_id]),
            commits_made=tuple(sorted({*usage.work.commits_made, *commits[usage.key]})),
        )
        if usage.tool == aider.NAME and usage.session_id in folders
        else usage
        for usage in usages
    ]
    return [*enriched, *requests]


def _commits(git: Git, facts: Facts, own: Sequence[Usage]) -> Iterable[tuple[Usage, CommitMade]]:
    """Aider's commits in a repository, each with the request just before it, or with one that stands for it."""
    entries = [entry for entry in facts.branches.commits if entry.aider_model is not None]
    commits = git.commits(facts.root, [entry.sha for entry in entries]) if entries else {}
    for entry in entries:
        before = [usage for usage in own if entry.at - _SOON <= usage.at <= entry.at + _SLACK]
        if before:
            yield max(before, key=lambda usage: usage.at), CommitMade(sha=entry.sha)
        elif commit := commits.get(entry.sha):
            model = entry.aider_model or ""
            yield (
                aider.from_commit(entry.sha, commit.authorship, entry.at, model, facts.root),
                CommitMade(sha=entry.sha),
            )
