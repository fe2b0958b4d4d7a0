"""What the guard's hook decides by, made from the logs: what sessions, the day and branches cost, and the caps that hold."""

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
from collector.guard.caps import Cap, held
from collector.guard.hook import place

# What has not been worked on for so long is not watched; neither are more sessions than so many.
RECENT = timedelta(days=30)
MOST_SESSIONS = 2000


class Figures(msgspec.Struct):
    """`sessions` are by tool and id, the latest first; `repositories` names the git folders on this machine; `branches` are by
    repository and name, with what the amount is of; `caps` by repository and kind, those of no repository under empty text.
    `made_at` is in seconds since 1970, `day` the local one. What has no price is in no amount."""

    made_at: float
    day: str
    caps: dict[str, dict[str, Cap]]
    day_micros: Micros = 0
    sessions: dict[str, Micros] = {}
    repositories: dict[str, str] = {}
    branches: dict[str, dict[str, Amount]] = {}


def make(usages: Sequence[Usage], own: Mapping[str, Cap], said: Mapping[str, RepositoryCaps], now: float) -> Figures:
    """Figures from all that the logs say, in order of time, the caps of this machine and what the server said of repositories."""
    caps = {"": dict(own), **{slug: held(own, one) for slug, one in said.items()}}
    figures = Figures(now, time.strftime("%Y-%m-%d", time.localtime(now)), caps)
    if not any(caps.values()):
        return figures
    recent = since(usages, now)
    sessions = dict.fromkeys(islice(dict.fromkeys(map(_session, reversed(recent))), MOST_SESSIONS), 0)
    amounts = [(one, _micros(one)) for one in usages if _session(one) in sessions]
    for one, micros in amounts:
        sessions[_session(one)] += micros
    midnight = _midnight(now)
    figures.sessions = sessions
    figures.day_micros = sum(micros for one, micros in amounts if one.at >= midnight)
    git = _git_folders({one.context.cwd for one in recent})
    figures.repositories = {
        git[one.context.cwd]: one.context.repository
        for one in recent
        if one.context.repository and one.context.cwd in git
    }
    figures.branches = of_branches([pair for pair in amounts if pair[0].at >= recent[0].at], git, said)
    return figures


def since(usages: Sequence[Usage], now: float) -> list[Usage]:
    """Those that are recent."""
    start = datetime.fromtimestamp(now, UTC) - RECENT
    return [one for one in usages if one.at >= start]


def _git_folders(folders: Iterable[str]) -> dict[str, str]:
    """Of folders that are there and in a repository."""
    found = {folder: place(folder)[0] for folder in folders if Path(folder).is_absolute() and Path(folder).is_dir()}
    return {folder: git for folder, git in found.items() if git}


def _midnight(now: float) -> datetime:
    """When the day began here, also on the days when clocks are changed."""
    return datetime.fromtimestamp(time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1)), UTC)


def _session(usage: Usage) -> str:
    return f"{usage.tool} {usage.session_id}"


def _micros(usage: Usage) -> Micros:
    from attribution.ledger import charge  # noqa: PLC0415 (prices are slow to import)

    return charge(usage).list_micros or 0
