"""Sums of the ledger by day, which every change of a charge or its shares brings up to date (`store.day_sums`)."""

from datetime import date

from sqlalchemy import Index
from sqlmodel import SQLModel

from bot.store.tables.columns import big, day, key, name


class DaySum(SQLModel, table=True):
    """What the requests of a day of a repository come to, by who bears them. `pull_number` 0 is no pull request. Of
    `micros`, `reported_micros` are tools' own figures. `parts` are shares; a request with several is counted in `requests` once,
    with its first share, and so are its tokens."""

    __tablename__ = "day_sum"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("day_sum_by_pull", "account_id", "repository_id", "pull_number"),
        {"sqlite_with_rowid": False},
    )
    account_id: int = key()
    repository_id: int = key()
    day: date = day()
    pull_number: int = key()
    stage: str = name()
    evidence: str = name()
    tool: str = name()
    model: str = name()
    micros: int = big()
    reported_micros: int = big()
    parts: int = big()
    unpriced_parts: int = big()
    requests: int = big()
    unpriced_requests: int = big()
    requests_with_tokens: int = big()
    uncached_input_tokens: int = big()
    cache_read_tokens: int = big()
    cache_write_tokens: int = big()
    output_tokens: int = big()
    cache_saving_micros: int = big()


class DaySender(SQLModel, table=True):
    """How many requests of a day are from a person's sessions, to know whose work reaches us at all: never shown by person."""

    __tablename__ = "day_sender"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("day_sender_by_author", "account_id", "repository_id", "author", "day"),
        {"sqlite_with_rowid": False},
    )
    account_id: int = key()
    repository_id: int = key()
    day: date = day()
    author: str = name()
    requests: int = big()
