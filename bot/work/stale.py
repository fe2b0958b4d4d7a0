"""What must be looked at again when a fact changes: one table, for every use-case."""

from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection

from attribution.issues import lineage
from attribution.periods import week_number, week_of, weeks_later
from attribution.week_totals import LINE_WEEKS
from bot.clock import from_ms
from bot.keys import RepositoryKey, WeekKey
from bot.repository_settings import RepositorySettings
from bot.store import issues as issue_store
from bot.store import weeks as week_store
from bot.work import queue
from bot.work.queue import Kind, Work

# Late data comes in pieces: a weekly issue waits for more of it, so many times as long as a comment does.
_PATIENCE = 30


class Fact(StrEnum):
    """What can change."""

    USAGE = "usage"
    COMMITS = "commits"
    PULL_TIMELINE = "pull timeline"
    DEFAULT_BRANCH = "default branch"
    PULL = "pull"
    HEAD = "head"
    ISSUE = "issue"
    LINKS = "links"
    CORRECTION = "correction"
    SHARES = "shares"
    SPEND = "spend"
    DEAR_SESSION = "dear session"
    PULL_COST = "pull cost"
    APPROVAL = "approval"
    SWITCH = "switch"
    SURVIVAL = "survival"
    SETTINGS = "settings"
    TIME_ZONE = "time zone"
    WEEK_ISSUE = "week issue"
    REFRESH = "refresh"


class Delay(StrEnum):
    """When: at once, when the data has settled (`settle_seconds`), or when late data has settled, too."""

    NOW = "now"
    SETTLED = "settled"
    PATIENT = "patient"


