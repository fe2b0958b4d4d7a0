"""What the bot wrote on GitHub for a pull request."""

from sqlalchemy import Connection, bindparam, select, update

from bot.keys import PullKey
from bot.store.database import Database, of_pull, one, rows, table
from bot.store.tables import Publication

publications = table(Publication)

_OF_KIND = of_pull(publications) & (publications.c.kind == bindparam("of_kind"))
_ONE = select(publications).where(_OF_KIND)
_OF_PULL = select(publications).where(of_pull(publications))
_RESUME = (
    update(publications)
    .where(_OF_KIND, publications.c.state != "live")
    .values(state="live", comment_id=None, body_sha256="")
)


def publication(connection: Connection, key: PullKey, kind: str) -> Publication | None:
    return one(Publication, connection, _ONE, key.params | {"of_kind": kind})


def of_pull_request(connection: Connection, key: PullKey) -> dict[str, Publication]:
    """Everything on a pull request, by kind."""
    return {row.kind: row for row in rows(Publication, connection, _OF_PULL, key.params)}


def save_publication(database: Database, connection: Connection, key: PullKey, kind: str, **state: object) -> None:
    blank = {"comment_id": None, "head_sha": "", "body_sha256": "", "state": "live"}
    insert = database.insert(publications).values(**key._asdict(), kind=kind, **(blank | state))
    connection.execute(insert.on_conflict_do_update(index_elements=[*PullKey._fields, "kind"], set_=state))


def end_silence(connection: Connection, key: PullKey, kind: str) -> None:
    """A comment that stayed silent, since a person deleted it, may be written anew."""
    connection.execute(_RESUME, key.params | {"of_kind": kind})
