"""Accounts, their current installation of the App, and when the bot may write to GitHub for them."""

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, case, cast, func, select, union_all, update

from bot.store.database import Database, of_account, one, rows, table
from bot.store.tables import Account

accounts = table(Account)

# GitHub allows an installation 500 writes an hour (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api):
# in any hour at most a burst and one for each interval.
WRITE_BURST = 100
WRITE_INTERVAL_MS = 9_000
# "If your request continues to fail due to a secondary rate limit, wait for an exponentially increasing amount of time":
# https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
_FIRST_LIMIT_PAUSE_MS = 60_000
LONGEST_PAUSE_MS = 3_600_000

_ONE = select(accounts).where(of_account(accounts))
_LOCK = select(accounts.c.account_id).where(of_account(accounts)).with_for_update(key_share=True)
_ALL = select(accounts).order_by(accounts.c.login)
_INSTALLATION = select(accounts.c.installation_id).where(of_account(accounts), ~accounts.c.suspended)
_CHANGE = update(accounts).where(of_account(accounts))
_REMOVE = _CHANGE.where(accounts.c.installation_id == bindparam("of_installation")).values(installation_id=0)
_LOCKED = _ONE.with_for_update()


def _later(a: ColumnElement[int], b: ColumnElement[int]) -> ColumnElement[int]:
    return case((a > b, a), else_=b)


_NOW = bindparam("now_ms", type_=BigInteger)
_SPREAD = _later(accounts.c.writes_spread_until_ms, _NOW) + WRITE_INTERVAL_MS
_TAKE_TURN = _CHANGE.where(accounts.c.next_write_at_ms <= _NOW).values(
    writes_spread_until_ms=_SPREAD,
    next_write_at_ms=_later(_NOW + bindparam("pause_ms", type_=BigInteger), _SPREAD - WRITE_BURST * WRITE_INTERVAL_MS),
)
_DUE_FOR_A_CHECK = select(accounts).where(accounts.c.ledger_checked_at_ms < bindparam("before_ms"))
_KEPT_FROM = select(accounts.c.kept_from_ms).where(of_account(accounts))
_KEEP_FROM = _CHANGE.where(accounts.c.kept_from_ms < bindparam("from_ms")).values(kept_from_ms=bindparam("from_ms"))
# By either index: SQLite would take neither for one condition with OR, nor for a union that it has to sort.
_TO_REMOVE = union_all(
    select(accounts.c.account_id).where(accounts.c.removed_before_ms < bindparam("before_ms")),
    select(accounts.c.account_id).where(accounts.c.removed_before_ms < accounts.c.kept_from_ms),
)
_DUE_FOR_REMOVAL = select(accounts).where(accounts.c.account_id.in_(_TO_REMOVE)).order_by(accounts.c.account_id)
_REMOVED_BEFORE = select(func.min(accounts.c.removed_before_ms))
_LEDGER_ERRORS = select(cast(func.coalesce(func.sum(accounts.c.ledger_errors), 0), BigInteger))


def lock(connection: Connection, account_id: int) -> None:
    """One transaction at a time, until its commit. What changes an account's ledger or what attribution sees begins with this, so
    that each sees all that the others did, and none waits for a row of one that waits for it."""
    connection.execute(_LOCK, {"of_account": account_id})


def account(connection: Connection, account_id: int) -> Account | None:
    return one(Account, connection, _ONE, {"of_account": account_id})


def all_accounts(connection: Connection) -> list[Account]:
    """Every account where the App is or was installed, by login."""
    return rows(Account, connection, _ALL)


def installation_of(connection: Connection, account_id: int) -> int:
    """The account's current installation; 0 if it has none, or one that is suspended."""
    return connection.execute(_INSTALLATION, {"of_account": account_id}).scalar() or 0


