"""Accounts, their current installation of the App, and when the bot may write to GitHub for them."""

from sqlalchemy import BigInteger, Connection, bindparam, cast, func, select, update

from bot.store.database import Database, of_account, one, rows, table
from bot.store.tables import Account

accounts = table(Account)

_ONE = select(accounts).where(of_account(accounts))
_ALL = select(accounts).order_by(accounts.c.login)
_LOCK = select(accounts.c.account_id).where(of_account(accounts)).with_for_update(key_share=True)
_INSTALLATION = select(accounts.c.installation_id).where(of_account(accounts), ~accounts.c.suspended)
_CHANGE = update(accounts).where(of_account(accounts))
_REMOVE = _CHANGE.where(accounts.c.installation_id == bindparam("of_installation")).values(installation_id=0)
_TAKE_TURN = _CHANGE.where(accounts.c.next_write_at_ms <= bindparam("now_ms"))
_DUE_FOR_A_CHECK = select(accounts).where(accounts.c.ledger_checked_at_ms < bindparam("before_ms"))
_LEDGER_ERRORS = select(cast(func.coalesce(func.sum(accounts.c.ledger_errors), 0), BigInteger))
_PAUSE = _CHANGE.where(accounts.c.not_before_ms < bindparam("until_ms")).values(not_before_ms=bindparam("until_ms"))


def account(connection: Connection, account_id: int) -> Account | None:
    return one(Account, connection, _ONE, {"of_account": account_id})


def lock(connection: Connection, account_id: int) -> None:
    """Until the commit, nobody else adds charges to the account."""
    connection.execute(_LOCK, {"of_account": account_id})


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
    blank = {"next_write_at_ms": 0, "not_before_ms": 0, "ledger_checked_at_ms": 0, "ledger_errors": 0}
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


def take_write_turn(connection: Connection, account_id: int, now_ms: int, pause_ms: int) -> int | None:
    """None if the bot may write to GitHub for this account now (the turn is taken), else when it may."""
    turn = {"of_account": account_id, "now_ms": now_ms}
    if connection.execute(_TAKE_TURN.values(next_write_at_ms=now_ms + pause_ms), turn).rowcount:
        return None
    row = account(connection, account_id)
    return row.next_write_at_ms if row else now_ms


def pause(connection: Connection, account_id: int, until_ms: int) -> None:
    """GitHub limits this account's installation: none of its work is claimed before then."""
    connection.execute(_PAUSE, {"of_account": account_id, "until_ms": until_ms})
