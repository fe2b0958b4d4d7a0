"""The ledger: charges, who bears them, and what places them."""

from sqlalchemy import Index
from sqlmodel import SQLModel

from bot.store.tables.columns import big, big_or_none, key, name, text


class ChargeRow(SQLModel, table=True):
    """A request and its price. `facts` holds edited files and commits as JSON. `revision` names the current shares; 0: none yet."""

    __tablename__ = "charge"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("charge_by_session", "account_id", "repository_id", "tool", "session_id"),
        Index("charge_by_time", "account_id", "repository_id", "at_ms"),
    )
    account_id: int = key()
    tool: str = name()
    request_id: str = name()
    repository_id: int = big()
    session_id: str = text()
    agent_id: str = text()
    at_ms: int = big()
    model: str = text()
    uncached_input_tokens: int = big()
    cache_read_tokens: int = big()
    cache_write_5m_tokens: int = big()
    cache_write_1h_tokens: int = big()
    output_tokens: int = big()
    reasoning_tokens: int = big()
    web_search_requests: int = big()
    tokens_known: bool = True
    is_sum: bool = False
    reported_micros: int | None = big_or_none()
    credits_micros: int | None = big_or_none()
    provider: str = text()
    speed: str = text()
    service_tier: str = text()
    inference_geo: str = text()
    branch: str = text()
    commit: str = text()
    author: str = text()
    ci_ref: str = text()
    facts: str = text()
    list_micros: int | None = big_or_none()
    cache_saving_micros: int = big()
    billed_micros: int | None = big_or_none()
    billing_mode: str = text("unknown")
    basis: str = text("computed")
    price_book: str = text()
    unpriced: str = text()
    revision: int = big()
    received_at_ms: int = big()


class ShareRow(SQLModel, table=True):
    """Who bears a charge. Append-only: a changed mind is a new revision. `pull_number` None is unattributed."""

    __tablename__ = "share"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("share_by_pull", "account_id", "repository_id", "pull_number"),)
    account_id: int = key()
    tool: str = name()
    request_id: str = name()
    revision: int = key()
    position: int = key()
    repository_id: int = big()
    pull_number: int | None = big_or_none()
    weight: int = big()
    micros: int | None = big_or_none()
    evidence: str = text()
    why: str = text()
    stage: str = text("build")
    decided_at_ms: int = big()


class SessionRow(SQLModel, table=True):
    """A session's part in one repository. It waits for attribution while `request_count` is ahead of
    `done_count`."""

    __tablename__ = "session"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("session_by_time", "account_id", "repository_id", "last_at_ms"),)
    account_id: int = key()
    repository_id: int = key()
    tool: str = name()
    session_id: str = name()
    first_at_ms: int = big()
    last_at_ms: int = big()
    request_count: int = big()
    done_count: int = big()


class CommitRow(SQLModel, table=True):
    """A commit as the machine that made it knows it, with its files: GitHub lists a pull request's commits without them."""

    __tablename__ = "commit_fact"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    sha: str = name()
    facts: str = text()
    at_ms: int = big()


class SuggestionRow(SQLModel, table=True):
    """Unattributed money that nearly fits a pull request, for a person to link. Written anew whenever its session is attributed."""

    __tablename__ = "suggestion"  # pyright: ignore[reportAssignmentType]
    account_id: int = key()
    repository_id: int = key()
    number: int = key()
    tool: str = name()
    session_id: str = name()
    requests: int = big()
    unpriced_requests: int = big()
    micros: int | None = big_or_none()
    why: str = text()
