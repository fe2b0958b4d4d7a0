"""What people say in conversations on GitHub."""

from sqlalchemy import Index
from sqlmodel import SQLModel

from bot.store.tables.columns import big, key, text


class CommandRow(SQLModel, table=True):
    """A comment with commands in it: who, when, the lines that are commands, and what came of them (`problem`, `reply`).
    Append-only but for `is_answered` and what an edit adds to `problem`."""

    __tablename__ = "command"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("command_by_pull", "account_id", "repository_id", "number"),)
    account_id: int = key()
    repository_id: int = key()
    comment_id: int = key()
    number: int = big()
    by_id: int = big()
    by_login: str = text()
    commented_at_ms: int = big()
    lines: str = text()
    problem: str = text()
    reply: str = text()
    is_answered: bool = False


class CorrectionRow(SQLModel, table=True):
    """What a command says of a session, as attribution takes it. Append-only. `facts` is a `Correction` as JSON."""

    __tablename__ = "correction"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("correction_by_session", "account_id", "repository_id", "session_id"),)
    account_id: int = key()
    repository_id: int = key()
    comment_id: int = key()
    position: int = key()
    tool: str = text()
    session_id: str = text()
    facts: str = text()


class ApprovalRow(SQLModel, table=True):
    """That a pull request may cost more than its budget: who approved it when, why, and up to which amount. Append-only."""

    __tablename__ = "approval"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    comment_id: int = key()
    number: int = big()
    by_login: str = text()
    approved_at_ms: int = big()
    reason: str = text()
    cost_micros: int = big()
    up_to_micros: int = big()


class PressRow(SQLModel, table=True):
    """That a person pressed the button of the check run: GitHub tells it once and cannot be asked. `press_id` is below zero, so
    that it stands beside the ids of comments. `seen_at_ms` is when the check run was written that they saw."""

    __tablename__ = "press"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    press_id: int = key()
    number: int = big()
    by_id: int = big()
    by_login: str = text()
    at_ms: int = big()
    seen_at_ms: int = big()


class QuoteRow(SQLModel, table=True):
    """What a pull request that needs an approval cost, by the check run or comment that says so from `at_ms` on. Append-only."""

    __tablename__ = "quote"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    number: int = key()
    at_ms: int = key()
    cost_micros: int = big()


class StrangerRow(SQLModel, table=True):
    """Somebody who gave a command and may not write in the repository, as GitHub said at `asked_at_ms`. For an hour."""

    __tablename__ = "stranger"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    user_id: int = key()
    asked_at_ms: int = big()
