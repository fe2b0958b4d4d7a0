"""Wanted work, what we wrote on GitHub and elsewhere, and the tokens of those who talk to us."""

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from bot.store.tables.columns import big, big_or_none, key, name, text


class Job(SQLModel, table=True):
    """Wanted work, one row a (kind, key): ten events on a pull request make one run. `token` fences off late workers."""

    __table_args__ = (Index("job_by_time", "run_at_ms"),)
    kind: str = name()
    key: str = name()
    installation_id: int = big()
    wanted: int = big()
    done: int = big()
    run_at_ms: int = big()
    lease_until_ms: int = big()
    token: int = big()
    attempts: int = big()
    last_error: str = text()


class Publication(SQLModel, table=True):
    """What we wrote on GitHub for a pull request. `state`: live, or why we stay silent (deleted, locked). `comment_id` of the
    kind `check` is a check run's, which stands on the commit `head_sha`."""

    installation_id: int = key()
    repository_id: int = key()
    number: int = key()
    kind: str = name()
    comment_id: int | None = big_or_none()
    head_sha: str = text()
    body_sha256: str = text()
    state: str = text("live")


class WeekRow(SQLModel, table=True):
    """The weekly issue of a repository: which issue of which repository it is, and what it says. One row a repository and ISO
    week; `issue_number` None: none was made, since the week was quiet or it is not made yet."""

    __tablename__ = "week"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    repository_id: int = key()
    week: str = name()
    in_repository_id: int = big()
    issue_number: int | None = big_or_none()
    body_sha256: str = text()
    is_closed: bool = False
    state: str = text("live")


class IngestToken(SQLModel, table=True):
    """A token bound to one installation: of a collector, which may `ingest`, or of a reader, who may `read`. Only its hash is
    kept."""

    __tablename__ = "ingest_token"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    token_id: str = name()
    secret_sha256: str = Field(sa_type=Text, unique=True)
    label: str = text()
    may: str = text("ingest")
    created_at_ms: int = big()
    revoked_at_ms: int | None = big_or_none()
    last_used_at_ms: int | None = big_or_none()


class NoticeRow(SQLModel, table=True):
    """Something told once: that a budget was reached to `level` percent, or an alert (`level` 0). `about` is the pull request,
    week, month or session; `says` is how it was told: in the pull request `number`, else outside. `state`: new,
    sent, or kept where there is nowhere to tell it."""

    __tablename__ = "notice"  # pyright: ignore[reportAssignmentType]
    installation_id: int = key()
    repository_id: int = key()
    kind: str = name()
    about: str = name()
    level: int = key()
    noted_at_ms: int = big()
    number: int | None = big_or_none()
    says: str = text()
    state: str = text("new")
