"""Tokens: what a collector sends usage with, and what others read figures with; neither does what the other may. Each is bound to
one account, shown once, and stored only as a hash.

Tokens of one name belong to one sender: a person with a laptop and CI, or a token and the one that replaces it. Several of them
live at once, so that a new one is in use before the old one ends.

The secret has 256 random bits, so a plain SHA-256 is as good as a slow hash and costs nothing at each request.
"""

import hashlib
import secrets
from collections.abc import Collection
from typing import Literal

import msgspec
from sqlalchemy import Connection, bindparam, func, or_, select, update

from bot.keys import Sender
from bot.store.database import Database, of_account, one, rows, table
from bot.store.tables import Account, Token

tokens, accounts = table(Token), table(Account)

May = Literal["ingest", "read"]
PREFIX: dict[May, str] = {"ingest": "mergecost_ingest_", "read": "mergecost_read_"}


_HOUR_MS = 3_600_000
# Of one person on one account: laptops, containers, and logins whose answer was lost.
MOST_OF_A_USER = 20


class Terms(msgspec.Struct, frozen=True):
    """Which GitHub user logged in for a token (None: an operator made it), and until when it is valid (None: until revoked)."""

    user_id: int | None = None
    user_login: str = ""
    expires_at_ms: int | None = None


_OF_AN_OPERATOR = Terms()


class Bearer(msgspec.Struct, frozen=True):
    """Whom a token speaks for, who sends with it, whether the App is installed there now, and when its use was noted last."""

    sender: Sender
    login: str
    is_installed: bool
    is_suspended: bool
    last_used_at_ms: int
    terms: Terms = _OF_AN_OPERATOR

    @property
    def account_id(self) -> int:
        return self.sender.account_id

    @property
    def problem(self) -> str:
        """Why the token is refused while the App is not at work on its account, and what to do; empty while it is."""
        if self.is_installed and not self.is_suspended:
            return ""
        state, cure = ("suspended", "unsuspends") if self.is_suspended else ("not installed", "installs")
        account = self.login or "the account of this token"
        return f"the GitHub App is {state} on {account} now: an owner there {cure} it under Settings, GitHub Apps"


_LIVE = tokens.c.revoked_at_ms.is_(None)
_OF_HASH = tokens.c.secret_sha256 == bindparam("hash")
_VALID = or_(tokens.c.expires_at_ms.is_(None), tokens.c.expires_at_ms > bindparam("valid_at_ms"))
_BEARER = (
    select(
        tokens.c.account_id,
        tokens.c.sender,
        tokens.c.token_id,
        tokens.c.last_used_at_ms,
        tokens.c.user_id,
        tokens.c.user_login,
        tokens.c.expires_at_ms,
        accounts.c.login,
        accounts.c.installation_id,
        accounts.c.suspended,
    )
    .select_from(tokens.outerjoin(accounts, accounts.c.account_id == tokens.c.account_id))
    .where(_OF_HASH, _LIVE, _VALID, tokens.c.may == bindparam("verb"))
)
_USE = update(tokens).where(_OF_HASH).values(last_used_at_ms=bindparam("now_ms"))
_ALL = select(tokens).order_by(tokens.c.created_at_ms)
_ONE = select(tokens).where(tokens.c.token_id == bindparam("of_token"))
_REVOKED = select(tokens.c.token_id).where(
    of_account(tokens), tokens.c.token_id.in_(bindparam("ids", expanding=True)), ~_LIVE
)
_REVOKE = update(tokens).where(tokens.c.token_id == bindparam("of_token"), _LIVE)
_REVOKE_OWN = update(tokens).where(of_account(tokens), tokens.c.token_id == bindparam("of_token"), _LIVE)
_OF_A_USER = (
    select(tokens.c.token_id)
    .where(of_account(tokens), tokens.c.user_id == bindparam("of_user"), _LIVE, ~_OF_HASH)
    .order_by(func.coalesce(tokens.c.last_used_at_ms, tokens.c.created_at_ms).desc())
    .offset(MOST_OF_A_USER - 1)
)


def new(
    connection: Connection,
    account_id: int,
    sender: str,
    now_ms: int,
    may: May = "ingest",
    terms: Terms = _OF_AN_OPERATOR,
) -> str:
    """Make a token and return it; it cannot be shown again. Without a name of its sender it is one of its own."""
    token, token_id = PREFIX[may] + secrets.token_urlsafe(32), secrets.token_hex(4)
    connection.execute(
        tokens.insert().values(
            account_id=account_id,
            token_id=token_id,
            secret_sha256=_hash(token),
            sender=sender or token_id,
            may=may,
            created_at_ms=now_ms,
            **msgspec.structs.asdict(terms),
        )
    )
    return token


def new_for_user(connection: Connection, account_id: int, user_id: int, login: str, now_ms: int) -> str:
    """A token of a person who logged in. All of one person's are one sender, whose name no operator gives by chance. Where they
    are too many, those go that were not used for the longest."""
    terms = Terms(user_id=user_id, user_login=login)
    token = new(connection, account_id, f"github:{user_id}", now_ms, terms=terms)
    params = {"of_account": account_id, "of_user": user_id, "hash": _hash(token)}
    for token_id in connection.execute(_OF_A_USER, params).scalars().all():
        revoke_own(connection, account_id, token_id, now_ms)
    return token


def bearer(connection: Connection, token: str, now_ms: int, may: May = "ingest") -> Bearer | None:
    """Whom a token speaks for, or None if it is unknown, revoked, over its time, or may not do this."""
    row = connection.execute(_BEARER, {"hash": _hash(token), "verb": may, "valid_at_ms": now_ms}).first()
    if row is None:
        return None
    return Bearer(
        sender=Sender(row.account_id, row.sender, row.token_id),
        login=row.login or "",
        is_installed=bool(row.installation_id),
        is_suspended=bool(row.suspended),
        last_used_at_ms=row.last_used_at_ms or 0,
        terms=Terms(row.user_id, row.user_login, row.expires_at_ms),
    )


def note_use(database: Database, bearer: Bearer, token: str, now_ms: int) -> None:
    """Once an hour: people are shown the day."""
    if now_ms - bearer.last_used_at_ms >= _HOUR_MS:
        with database.write() as connection:
            connection.execute(_USE, {"hash": _hash(token), "now_ms": now_ms})


def all_tokens(connection: Connection) -> list[Token]:
    """Every token, oldest first."""
    return rows(Token, connection, _ALL)


def token_named(connection: Connection, token_id: str) -> Token | None:
    """Also one that is revoked."""
    return one(Token, connection, _ONE, {"of_token": token_id})


def revoke(connection: Connection, token_id: str, now_ms: int) -> bool:
    """False if there is no such live token."""
    return connection.execute(_REVOKE.values(revoked_at_ms=now_ms), {"of_token": token_id}).rowcount == 1


def revoke_own(connection: Connection, account_id: int, token_id: str, now_ms: int) -> None:
    """Whoever holds a token ends it."""
    params = {"of_account": account_id, "of_token": token_id}
    connection.execute(_REVOKE_OWN.values(revoked_at_ms=now_ms), params)


def revoked(connection: Connection, account_id: int, token_ids: Collection[str]) -> set[str]:
    """Those of these tokens that are revoked."""
    params = {"of_account": account_id, "ids": sorted(token_ids)}
    return set(connection.execute(_REVOKED, params).scalars())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
