"""Budgets in the database: what people were notified of, which approvals were given, what they could see,
and presses of the check run's button."""

from sqlalchemy import Connection, bindparam, select, update

from attribution.budget import Approval
from attribution.money import Micros
from bot.clock import from_ms
from bot.keys import PullKey, RepositoryKey
from bot.store.database import Database, of_pull, of_repository, rows, table
from bot.store.tables import ApprovalRow, NoticeRow, PressRow, QuoteRow

notices, approvals_given, presses = table(NoticeRow), table(ApprovalRow), table(PressRow)
quotes = table(QuoteRow)

_OF_NOTICE = (
    of_repository(notices) & (notices.c.kind == bindparam("of_kind")) & (notices.c.about == bindparam("of_about"))
)
_LEVELS = select(notices.c.level).where(_OF_NOTICE)
_BETWEEN = (
    select(notices)
    .where(of_repository(notices), notices.c.at_ms >= bindparam("from_ms"), notices.c.at_ms < bindparam("to_ms"))
    .order_by(notices.c.at_ms, notices.c.level)
)
_NEW = select(notices).where(of_repository(notices), notices.c.state == "new")
_FOR_PULL = _NEW.where(notices.c.number == bindparam("of_number")).order_by(notices.c.at_ms, notices.c.about)
_FOR_OUTSIDE = _NEW.where(notices.c.number.is_(None)).order_by(notices.c.at_ms, notices.c.level)
_NOTE_STATE = update(notices).where(_OF_NOTICE, notices.c.level == bindparam("of_level"))
_APPROVALS = select(approvals_given).where(of_pull(approvals_given)).order_by(approvals_given.c.approved_at_ms)
_QUOTE = (
    select(quotes.c.cost_micros)
    .where(of_pull(quotes), quotes.c.at_ms <= bindparam("until_ms"))
    .order_by(quotes.c.at_ms.desc())
    .limit(1)
)
_PRESSES = select(presses).where(of_pull(presses)).order_by(presses.c.at_ms)


def levels(connection: Connection, key: RepositoryKey, kind: str, about: str) -> set[int]:
    """The levels of a budget, or 0 for an alert, of which people were notified."""
    return set(connection.execute(_LEVELS, key.params | {"of_kind": kind, "of_about": about}).scalars())


def save_notice(database: Database, connection: Connection, key: RepositoryKey, **notice: object) -> bool:
    """Store a notice. False if it is there already, by whichever replica."""
    insert = database.insert(notices).values(**key._asdict(), **notice)
    return connection.execute(insert.on_conflict_do_nothing().returning(notices.c.level)).first() is not None


def notices_between(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> list[NoticeRow]:
    """The notices of a time, oldest first."""
    return rows(NoticeRow, connection, _BETWEEN, key.params | {"from_ms": from_ms, "to_ms": to_ms})


def new_in_pull(connection: Connection, key: PullKey) -> list[NoticeRow]:
    """Alerts that are to be written in a pull request, oldest first."""
    return rows(NoticeRow, connection, _FOR_PULL, key.params)


def new_outside(connection: Connection, key: RepositoryKey) -> list[NoticeRow]:
    """Notices that are to be sent outside, oldest first."""
    return rows(NoticeRow, connection, _FOR_OUTSIDE, key.params)


def note_state(connection: Connection, notice: NoticeRow, state: str) -> None:
    key = RepositoryKey(notice.account_id, notice.repository_id)
    same = {"of_kind": notice.kind, "of_about": notice.about, "of_level": notice.level}
    connection.execute(_NOTE_STATE.values(state=state), key.params | same)


def save_approval(
    database: Database, connection: Connection, key: PullKey, approval: Approval, by_login: str, **facts: object
) -> None:
    """Who let a pull request cost more than its budget. Append-only."""
    row = {"comment_id": approval.comment_id, "reason": approval.reason, "up_to_micros": approval.up_to_micros}
    insert = database.insert(approvals_given).values(**key._asdict(), **row, by_login=by_login, **facts)
    connection.execute(insert.on_conflict_do_nothing())


def approvals(connection: Connection, key: PullKey) -> tuple[Approval, ...]:
    """The approvals of a pull request, oldest first."""
    return tuple(
        Approval(
            comment_id=row.comment_id,
            said_at=from_ms(row.approved_at_ms),
            reason=row.reason,
            up_to_micros=row.up_to_micros,
        )
        for row in rows(ApprovalRow, connection, _APPROVALS, key.params)
    )


def save_quote(database: Database, connection: Connection, key: PullKey, cost: Micros, at_ms: int) -> None:
    """From then on people see that a pull request which needs an approval cost so much."""
    if quote(connection, key, at_ms) != cost:
        row = database.insert(quotes).values(**key._asdict(), at_ms=at_ms, cost_micros=cost)
        connection.execute(row.on_conflict_do_nothing())


def quote(connection: Connection, key: PullKey, until_ms: int) -> Micros | None:
    """What people saw last, by then, that a pull request cost which needs an approval; None where they saw none."""
    return connection.execute(_QUOTE, key.params | {"until_ms": until_ms}).scalar()


def save_press(database: Database, connection: Connection, key: PullKey, press_id: int, **press: object) -> None:
    """A press of the button; the same delivery twice is one press."""
    insert = database.insert(presses).values(**key._asdict(), press_id=press_id, **press)
    connection.execute(insert.on_conflict_do_nothing())


def all_presses(connection: Connection, key: PullKey) -> list[PressRow]:
    return rows(PressRow, connection, _PRESSES, key.params)
