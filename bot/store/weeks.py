"""Weekly issues in the database: one row a repository and ISO week, which decides that there is one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, select, update

from bot.store.accounts import installations
from bot.store.database import Database, table
from bot.store.repositories import repositories
from bot.store.tables import WeekRow

weeks = table(WeekRow)

# (installation, repository, week)
WeekKey = tuple[int, int, str]


def add(database: Database, connection: Connection, key: WeekKey) -> None:
    """The week's issue is to be made. Whoever comes second changes nothing."""
    row = _names(key) | {"in_repository_id": key[1], "issue_number": None, "body_sha256": ""}
    insert = database.insert(weeks).values(**row, is_closed=False, state="wanted")
    connection.execute(insert.on_conflict_do_nothing())


def week(connection: Connection, key: WeekKey) -> Row[Any] | None:
    return connection.execute(select(weeks).where(_is(key)).with_for_update()).first()


def note(connection: Connection, key: WeekKey, **state: object) -> None:
    connection.execute(update(weeks).where(_is(key)).values(**state))


def forget_silence(connection: Connection, key: WeekKey) -> None:
    """An issue that a person deleted, or that had no cause, may be made anew."""
    again = {"state": "wanted", "issue_number": None, "body_sha256": "", "is_closed": False}
    connection.execute(update(weeks).where(_is(key), weeks.c.state.in_(["deleted", "quiet", "off"])).values(**again))


def since(connection: Connection, installation_id: int, repository_id: int, name: str) -> Sequence[str]:
    """The weeks from that one on whose issue was looked at, oldest first."""
    mine = (weeks.c.installation_id == installation_id) & (weeks.c.repository_id == repository_id)
    return (
        connection.execute(select(weeks.c.week).where(mine, weeks.c.week >= name).order_by(weeks.c.week))
        .scalars()
        .all()
    )


def neighbours(connection: Connection, key: WeekKey) -> tuple[Row[Any] | None, Row[Any] | None]:
    """The week before and the one after that have an issue."""
    mine = (weeks.c.installation_id == key[0]) & (weeks.c.repository_id == key[1])
    mine &= weeks.c.issue_number.is_not(None) & (weeks.c.state == "live")
    earlier = select(weeks).where(mine, weeks.c.week < key[2]).order_by(weeks.c.week.desc()).limit(1)
    later = select(weeks).where(mine, weeks.c.week > key[2]).order_by(weeks.c.week).limit(1)
    return connection.execute(earlier).first(), connection.execute(later).first()


def waiting(connection: Connection) -> Sequence[Row[Any]]:
    """Weeks whose issue is to be made and is not yet."""
    return connection.execute(select(weeks).where(weeks.c.state == "wanted")).all()


def due_repositories(connection: Connection, now_ms: int) -> Sequence[Row[Any]]:
    """The repositories whose next week is due to be looked at."""
    live = repositories.c.active & installations.c.active & (repositories.c.week_due_at_ms <= now_ms)
    same = repositories.c.installation_id == installations.c.installation_id
    return connection.execute(select(repositories).join(installations, same).where(live)).all()


def forget_due(connection: Connection) -> None:
    """Look at every repository again: the operator's settings may have changed."""
    connection.execute(update(repositories).values(week_due_at_ms=0))


def _names(key: WeekKey) -> dict[str, Any]:
    return {"installation_id": key[0], "repository_id": key[1], "week": key[2]}


def _is(key: WeekKey) -> Any:
    return and_(*(weeks.c[name] == value for name, value in _names(key).items()))
