"""Budgets in the database: what was told of them, which approvals were given, and presses of the check run's button."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, select, update

from attribution.budget import Approval
from bot.clock import from_ms
from bot.store.commands import PullKey
from bot.store.database import Database, table
from bot.store.tables import ApprovalRow, NoticeRow, PressRow

notices, approvals_given, presses = table(NoticeRow), table(ApprovalRow), table(PressRow)

# (installation, repository)
RepositoryKey = tuple[int, int]


def told(connection: Connection, key: RepositoryKey, kind: str, about: str) -> set[int]:
    """The levels of a budget, or 0 for an alert, that people were told of."""
    mine = _of(notices, key) & (notices.c.kind == kind) & (notices.c.about == about)
    return set(connection.execute(select(notices.c.level).where(mine)).scalars())


def note(database: Database, connection: Connection, key: RepositoryKey, **notice: object) -> bool:
    """Keep a notice. False if it was told before, by whichever replica."""
    insert = database.insert(notices).values(installation_id=key[0], repository_id=key[1], **notice)
    return connection.execute(insert.on_conflict_do_nothing().returning(notices.c.level)).first() is not None


def noted_between(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> Sequence[Row[Any]]:
    """What people were told of in a time, oldest first."""
    then = _of(notices, key) & (notices.c.noted_at_ms >= from_ms) & (notices.c.noted_at_ms < to_ms)
    return connection.execute(select(notices).where(then).order_by(notices.c.noted_at_ms, notices.c.level)).all()


def unsaid(connection: Connection, key: RepositoryKey, number: int) -> Sequence[Row[Any]]:
    """Alerts that are to be said in a pull request, oldest first."""
    waiting = _of(notices, key) & (notices.c.state == "new") & (notices.c.number == number)
    return connection.execute(select(notices).where(waiting).order_by(notices.c.noted_at_ms, notices.c.about)).all()


def unsent(connection: Connection, key: RepositoryKey) -> Sequence[Row[Any]]:
    """Notices that are to be sent outside, oldest first."""
    waiting = _of(notices, key) & (notices.c.state == "new") & notices.c.number.is_(None)
    return connection.execute(select(notices).where(waiting).order_by(notices.c.noted_at_ms, notices.c.level)).all()


def note_sent(connection: Connection, row: Row[Any], state: str) -> None:
    columns = (notices.c.installation_id, notices.c.repository_id, notices.c.kind, notices.c.about, notices.c.level)
    connection.execute(
        update(notices).where(and_(*(column == getattr(row, column.name) for column in columns))).values(state=state)
    )


def save_approval(
    database: Database, connection: Connection, key: PullKey, approval: Approval, by_login: str, **facts: object
) -> None:
    """Who let a pull request cost more than its budget. Append-only."""
    row = {"installation_id": key[0], "repository_id": key[1], "number": key[2], "comment_id": approval.comment_id}
    said = {"by_login": by_login, "reason": approval.reason, "up_to_micros": approval.up_to_micros}
    connection.execute(database.insert(approvals_given).values(**row, **said, **facts).on_conflict_do_nothing())


def approvals(connection: Connection, key: PullKey) -> tuple[Approval, ...]:
    """The approvals of a pull request, oldest first."""
    mine = _of(approvals_given, key[:2]) & (approvals_given.c.number == key[2])
    rows = connection.execute(select(approvals_given).where(mine).order_by(approvals_given.c.said_at_ms))
    return tuple(
        Approval(
            comment_id=row.comment_id,
            said_at=from_ms(row.said_at_ms),
            reason=row.reason,
            up_to_micros=row.up_to_micros,
        )
        for row in rows
    )


def save_press(database: Database, connection: Connection, key: PullKey, press_id: int, **press: object) -> None:
    """A press of the button; the same delivery twice is one press."""
    row = {"installation_id": key[0], "repository_id": key[1], "number": key[2], "press_id": press_id}
    connection.execute(database.insert(presses).values(**row, **press).on_conflict_do_nothing())


def pressed(connection: Connection, key: PullKey) -> Sequence[Row[Any]]:
    mine = _of(presses, key[:2]) & (presses.c.number == key[2])
    return connection.execute(select(presses).where(mine).order_by(presses.c.at_ms)).all()


def _of(columns: Any, key: RepositoryKey) -> Any:
    return (columns.c.installation_id == key[0]) & (columns.c.repository_id == key[1])