def save_account(
    database: Database, connection: Connection, account_id: int, login: str, installation_id: int, *, suspended: bool
) -> None:
    """What GitHub says of an installation. The limits of an earlier installation of the account do not hold for a new one."""
    state = {"login": login, "installation_id": installation_id, "suspended": suspended}
    times = ("next_write_at_ms", "writes_spread_until_ms", "not_before_ms", "limit_pause_ms", "ledger_checked_at_ms")
    blank = dict.fromkeys((*times, "ledger_errors", "kept_from_ms", "removed_before_ms"), 0)
    insert = database.insert(accounts).values(account_id=account_id, **state, **blank)
    connection.execute(insert.on_conflict_do_update(index_elements=["account_id"], set_=state))


def remove_installation(connection: Connection, account_id: int, installation_id: int) -> None:
    """The App is uninstalled: nothing more is read or written for the account. Its ledger stays. An older installation than the
    current one changes nothing."""
    connection.execute(_REMOVE, {"of_account": account_id, "of_installation": installation_id})


def due_for_a_check(connection: Connection, before_ms: int) -> list[Account]:
    """The accounts whose ledger was not checked since then."""
    return rows(Account, connection, _DUE_FOR_A_CHECK, {"before_ms": before_ms})


def note_check(connection: Connection, account_id: int, at_ms: int, errors: int) -> None:
    values = {"ledger_checked_at_ms": at_ms, "ledger_errors": errors}
    connection.execute(_CHANGE.values(**values), {"of_account": account_id})


def ledger_errors(connection: Connection) -> int:
    """How many promises the newest checks of all ledgers saw broken."""
    return connection.execute(_LEDGER_ERRORS).scalar_one()


def kept_from_ms(connection: Connection, account_id: int) -> int:
    """Requests before then have no details any more, only sums by day. 0: all have."""
    return connection.execute(_KEPT_FROM, {"of_account": account_id}).scalar() or 0


def keep_from(connection: Connection, account_id: int, from_ms: int) -> None:
    """From now on details of what was requested before then are not read. Never back: what is gone stays gone."""
    connection.execute(_KEEP_FROM, {"of_account": account_id, "from_ms": from_ms})


def due_for_removal(connection: Connection, before_ms: int) -> list[Account]:
    """The accounts that may have details from before then, or some that are not read any more."""
    return rows(Account, connection, _DUE_FOR_REMOVAL, {"before_ms": before_ms})


def note_removal(connection: Connection, account_id: int, before_ms: int) -> None:
    """No details from before then are left."""
    connection.execute(_CHANGE.values(removed_before_ms=before_ms), {"of_account": account_id})


def removed_before_ms(connection: Connection) -> int:
    """No account has details from before then. 0: perhaps one has."""
    return connection.execute(_REMOVED_BEFORE).scalar() or 0


def take_write_turn(connection: Connection, account_id: int, now_ms: int, pause_ms: int) -> int | None:
    """None if the bot may write to GitHub for this account now (the turn is taken), else when it may."""
    turn = {"of_account": account_id, "now_ms": now_ms, "pause_ms": pause_ms}
    if connection.execute(_TAKE_TURN, turn).rowcount:
        return None
    row = account(connection, account_id)
    return row.next_write_at_ms if row else now_ms


def pause(connection: Connection, account_id: int, until_ms: int, now_ms: int, *, is_secondary: bool = False) -> int:
    """GitHub limits this account's installation: none of its work is claimed before `until_ms`, or before a longer time that is
    returned. The pauses of secondary limits double while one follows another within an hour."""
    row = one(Account, connection, _LOCKED, {"of_account": account_id})
    if row is None:
        return until_ms
    state: dict[str, int] = {}
    if is_secondary and row.not_before_ms <= now_ms:  # else it is one of several calls that were under way
        is_next = now_ms - row.not_before_ms <= LONGEST_PAUSE_MS
        pause_ms = max(_FIRST_LIMIT_PAUSE_MS, 2 * row.limit_pause_ms if is_next else 0)
        state = {"limit_pause_ms": min(pause_ms, LONGEST_PAUSE_MS)}
        until_ms = max(until_ms, now_ms + state["limit_pause_ms"])
    until_ms = max(until_ms, row.not_before_ms)
    connection.execute(_CHANGE.values(not_before_ms=until_ms, **state), {"of_account": account_id})
    return until_ms
