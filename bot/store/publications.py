"""What the bot wrote on GitHub for a pull request."""

from typing import Any

from sqlalchemy import Connection, Row, select, update

from bot.store.database import Database, table
from bot.store.tables import Publication

publications = table(Publication)


def publication(connection: Connection, key: tuple[int, int, int], kind: str) -> Row[Any] | None:
    return connection.execute(select(publications).where(_publication(key, kind)).with_for_update()).first()


def save_publication(
    database: Database, connection: Connection, key: tuple[int, int, int], kind: str, **state: object
) -> None:
    installation_id, repository_id, number = key
    blank = {"comment_id": None, "head_sha": "", "body_sha256": "", "state": "live"}
    insert = database.insert(publications).values(
        installation_id=installation_id, repository_id=repository_id, number=number, kind=kind, **(blank | state)
    )
    keys = ["installation_id", "repository_id", "number", "kind"]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=state))


def forget_silence(connection: Connection, key: tuple[int, int, int], kind: str) -> None:
    """A comment that stayed silent, since a person deleted it, may be written anew."""
    silent = _publication(key, kind) & (publications.c.state != "live")
    connection.execute(update(publications).where(silent).values(state="live", comment_id=None, body_sha256=""))


def _publication(key: tuple[int, int, int], kind: str) -> Any:
    mine = (publications.c.installation_id == key[0]) & (publications.c.repository_id == key[1])
    return mine & (publications.c.number == key[2]) & (publications.c.kind == kind)
