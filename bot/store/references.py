"""What pull requests and issues refer to, so that they are found by it: see `attribution.references`."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select

from bot.keys import PullKey, RepositoryKey
from bot.store.among import among
from bot.store.database import of_pull, of_repository, rows_in, table
from bot.store.inserts import insert_rows
from bot.store.tables import Reference

references = table(Reference)

_OF_ONE = select(references.c.text).where(of_pull(references))
_REFERRING = select(references.c.number).where(of_repository(references), among(references.c.text, "texts"))
_FORGET = delete(references).where(of_pull(references), among(references.c.text, "texts"))


def save(connection: Connection, key: PullKey, texts: Collection[str]) -> None:
    """Store what a pull request or issue refers to now, and nothing else. Its own row must be locked by the transaction."""
    before = set(connection.execute(_OF_ONE, key.params).scalars())
    new = sorted(set(texts) - before)
    if gone := sorted(before - set(texts)):
        connection.execute(_FORGET, key.params | {"texts": gone})
    insert_rows(connection, references, [key._asdict() | {"text": text} for text in new])


def referring(connection: Connection, key: RepositoryKey, texts: Collection[str]) -> set[int]:
    """The numbers of the pull requests or issues that refer to any of these."""
    return {row.number for row in rows_in(connection, _REFERRING, key.params, "texts", texts)}
