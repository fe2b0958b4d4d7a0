"""The same history with fewer facts, as other people's tools and habits leave them: rules must not hang on one of them."""

from collections.abc import Callable, Sequence

import msgspec

from attribution.usage import Usage, with_work
from benchmarks.attribution.groundtruth import Recording

Less = Callable[[Sequence[Usage], str], list[Usage]]


def with_less(recording: Recording, less: Less) -> Recording:
    sessions = {name: less(usages, recording.default_branch) for name, usages in recording.sessions.items()}
    return msgspec.structs.replace(recording, sessions=sessions)


def _on(usage: Usage, branch: str) -> Usage:
    return msgspec.structs.replace(usage, context=msgspec.structs.replace(usage.context, branch=branch))


def _detached(usages: Sequence[Usage], _: str) -> list[Usage]:
    return [_on(usage, "HEAD") for usage in usages]


def _renamed(usages: Sequence[Usage], default: str) -> list[Usage]:
    names = [usage.context.branch for usage in usages]
    return [
        _on(usage, name if name in ("", default) else f"was/{name}") for usage, name in zip(usages, names, strict=True)
    ]


def _at_start(usages: Sequence[Usage], _: str) -> list[Usage]:
    first = min(usages, key=lambda usage: usage.at)
    return [_on(usage, first.context.branch) for usage in usages]


def _by_hand(usages: Sequence[Usage], _: str) -> list[Usage]:
    return [with_work(usage, commits_made=()) for usage in usages]


LESS_KNOWN: dict[str, Less] = {
    "detached heads": _detached,
    "branches renamed before the pull request": _renamed,
    "branch at the session's start alone": _at_start,
    "no commit in a session": _by_hand,
}