STALE: dict[Fact, tuple[tuple[Kind, Delay], ...]] = {
    # Usage and commits from developers' machines.
    Fact.USAGE: ((Kind.ATTRIBUTE, Delay.NOW),),
    Fact.COMMITS: ((Kind.ATTRIBUTE, Delay.NOW),),
    # Of a pull request: what attribution sees; anything that its comment says; where the check run stands.
    Fact.PULL_TIMELINE: ((Kind.ATTRIBUTE, Delay.NOW),),
    Fact.DEFAULT_BRANCH: ((Kind.ATTRIBUTE, Delay.NOW),),
    Fact.PULL: ((Kind.COMMENT, Delay.SETTLED), (Kind.ISSUE_COMMENT, Delay.SETTLED)),
    Fact.HEAD: ((Kind.COMMENT, Delay.NOW),),
    Fact.ISSUE: ((Kind.ISSUE_COMMENT, Delay.SETTLED),),
    Fact.LINKS: ((Kind.ISSUE, Delay.SETTLED),),
    # The ledger.
    Fact.SHARES: ((Kind.COMMENT, Delay.SETTLED), (Kind.BUDGETS, Delay.SETTLED)),
    Fact.SPEND: ((Kind.WEEK, Delay.PATIENT),),
    Fact.DEAR_SESSION: ((Kind.ALERTS, Delay.NOW),),
    Fact.PULL_COST: ((Kind.ISSUE_COMMENT, Delay.NOW), (Kind.WEEK, Delay.PATIENT)),
    # People's decisions.
    Fact.CORRECTION: ((Kind.ATTRIBUTE, Delay.NOW),),
    Fact.APPROVAL: ((Kind.COMMENT, Delay.NOW),),
    Fact.SWITCH: ((Kind.COMMENT, Delay.NOW),),
    Fact.REFRESH: ((Kind.PULL, Delay.NOW), (Kind.ATTRIBUTE, Delay.NOW)),
    Fact.SETTINGS: (
        (Kind.TIME_ZONE, Delay.NOW),
        (Kind.COMMENT, Delay.NOW),
        (Kind.BUDGETS, Delay.NOW),
        (Kind.WEEK, Delay.PATIENT),
    ),
    Fact.TIME_ZONE: ((Kind.BUDGETS, Delay.NOW), (Kind.WEEK, Delay.PATIENT)),
    # Time.
    Fact.SURVIVAL: ((Kind.COMMENT, Delay.NOW),),
    Fact.WEEK_ISSUE: ((Kind.WEEK, Delay.PATIENT),),
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a fact that changed concerns: `pulls` and `issues` by number, weeks by the times at which figures changed."""

    repository: RepositoryKey
    pulls: Collection[int] = ()
    issues: Collection[int] = ()
    times_ms: Collection[int] = ()


class Stale(msgspec.Struct, frozen=True):
    """Asks for work in the transaction in which a fact changes."""

    now_ms: int
    settings: RepositorySettings

    def note(self, connection: Connection, fact: Fact, change: Change) -> None:
        """A fact has changed: everything that depends on it is looked at again."""
        self.request(connection, self.work(connection, fact, change))

    def work(self, connection: Connection, fact: Fact, change: Change) -> list[tuple[Delay, list[Work]]]:
        """What depends on a fact, and when it is to be looked at."""
        listed = [(delay, list(_OF[kind](self, connection, kind, change))) for kind, delay in STALE[fact]]
        return [(delay, work) for delay, work in listed if work]

    def request(self, connection: Connection, listed: Iterable[tuple[Delay, list[Work]]]) -> None:
        for delay, work in listed:
            queue.request(connection, work, self.run_at_ms(delay))

    def run_at_ms(self, delay: Delay) -> int:
        settle_ms = self.settings.settle_seconds * 1000
        return self.now_ms + {Delay.NOW: 0, Delay.SETTLED: settle_ms, Delay.PATIENT: settle_ms * _PATIENCE}[delay]


_Targets: TypeAlias = Callable[[Stale, Connection, Kind, Change], Iterable[Work]]


def _repository(_stale: Stale, _connection: Connection, kind: Kind, change: Change) -> Iterable[Work]:
    return [Work(kind, *change.repository)]


def _budgets(stale: Stale, _connection: Connection, kind: Kind, change: Change) -> Iterable[Work]:
    return [Work(kind, *change.repository)] if stale.settings.has_periods else []


def _pulls(_stale: Stale, _connection: Connection, kind: Kind, change: Change) -> Iterable[Work]:
    return [Work(kind, *change.repository, number) for number in change.pulls]


def _issues(_stale: Stale, _connection: Connection, kind: Kind, change: Change) -> Iterable[Work]:
    return [Work(kind, *change.repository, number) for number in change.issues]


def _issues_and_above(_stale: Stale, connection: Connection, kind: Kind, change: Change) -> Iterable[Work]:
    """The issues and all above them."""
    issues = issue_store.with_parents(connection, change.repository, change.issues)
    numbers = {above for number in change.issues for above in lineage(number, issues)}
    return [Work(kind, *change.repository, number) for number in numbers]


def _weeks(stale: Stale, connection: Connection, _kind: Kind, change: Change) -> Iterable[Work]:
    """The weeks of these times, and those after that compare with them, as far back as an issue's line goes."""
    if not change.times_ms:
        return []
    zone, now = stale.settings.zone, from_ms(stale.now_ms)
    first = max(week_of(from_ms(min(change.times_ms)), zone), weeks_later(week_of(now, zone), -LINE_WEEKS, zone))
    names = week_store.since(connection, change.repository, first.name)
    return [week_work(change.repository.week(name)) for name in names]


_OF: dict[Kind, _Targets] = {
    Kind.ATTRIBUTE: _repository,
    Kind.TIME_ZONE: _repository,
    Kind.PULL: _pulls,
    Kind.ISSUE: _issues,
    Kind.COMMENT: _pulls,
    Kind.ISSUE_COMMENT: _issues_and_above,
    Kind.ALERTS: _repository,
    Kind.BUDGETS: _budgets,
    Kind.WEEK: _weeks,
}


def week_work(key: WeekKey) -> Work:
    """The issue about a week."""
    return Work(Kind.WEEK, *key.repository, week_number(key.week))
