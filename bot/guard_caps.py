"""What a developer's `mergecost guard` asks: the caps of repositories, and what the pull requests of branches cost over everybody.

Of the branches that it names and no others, and of no person.
"""

from decimal import Decimal

import msgspec
from sqlalchemy import Connection

from attribution.evidence import PullRequest
from attribution.money import Micros, from_usd
from attribution.protocol import (
    MOST_BRANCHES,
    MOST_REPOSITORIES,
    BranchCost,
    CapsAnswer,
    CapsQuery,
    RepositoryCaps,
    RepositoryQuery,
)
from attribution.totals import pull_totals
from bot.clock import Clock
from bot.context import settings_of
from bot.keys import RepositoryKey
from bot.repository_settings import OperatorSettings
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import totals as total_store
from bot.store.database import Database

# A branch whose pull request was closed before is a new one.
_RECENT_MS = 30 * 24 * 3_600_000


class BadQuestion(Exception):
    """The body is no question; the message says what one looks like."""


def answer(database: Database, operator: OperatorSettings, clock: Clock, account_id: int, body: bytes) -> CapsAnswer:
    """Raises `BadQuestion`."""
    try:
        asked = msgspec.json.decode(body, type=CapsQuery).repositories
    except msgspec.DecodeError as error:
        raise BadQuestion(
            f'the body must be {{"repositories": [{{"name": "owner/name", "branches": []}}]}}: {error}'
        ) from None
    if len(asked) > MOST_REPOSITORIES or sum(len(one.branches) for one in asked) > MOST_BRANCHES:
        raise BadQuestion(f"ask for at most {MOST_REPOSITORIES} repositories and {MOST_BRANCHES} branches at once")
    with database.read() as connection:
        names = repository_store.covered_names(connection, account_id)
        known = [(one, names[one.name.lower()]) for one in asked if one.name.lower() in names]
        answers = [_said(connection, operator, RepositoryKey(account_id, key), one, clock()) for one, key in known]
    return CapsAnswer([answer for answer in answers if answer])


def _said(
    connection: Connection, operator: OperatorSettings, key: RepositoryKey, asked: RepositoryQuery, now_ms: int
) -> RepositoryCaps | None:
    row = repository_store.repository(connection, key)
    if row is None:
        return None
    settings, _ = settings_of(operator, row)
    wanted = set(asked.branches) - {"", row.default_branch}
    pulls = pull_store.pulls_not_closed_before(connection, key, now_ms - _RECENT_MS) if wanted else []
    return RepositoryCaps(
        name=asked.name,
        default_branch=row.default_branch,
        cap_session_micros=_micros(settings.cap_session_usd),
        cap_day_micros=_micros(settings.cap_day_usd),
        cap_pull_micros=_micros(settings.cap_pull_usd),
        branches=_branches(connection, key, [one for one in pulls if one.head_branch in wanted]),
    )


def _branches(connection: Connection, key: RepositoryKey, pulls: list[PullRequest]) -> list[BranchCost]:
    """Branches with a pull request, by name. Which of several open ones is meant (forks name branches alike) nobody can say."""
    spent = pull_totals(total_store.spent_on(connection, key, [one.number for one in pulls if one.closed_at is None]))
    found: list[BranchCost] = []
    for name in sorted({one.head_branch for one in pulls}):
        open_now = [one.number for one in pulls if one.head_branch == name and one.closed_at is None]
        closed = [one.closed_at for one in pulls if one.head_branch == name and one.closed_at]
        number = open_now[0] if len(open_now) == 1 else None
        micros = spent[number].cost.priced_micros if number in spent else 0
        found.append(
            BranchCost(name=name, pull_number=number, spent_micros=micros, closed_at=max(closed, default=None))
        )
    return found


def _micros(usd: Decimal | None) -> Micros | None:
    return None if usd is None else from_usd(usd)
