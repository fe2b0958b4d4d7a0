"""Sums of the ledger, for a week or over pull requests' whole lives: all of what reports say is counted here, by the database."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, case, func, select
from sqlalchemy import cast as sql_cast

from attribution.evidence import Evidence, Stage
from attribution.report import Row
from attribution.totals import Spent
from bot.ledger_store import charges, current, shares

# In one statement: databases bound the number of parameters.
_AT_ONCE = 500


def spent_between(connection: Connection, repository: tuple[int, int], from_ms: int, to_ms: int) -> list[Spent]:
    """What was used from then until then, by what bears it. Complete: what no rule has looked at yet is unattributed."""
    amount = func.coalesce(shares.c.micros, case((shares.c.position.is_(None), charges.c.list_micros)))
    columns = [shares.c.pull_number, shares.c.stage, shares.c.evidence]
    query = select(*columns, *_sums(amount)).select_from(charges.outerjoin(shares, current()))
    rows = connection.execute(query.where(_between(repository, from_ms, to_ms)).group_by(*columns))
    return [_spent(row) for row in rows]


def spent_on(connection: Connection, repository: tuple[int, int], numbers: Iterable[int]) -> list[Spent]:
    """What these pull requests bore in their whole lives."""
    columns = [shares.c.pull_number, shares.c.stage, shares.c.evidence]
    query = select(*columns, *_sums(shares.c.micros)).select_from(shares.join(charges, current()))
    mine = (shares.c.installation_id == repository[0]) & (shares.c.repository_id == repository[1])
    found: list[Spent] = []
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), _AT_ONCE):
        named = shares.c.pull_number.in_(wanted[start : start + _AT_ONCE])
        found += [_spent(row) for row in connection.execute(query.where(mine, named).group_by(*columns))]
    return found


def used_between(
    connection: Connection, repository: tuple[int, int], from_ms: int, to_ms: int
) -> tuple[tuple[Row, ...], int]:
    """The tools and models that were used from then until then, dearest first, and what reading from cache saved."""
    kinds = (
        charges.c.uncached_input_tokens,
        charges.c.cache_read_tokens,
        charges.c.cache_write_5m_tokens + charges.c.cache_write_1h_tokens,
        charges.c.output_tokens,
        charges.c.list_micros,
        charges.c.cache_saving_micros,
    )
    query = select(
        charges.c.tool,
        charges.c.model,
        func.count(),
        *map(_sum, kinds),
        _sum(case((charges.c.list_micros.is_(None), 1), else_=0)),
        _sum(case((charges.c.tokens_known, 1), else_=0)),
    ).where(_between(repository, from_ms, to_ms))
    rows = connection.execute(query.group_by(charges.c.tool, charges.c.model)).all()
    found = [_row(*row) for row in rows]
    return tuple(sorted(found, key=lambda row: (-row.micros, row.tool, row.model))), sum(int(row[8]) for row in rows)


def senders_between(connection: Connection, repository: tuple[int, int], from_ms: int, to_ms: int) -> frozenset[str]:
    """Digests of the people whose sessions reached us from a repository."""
    found = select(charges.c.author).where(_between(repository, from_ms, to_ms), charges.c.author != "").distinct()
    return frozenset(connection.execute(found).scalars())


def _between(repository: tuple[int, int], from_ms: int, to_ms: int) -> Any:
    return and_(
        charges.c.installation_id == repository[0],
        charges.c.repository_id == repository[1],
        charges.c.at_ms >= from_ms,
        charges.c.at_ms < to_ms,
    )


def _sums(amount: Any) -> Sequence[Any]:
    unpriced = case((charges.c.list_micros.is_(None), 1), else_=0)
    return _sum(amount), func.count(), _sum(unpriced)


def _sum(column: Any) -> Any:
    """As an integer: PostgreSQL sums big integers to NUMERIC."""
    return sql_cast(func.coalesce(func.sum(column), 0), BigInteger)


def _spent(row: Any) -> Spent:
    number, stage, evidence, micros, requests, unpriced = row
    return Spent(
        pull_number=number,
        stage=Stage(stage or Stage.BUILD),
        evidence=Evidence(evidence or Evidence.NONE),
        micros=micros,
        requests=requests,
        unpriced_requests=unpriced,
    )


def _row(*values: Any) -> Row:
    tool, model, requests, uncached, read, write, output, micros, _, unpriced, known = values
    return Row(
        tool=tool,
        model=model,
        requests=requests,
        uncached_input_tokens=uncached,
        cache_read_tokens=read,
        cache_write_tokens=write,
        output_tokens=output,
        micros=micros,
        unpriced_requests=unpriced,
        tokens_known=known > 0,
    )
