"""What Aider's commits tell: where a run of it worked, and of work that no log tells of that there was some.

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


def with_signed(usages: Sequence[Usage], git: Git, places: Iterable[str]) -> list[Usage]:
    """`usages` with the folder and the commits of Aider's runs, and with a request for each commit that no run made. `places`
    are folders whose repositories are looked at."""
    roots = {facts.root: facts for facts in map(git.facts, places) if facts.root}
    own = [usage for usage in usages if usage.tool == aider.NAME]
    folders, made, added = dict[str, str](), defaultdict[tuple[str, str], set[CommitMade]](set), list[Usage]()
    for root, facts in sorted(roots.items()):
        for usage, commit in _commits(git, facts, own):
            if usage.context.cwd:  # which only the commit tells
                added.append(usage)
            else:
                folders[usage.session_id] = root
                made[usage.key].add(commit)
    placed = [
        with_work(
            with_context(usage, cwd=folders[usage.session_id]),
            commits_made=tuple(sorted({*usage.work.commits_made, *made[usage.key]})),
        )
        if usage.tool == aider.NAME and usage.session_id in folders
        else usage
        for usage in usages
    ]
    return [*placed, *added]


def _commits(git: Git, facts: Facts, own: Sequence[Usage]) -> Iterable[tuple[Usage, CommitMade]]:
    """Aider's commits in a repository, each with the request just before it, or with one that stands for it."""
    signed = [made for made in facts.branches.commits if made.aider_model is not None]
    known = git.commits(facts.root, [made.sha for made in signed]) if signed else {}
    for made in signed:
        before = [usage for usage in own if made.at - _SOON <= usage.at <= made.at + _SLACK]
        if before:
            yield max(before, key=lambda usage: usage.at), CommitMade(sha=made.sha)
        elif commit := known.get(made.sha):
            model = made.aider_model or ""
            yield aider.from_commit(made.sha, commit.authorship, made.at, model, facts.root), CommitMade(sha=made.sha)
