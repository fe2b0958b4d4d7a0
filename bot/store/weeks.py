"""Weekly issues: one row a repository and ISO week, which decides that there is one."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, update

from bot.keys import RepositoryKey, WeekKey
from bot.store.database import Database, of_repository, of_week, one, rows, table
from bot.store.tables import WeekRow

weeks = table(WeekRow)

_ONE = select(weeks).where(of_week(weeks))
_CHANGE = update(weeks).where(of_week(weeks))
_RESUME = _CHANGE.where(weeks.c.state.in_(["deleted", "quiet", "off"])).values(
    state="due", issue_number=None, body_sha256="", is_closed=False
)
_SINCE = (
    select(weeks.c.week).where(of_repository(weeks), weeks.c.week >= bindparam("first_week")).order_by(weeks.c.week)
)
_WITH_ISSUE = select(weeks).where(of_repository(weeks), weeks.c.issue_number.is_not(None), weeks.c.state == "live")
_EARLIER = _WITH_ISSUE.where(weeks.c.week < bindparam("of_week")).order_by(weeks.c.week.desc()).limit(1)
_LATER = _WITH_ISSUE.where(weeks.c.week > bindparam("of_week")).order_by(weeks.c.week).limit(1)
_DUE = select(weeks).where(weeks.c.state == "due")


def add(database: Database, connection: Connection, key: WeekKey) -> None:
    """The week's issue is due. Whoever comes second changes nothing."""
    blank = {"in_repository_id": key.repository_id, "issue_number": None, "body_sha256": "", "is_closed": False}
    insert = database.insert(weeks).values(**key._asdict(), **blank, state="due")
    connection.execute(insert.on_conflict_do_nothing())


def week(connection: Connection, key: WeekKey) -> WeekRow | None:
    return one(WeekRow, connection, _ONE, key.params)


def note(connection: Connection, key: WeekKey, **state: object) -> None:
    connection.execute(_CHANGE.values(**state), key.params)


def end_silence(connection: Connection, key: WeekKey) -> None:
    """An issue that a person deleted, or that had no cause, may be created anew."""
    connection.execute(_RESUME, key.params)


def since(connection: Connection, key: RepositoryKey, first_week: str) -> Sequence[str]:
    """The weeks from that one on whose issue was looked at, oldest first."""
    return connection.execute(_SINCE, key.params | {"first_week": first_week}).scalars().all()


def neighbours(connection: Connection, key: WeekKey) -> tuple[WeekRow | None, WeekRow | None]:
    """The week before and the one after that have an issue."""
    return one(WeekRow, connection, _EARLIER, key.params), one(WeekRow, connection, _LATER, key.params)


def due(connection: Connection) -> list[WeekRow]:
    """Weeks whose issue is due and not created yet."""
    return rows(WeekRow, connection, _DUE)
