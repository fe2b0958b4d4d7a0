"""People who gave commands and may not write: remembered for a while, so that what they say costs nothing."""

from sqlalchemy import Connection, bindparam, delete, select

from bot.keys import RepositoryKey
from bot.store.database import Database, of_repository, table
from bot.store.tables import StrangerRow

strangers = table(StrangerRow)

_SINCE = select(strangers.c.user_id, strangers.c.asked_at_ms).where(
    of_repository(strangers), strangers.c.asked_at_ms >= bindparam("since_ms")
)
_FORGET = delete(strangers).where(of_repository(strangers), strangers.c.asked_at_ms < bindparam("since_ms"))


def since(connection: Connection, key: RepositoryKey, since_ms: int) -> dict[int, int]:
    """When GitHub was asked about them, by their id: those of whom it was asked since then."""
    rows = connection.execute(_SINCE, key.params | {"since_ms": since_ms})
    return {row.user_id: row.asked_at_ms for row in rows}


def save(database: Database, connection: Connection, key: RepositoryKey, user_id: int, at_ms: int) -> None:
    insert = database.insert(strangers).values(**key._asdict(), user_id=user_id, asked_at_ms=at_ms)
    index = [strangers.c.account_id, strangers.c.repository_id, strangers.c.user_id]
    connection.execute(insert.on_conflict_do_update(index_elements=index, set_={"asked_at_ms": at_ms}))


def forget(connection: Connection, key: RepositoryKey, before_ms: int) -> None:
    """Those of whom it was asked before."""
    connection.execute(_FORGET, key.params | {"since_ms": before_ms})
