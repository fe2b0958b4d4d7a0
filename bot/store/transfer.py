"""A repository that goes to another account takes everything of its own along: ledger, sessions, comments, weeks, waiting work.

https://docs.github.com/en/repositories/creating-and-managing-repositories/transferring-a-repository
"""

from sqlalchemy import Connection, and_, bindparam, exists, update

from bot.keys import RepositoryKey
from bot.store.database import of_repository, table
from bot.store.tables import ChargeRow

charges = table(ChargeRow)


def move(connection: Connection, key: RepositoryKey, account_id: int) -> None:
    """Give the rows of a repository to `account_id`. A request that the account reported itself stays one charge: the copy that
    another account paid for remains in that account's history."""
    tables = [of for of in charges.metadata.sorted_tables if "repository_id" in of.c]
    # Shares and other rows of a request go where its charge goes, so they look before it has gone.
    for of in sorted(tables, key=lambda of: of is charges):
        there = (charges if "request_id" in of.c else of).alias()
        names = ["tool", "request_id"] if "request_id" in of.c else [c.name for c in of.primary_key]
        same = and_(*(there.c[name] == of.c[name] for name in names if name != "account_id"))
        is_taken = exists().where(there.c.account_id == bindparam("to_account"), same)
        rows = update(of).where(of_repository(of), ~is_taken).values(account_id=bindparam("to_account"))
        connection.execute(rows, key.params | {"to_account": account_id})
