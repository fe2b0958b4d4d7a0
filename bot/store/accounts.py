"""Accounts and their installations of the App: when they may write to GitHub."""

from typing import Any

from sqlalchemy import Connection, Row, select, update

from bot.store.database import Database, table
from bot.store.tables import Installation

installations = table(Installation)


def save_installation(database: Database, connection: Connection, installation_id: int, account: str) -> None:
    insert = database.insert(installations).values(
        installation_id=installation_id, account=account, active=True, next_write_at_ms=0, not_before_ms=0
    )
    connection.execute(
        insert.on_conflict_do_update(index_elements=["installation_id"], set_={"account": account, "active": True})
    )


def deactivate_installation(connection: Connection, installation_id: int) -> None:
    """Uninstalled or suspended: nothing more is read or written for it. Its ledger stays."""
    connection.execute(
        update(installations).where(installations.c.installation_id == installation_id).values(active=False)
    )


def installation(connection: Connection, installation_id: int) -> Row[Any] | None:
    return connection.execute(select(installations).where(installations.c.installation_id == installation_id)).first()


def take_write_turn(connection: Connection, installation_id: int, now_ms: int, pause_ms: int) -> int | None:
    """None if this installation may write to GitHub now (the turn is taken), else when it may."""
    mine = installations.c.installation_id == installation_id
    free = update(installations).where(mine, installations.c.next_write_at_ms <= now_ms)
    if connection.execute(free.values(next_write_at_ms=now_ms + pause_ms)).rowcount:
        return None
    return connection.execute(select(installations.c.next_write_at_ms).where(mine)).scalar() or now_ms


def pause_installation(connection: Connection, installation_id: int, until_ms: int) -> None:
    """GitHub limits this installation: none of its work is claimed before then."""
    mine = (installations.c.installation_id == installation_id) & (installations.c.not_before_ms < until_ms)
    connection.execute(update(installations).where(mine).values(not_before_ms=until_ms))
