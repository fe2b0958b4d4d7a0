"""What the guard's hook decides by, computed from the logs: what sessions, the day and branches cost, and the caps in force."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from attribution.money import Micros
from attribution.protocol import RepositoryCaps
from attribution.usage import Usage
from collector.guard.branches import Amount, of_branches
from collector.guard.caps import Cap, smaller
from collector.guard.hook import place

# Sessions without work for so long are not watched, nor more sessions than so many.
RECENT = timedelta(days=30)
MOST_SESSIONS = 2000


class Figures(msgspec.Struct):
    """`sessions` are by tool and id, the latest first; `repositories` names the git folders on this machine; `branches` are by
    repository and name, with what the amount is of; `caps` by repository and kind, those of no repository under empty text.
    `made_at` is in seconds since 1970, `day` is the local date. Requests without a price are in no amount: `unpriced` names what
    has some, a session, a repository and branch, or "day"."""

    made_at: float
    day: str
    caps: dict[str, dict[str, Cap]]
    day_micros: Micros = 0
    sessions: dict[str, Micros] = {}
    repositories: dict[str, str] = {}
    branches: dict[str, dict[str, Amount]] = {}
    unpriced: list[str] = []


def make(
    usages: Sequence[Usage], own: Mapping[str, Cap], repositories: Mapping[str, RepositoryCaps], now: float
) -> Figures:
    """Figures from all requests in the logs, in order of time, from this machine's own caps and from those that the server sent."""
    caps = {"": dict(own), **{slug: smaller(own, repository) for slug, repository in repositories.items()}}
    figures = Figures(now, time.strftime("%Y-%m-%d", time.localtime(now)), caps)
    if not any(caps.values()):
        return figures
    recent = since(usages, now)
    sessions = dict.fromkeys(islice(dict.fromkeys(map(_session, reversed(recent))), MOST_SESSIONS), 0)
    prices = [(usage, _micros(usage)) for usage in usages if _session(usage) in sessions]
    amounts = [(usage, micros) for usage, micros in prices if micros is not None]
    for usage, micros in amounts:
        sessions[_session(usage)] += micros
    midnight = _midnight(now)
    figures.unpriced = _unpriced([usage for usage, micros in prices if micros is None], midnight)
    figures.sessions = sessions
    figures.day_micros = sum(micros for usage, micros in amounts if usage.at >= midnight)
    contexts = [usage.context for usage in recent]
    git = _git_folders({context.cwd for context in contexts})
    figures.repositories = {
        git[context.cwd]: context.repository for context in contexts if context.repository and context.cwd in git
    }
    figures.branches = of_branches([pair for pair in amounts if pair[0].at >= recent[0].at], git, repositories)
    return figures


def _unpriced(usages: Sequence[Usage], midnight: datetime) -> list[str]:
    sessions = {_session(usage) for usage in usages}
    branches = {f"{usage.context.repository} {usage.context.branch}" for usage in usages}
    return sorted(sessions | branches | {"day" for usage in usages if usage.at >= midnight})


def since(usages: Sequence[Usage], now: float) -> list[Usage]:
    """The recent ones."""
    start = datetime.fromtimestamp(now, UTC) - RECENT
    return [usage for usage in usages if usage.at >= start]


def _git_folders(folders: Iterable[str]) -> dict[str, str]:
    """The git folder of each folder that exists and is in a repository."""
    places = {folder: place(folder)[0] for folder in folders if Path(folder).is_absolute() and Path(folder).is_dir()}
    return {folder: git for folder, git in places.items() if git}


def _midnight(now: float) -> datetime:
    """When the local day began, also on days when the clocks change."""
    return datetime.fromtimestamp(time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1)), UTC)


def _session(usage: Usage) -> str:
    return f"{usage.tool} {usage.session_id}"


def _micros(usage: Usage) -> Micros | None:
    from attribution.ledger import charge  # noqa: PLC0415 (prices are slow to import)

    return charge(usage).list_micros
