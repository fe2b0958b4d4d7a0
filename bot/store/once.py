"""What many rows have in common: stored once, and named by a digest of them."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Table

from bot.store.inserts import insert_rows


def digest(values: Mapping[str, str | int | None]) -> int:
    """63 bits. Of a million different ones, two have the same with a chance of one in twenty million."""
    return _digest(tuple(values.items()))


# Neighbours have the same.
@lru_cache(maxsize=1024)
def _digest(items: tuple[tuple[str, str | int | None], ...]) -> int:
    hashed = hashlib.sha256(msgspec.json.encode(sorted(items))).digest()
    return int.from_bytes(hashed[:8]) >> 1


def save(connection: Connection, into: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows that are there already stay as they are, since they are the same."""
    names = [column.name for column in into.primary_key]
    by_key = {tuple(row[name] for name in names): row for row in rows}
    # Transactions that write the same rows lock them in one order.
    insert_rows(connection, into, [by_key[key] for key in sorted(by_key)], "ON CONFLICT DO NOTHING")
