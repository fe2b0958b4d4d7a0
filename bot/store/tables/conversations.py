"""What people told us in conversations."""

from sqlmodel import SQLModel

from bot.store.tables.columns import big, key, text


class CommandRow(SQLModel, table=True):
    """A command that a person gave in a pull request: who, when, what, and what came of it. Append-only but for `answered`."""

    __tablename__ = "command"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    repository_id: int = key()
    comment_id: int = key()
    number: int = big()
    by_id: int = big()
    by_login: str = text()
    said_at_ms: int = big()
    said: str = text()
    problem: str = text()
    answered: bool = False


class CorrectionRow(SQLModel, table=True):
    """What a command said of a session, as attribution takes it. Append-only. `facts` is a `Correction` as JSON."""

    __tablename__ = "correction"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    repository_id: int = key()
    comment_id: int = key()
    position: int = key()
    facts: str = text()


class ApprovalRow(SQLModel, table=True):
    """That a pull request may cost more than its budget: who said so when, why, and up to which amount. Append-only."""

    __tablename__ = "approval"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    repository_id: int = key()
    comment_id: int = key()
    number: int = big()
    by_login: str = text()
    said_at_ms: int = big()
    reason: str = text()
    cost_micros: int = big()
    up_to_micros: int = big()


class PressRow(SQLModel, table=True):
    """That a person pressed the button of our check run: GitHub tells it once and cannot be asked. `press_id` is below zero, so
    that it stands beside the ids of comments."""

    __tablename__ = "press"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    repository_id: int = key()
    press_id: int = key()
    number: int = big()
    by_id: int = big()
    by_login: str = text()
    at_ms: int = big()
