"""The tables of the ledger, and how their rows belong together.

A charge has one share, most often, which stands in its row: `reason_id` says whose it is. Of others, and of what was before, shares
are rows of their own. From charges on, one join serves both: `CURRENT`. From pull requests on there are two: `WHOLE` and `PARTS`.

On PostgreSQL charges and shares are cut by month: statements say from which number on they look (`since`), of each table.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import BigInteger, Connection, Executable, FromClause, Row, and_, bindparam, case, func

from attribution.evidence import Evidence, Stage
from attribution.ledger import Share
from bot.store.among import among
from bot.store.database import of_repository, rows_in, table
from bot.store.tables import ChargeRow, OriginRow, ReasonRow, ShareRow

charges, origins, shares, reasons = map(table, (ChargeRow, OriginRow, ShareRow, ReasonRow))

# Of charges with their origins: the amount is the tool's own figure (`Charge.is_own`).
OWN = "reported"
IS_OWN = origins.c.basis == OWN


def made_by() -> Any:
    """The origin of a charge."""
    return (origins.c.account_id == charges.c.account_id) & (origins.c.origin_id == charges.c.origin_id)


def since(of: FromClause) -> Any:
    """Charges or shares from the number `from_id` on, or all: PostgreSQL looks at no month before. A range of one is none of the
    other for it, whatever they are joined by."""
    return of.c.charge_id >= bindparam("from_id", 0, BigInteger)


def of_charge() -> Any:
    """A share of a charge, of whichever revision."""
    return and_(shares.c.account_id == charges.c.account_id, shares.c.charge_id == charges.c.charge_id, since(shares))


def current() -> Any:
    """A share of the revision that its charge names. None where one bears it whole."""
    return of_charge() & (shares.c.revision == charges.c.revision)


def because() -> Any:
    """The reason of a current share, whichever row it stands in."""
    reason_id = func.coalesce(shares.c.reason_id, charges.c.reason_id)
    return (reasons.c.account_id == charges.c.account_id) & (reasons.c.reason_id == reason_id)


def whole_because() -> Any:
    """The reason of a charge that one bears whole."""
    return (reasons.c.account_id == charges.c.account_id) & (reasons.c.reason_id == charges.c.reason_id)


def part_because() -> Any:
    """The reason of a share with a row of its own."""
    return (reasons.c.account_id == shares.c.account_id) & (reasons.c.reason_id == shares.c.reason_id)


def is_confirmed() -> Any:
    """Of current shares, where there are any: those that do not look invented."""
    return reasons.c.evidence.is_(None) | (reasons.c.evidence != Evidence.IMPLAUSIBLE.value)


# Of a current share; NULL where there is none, or no price.
MICROS = case((charges.c.reason_id != 0, charges.c.list_micros), else_=shares.c.micros)
# Outer joins: what is looked up for each row is there, and no planner begins with it.
CURRENT = charges.outerjoin(shares, current()).outerjoin(origins, made_by()).outerjoin(reasons, because())
WHOLE = reasons.join(charges, whole_because())
PARTS = reasons.join(shares, part_because()).join(charges, current())
FOR_PULL = and_(of_repository(reasons), reasons.c.pull_number == bindparam("of_number"))
FOR_PULLS = and_(of_repository(reasons), reasons.c.pull_number.in_(bindparam("numbers", expanding=True)))
OF_IDS = and_(among(charges.c.charge_id, "ids"), since(charges))


def rows_of_ids(
    connection: Connection, statement: Executable, account_id: int, ids: Iterable[int]
) -> Iterator[Row[Any]]:
    """The rows of a statement about charges or shares with the numbers `ids`."""
    wanted = set(ids)
    yield from rows_in(
        connection, statement, {"of_account": account_id, "from_id": min(wanted, default=0)}, "ids", wanted
    )


def charge_columns() -> list[Any]:
    """What `ledger.charge_of` reads, of charges with their origins."""
    return [*charges.c, *(column for column in origins.c if column.name not in ("account_id", "origin_id"))]


def share_columns(revision: Any = charges.c.revision, micros: Any = MICROS) -> list[Any]:
    """What `share_of` reads, of shares with their reasons, charges and origins."""
    columns = (
        charges.c.charge_id,
        *(reasons.c[name] for name in ("pull_number", "weight", "evidence", "why", "stage")),
        origins.c.tool,
        charges.c.request_id,
    )
    own = revision.label("share_revision"), micros.label("share_micros")
    return [*(column.label(f"share_{column.name}") for column in columns), *own]


def share_of(row: Any) -> Share:
    return Share(
        tool=row.share_tool,
        request_id=row.share_request_id,
        revision=row.share_revision,
        pull_number=row.share_pull_number,
        weight=row.share_weight,
        micros=row.share_micros,
        evidence=Evidence(row.share_evidence),
        why=row.share_why,
        stage=Stage(row.share_stage),
    )
