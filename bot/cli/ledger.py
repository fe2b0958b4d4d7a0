"""`mergecost ledger check`: every promise of the ledger, on the server's terminal."""

import argparse
import sys

from bot.ledger_check import broken_promises
from bot.settings import SettingsError, from_environment
from bot.store import accounts as account_store
from bot.store.database import Database
from bot.store.opening import opened


def main(argv: list[str]) -> int:
    """Returns the exit status: 0 where every promise holds, 1 where one is broken, 2 for a question that cannot be answered."""
    parser = argparse.ArgumentParser(prog="mergecost ledger", description="The ledger of charges and shares.")
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="check that every charge is shared out completely and nothing twice")
    check.add_argument("--account", default="", metavar="LOGIN", help="one account alone")
    options = parser.parse_args(argv)
    try:
        database = opened(from_environment().database_url)
    except SettingsError as error:
        print(f"mergecost ledger: {error}", file=sys.stderr)
        return 2
    try:
        return _check(database, options.account.lower())
    finally:
        database.close()


def _check(database: Database, login: str) -> int:
    with database.read() as connection:
        accounts = account_store.all_accounts(connection)
        chosen = [account for account in accounts if login in ("", account.login.lower())]
    problems = {account.login: broken_promises(database, account.account_id) for account in chosen}
    if login and not chosen:
        logins = ", ".join(account.login for account in accounts) or "none yet: install the App first"
        print(f"mergecost ledger: there is no account {login!r}; there are: {logins}", file=sys.stderr)
        return 2
    if not chosen:
        print("There is no account yet: install the App first.")
    for account, listed in problems.items():
        print("\n".join([_verdict(account, listed), *(f"  {problem}" for problem in listed)]))
    return 1 if any(problems.values()) else 0


def _verdict(account: str, problems: list[str]) -> str:
    return f"{account}: {len(problems):,} broken promises" if problems else f"{account}: every promise holds"
