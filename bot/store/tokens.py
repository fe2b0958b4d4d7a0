"""Tokens: what a collector sends usage with, and what others read figures with; neither does what the other may. Each is bound to
one account, shown once, and stored only as a hash.

The secret has 256 random bits, so a plain SHA-256 is as good as a slow hash and costs nothing at each request.
"""

import hashlib
import secrets
from typing import Literal

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from bot.store.database import Database, rows, table
from bot.store.tables import Account, Token

tokens, accounts = table(Token), table(Account)

May = Literal["ingest", "read"]
PREFIX: dict[May, str] = {"ingest": "mergecost_ingest_", "read": "mergecost_read_"}


_HOUR_MS = 3_600_000


class Bearer(msgspec.Struct, frozen=True):
    """Whom a token speaks for, whether the App is installed there now, and when the token's use was noted last."""

    account_id: int
    login: str
    is_installed: bool
    is_suspended: bool
    last_used_at_ms: int


_LIVE = tokens.c.revoked_at_ms.is_(None)
_OF_HASH = tokens.c.secret_sha256 == bindparam("hash")
_BEARER = (
    select(
        tokens.c.account_id,
        tokens.c.last_used_at_ms,
        accounts.c.login,
        accounts.c.installation_id,
        accounts.c.suspended,
    )
    .select_from(tokens.outerjoin(accounts, accounts.c.account_id == tokens.c.account_id))
    .where(_OF_HASH, _LIVE, tokens.c.may == bindparam("verb"))
)
_USE = update(tokens).where(_OF_HASH).values(last_used_at_ms=bindparam("now_ms"))
_ALL = select(tokens).order_by(tokens.c.created_at_ms)
_REVOKE = update(tokens).where(tokens.c.token_id == bindparam("of_token"), _LIVE)


def new(connection: Connection, account_id: int, label: str, now_ms: int, may: May = "ingest") -> str:
    """Make a token and return it; it cannot be shown again."""
    token = PREFIX[may] + secrets.token_urlsafe(32)
    connection.execute(
        tokens.insert().values(
            account_id=account_id,
            token_id=secrets.token_hex(4),
            secret_sha256=_hash(token),
            label=label,
            may=may,
            created_at_ms=now_ms,
        )
    )
    return token


def bearer(connection: Connection, token: str, may: May = "ingest") -> Bearer | None:
    """Whom a token speaks for, or None if it is unknown, revoked or may not do this."""
    row = connection.execute(_BEARER, {"hash": _hash(token), "verb": may}).first()
    if row is None:
        return None
    return Bearer(
        account_id=row.account_id,
        login=row.login or "",
        is_installed=bool(row.installation_id),
        is_suspended=bool(row.suspended),
        last_used_at_ms=row.last_used_at_ms or 0,
    )


def note_use(database: Database, bearer: Bearer, token: str, now_ms: int) -> None:
    """Once an hour: people are shown the day."""
    if now_ms - bearer.last_used_at_ms >= _HOUR_MS:
        with database.write() as connection:
            connection.execute(_USE, {"hash": _hash(token), "now_ms": now_ms})


def all_tokens(connection: Connection) -> list[Token]:
    """Every token, oldest first."""
    return rows(Token, connection, _ALL)


def revoke(connection: Connection, token_id: str, now_ms: int) -> bool:
    """False if there is no such live token."""
    return connection.execute(_REVOKE.values(revoked_at_ms=now_ms), {"of_token": token_id}).rowcount == 1


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
