"""Answers `mergecost guard` on a developer's machine: the caps of repositories, and what the pull requests of branches cost.

The costs are those of everybody together, of the branches in the query alone, and never of one person.
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
    reader,
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

# A branch whose pull request was closed longer ago counts as new.
_RECENT_MS = 30 * 24 * 3_600_000


_query = reader(CapsQuery)


class BadQuestion(Exception):
    """The body is not a query. The message shows what a query looks like."""


def answer(database: Database, operator: OperatorSettings, clock: Clock, account_id: int, body: bytes) -> CapsAnswer:
    """Raises `BadQuestion`."""
    try:
        queries = _query(body).repositories
    except msgspec.DecodeError as error:
        raise BadQuestion(
            f'the body must be {{"repositories": [{{"name": "owner/name", "branches": []}}]}}: {error}'
        ) from None
    if len(queries) > MOST_REPOSITORIES or sum(len(query.branches) for query in queries) > MOST_BRANCHES:
        raise BadQuestion(f"ask for at most {MOST_REPOSITORIES} repositories and {MOST_BRANCHES} branches at once")
    with database.read() as connection:
        asked = {query.name.lower() for query in queries}
        names = repository_store.covered_ids(connection, account_id, asked)
        covered_queries = [(query, names[query.name.lower()]) for query in queries if query.name.lower() in names]
        answers = [
            _caps(connection, operator, RepositoryKey(account_id, key), query, clock())
            for query, key in covered_queries
        ]
    return CapsAnswer([answer for answer in answers if answer])


def _caps(
    connection: Connection, operator: OperatorSettings, key: RepositoryKey, query: RepositoryQuery, now_ms: int
) -> RepositoryCaps | None:
    row = repository_store.repository(connection, key)
    if row is None:
        return None
    settings, _ = settings_of(operator, row)
    branches = set(query.branches) - {"", row.default_branch}
    pulls = pull_store.pulls_not_closed_before(connection, key, now_ms - _RECENT_MS) if branches else []
    return RepositoryCaps(
        name=query.name,
        default_branch=row.default_branch,
        cap_session_micros=_micros(settings.cap_session_usd),
        cap_day_micros=_micros(settings.cap_day_usd),
        cap_pull_micros=_micros(settings.cap_pull_usd),
        branches=_branches(connection, key, [pull for pull in pulls if pull.head_branch in branches]),
    )


def _branches(connection: Connection, key: RepositoryKey, pulls: list[PullRequest]) -> list[BranchCost]:
    """Branches with a pull request, by name. Which of several open ones is meant (forks name branches alike) nobody can say."""
    costs = pull_totals(
        total_store.spent_on(connection, key, [pull.number for pull in pulls if pull.closed_at is None])
    )
    branches: list[BranchCost] = []
    for name in sorted({pull.head_branch for pull in pulls}):
        open_now = [pull.number for pull in pulls if pull.head_branch == name and pull.closed_at is None]
        closed_at = [pull.closed_at for pull in pulls if pull.head_branch == name and pull.closed_at]
        number = open_now[0] if len(open_now) == 1 else None
        micros = costs[number].cost.priced_micros if number in costs else 0
        branches.append(
            BranchCost(name=name, pull_number=number, spent_micros=micros, closed_at=max(closed_at, default=None))
        )
    return branches


def _micros(usd: Decimal | None) -> Micros | None:
    return None if usd is None else from_usd(usd)
