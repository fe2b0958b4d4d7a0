"""How far the deliveries of an App's webhook are looked through."""

from sqlalchemy import Connection, bindparam, select

from bot.store.database import Database, table
from bot.store.tables import Webhook

webhooks = table(Webhook)

_READ_UNTIL = select(webhooks.c.read_until_ms).where(webhooks.c.app_id == bindparam("of_app"))


def read_until_ms(connection: Connection, app_id: int) -> int:
    """0 if they never were."""
    return connection.execute(_READ_UNTIL, {"of_app": app_id}).scalar() or 0


def note(database: Database, connection: Connection, app_id: int, until_ms: int) -> None:
    insert = database.insert(webhooks).values(app_id=app_id, read_until_ms=until_ms)
    connection.execute(insert.on_conflict_do_update(index_elements=["app_id"], set_={"read_until_ms": until_ms}))
