"""Tokens: what a collector sends usage with, and what others read figures with; neither does what the other may. Bound to one
installation, shown once, kept only as a hash.

The secret has 256 random bits, so a plain SHA-256 is as good as a slow hash and costs nothing at each request.
"""

import hashlib
import secrets
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from bot.store.database import table
from bot.store.tables import IngestToken

tokens = table(IngestToken)

May = Literal["ingest", "read"]
PREFIX: dict[May, str] = {"ingest": "mergecost_ingest_", "read": "mergecost_read_"}


def new(connection: Connection, installation_id: int, label: str, now_ms: int, may: May = "ingest") -> str:
    """Make a token and return it; it cannot be shown again."""
    token = PREFIX[may] + secrets.token_urlsafe(32)
    connection.execute(
        tokens.insert().values(
            installation_id=installation_id,
            token_id=secrets.token_hex(4),
            secret_sha256=_hash(token),
            label=label,
            may=may,
            created_at_ms=now_ms,
        )
    )
    return token


def installation_of(connection: Connection, token: str, may: May = "ingest") -> int | None:
    """The installation that a token speaks for, or None if it is unknown, revoked or may not do this."""
    live = (tokens.c.secret_sha256 == _hash(token)) & tokens.c.revoked_at_ms.is_(None)
    query = select(tokens.c.installation_id).where(live, tokens.c.may == may)
    return connection.execute(query).scalar_one_or_none()


def note_use(connection: Connection, token: str, now_ms: int) -> None:
    connection.execute(update(tokens).where(tokens.c.secret_sha256 == _hash(token)).values(last_used_at_ms=now_ms))


def listed(connection: Connection) -> list[Row[Any]]:
    return list(connection.execute(select(tokens).order_by(tokens.c.created_at_ms)))


def revoke(connection: Connection, token_id: str, now_ms: int) -> bool:
    """False if there is no such live token."""
    live = update(tokens).where(tokens.c.token_id == token_id, tokens.c.revoked_at_ms.is_(None))
    return connection.execute(live.values(revoked_at_ms=now_ms)).rowcount == 1


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
