"""`mergecost rebuild`: the sums by day, counted again from the ledger, beside a running server."""

import argparse
import sys

from bot.settings import SettingsError, from_environment
from bot.store import accounts as account_store
from bot.store import recount
from bot.store import repositories as repository_store
from bot.store.database import Database
from bot.store.tables import Repository


def main(argv: list[str]) -> int:
    """Returns the exit status: 0, or 2 for a question that cannot be answered."""
    parser = argparse.ArgumentParser(
        prog="mergecost rebuild",
        description="Count the sums of each day again from the ledger, and correct those that say something else.",
    )
    parser.add_argument("--repository", default="", metavar="OWNER/NAME", help="one repository alone")
    options = parser.parse_args(argv)
    try:
        database = Database(from_environment().database_url)
    except SettingsError as error:
        print(f"mergecost rebuild: {error}", file=sys.stderr)
        return 2
    database.migrate()
    try:
        return _rebuild(database, options.repository.lower())
    finally:
        database.close()


def _rebuild(database: Database, full_name: str) -> int:
    with database.read() as connection:
        accounts = account_store.all_accounts(connection)
        rows = [row for account in accounts for row in repository_store.repositories_of(connection, account.account_id)]
    chosen = [row for row in rows if full_name in ("", row.full_name.lower())]
    if full_name and not chosen:
        names = ", ".join(row.full_name for row in rows[:20]) or "none yet: install the App first"
        print(f"mergecost rebuild: no repository {full_name!r}; there are: {names}", file=sys.stderr)
        return 2
    for row in chosen:
        print(_verdict(database, row), flush=True)
    return 0


def _verdict(database: Database, repository: Repository) -> str:
    """A repository counted again, a day in a transaction."""
    with database.read() as connection:
        days = list(recount.days(connection, repository.key, repository.zone))
    counted = [recount.verify(database, repository.key, day, corrects=True) for day in days]
    lines = [f"  {of.day}: {of.problem}: corrected" for of in counted if of.problem]
    head = f"{repository.full_name}: {len(lines):,} of {len(days):,} days corrected"
    return "\n".join([head, *lines])
