"""What a database does for a piece of work, counted and not timed.

with counted(database) as reads:
    ...
assert reads.rows < 100
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from bot.store.database import Database


class Reads:
    """`statements` that were carried out, and `rows` that they returned. On SQLite `steps` of its virtual machine, too
    (https://www.sqlite.org/opcode.html): to pass over a row takes at least one, however large the table."""

    def __init__(self) -> None:
        self.statements, self.rows, self.steps = 0, 0, 0

    def on_step(self) -> int:
        """For SQLite, which goes on where this is 0."""
        self.steps += 1
        return 0

    def on_row(self, _cursor: Any, row: Any) -> Any:
        self.rows += 1
        return row


@contextmanager
def counted(database: Database, *, steps: bool = True) -> Iterator[Reads]:
    """Counts all that is done through `database`; nobody may use it at the beginning or the end. `steps` cost time."""
    reads = Reads()

    def on_connect(connection: Any, _record: Any) -> None:
        connection.row_factory = reads.on_row
        if steps:
            connection.set_progress_handler(reads.on_step, 1)

    def on_statement(_connection: Any, cursor: Any, *_: Any) -> None:
        reads.statements += 1
        if database.is_postgresql and cursor.description is not None:
            reads.rows += cursor.rowcount

    listeners = [(database.engine, "after_cursor_execute", on_statement)]
    if not database.is_postgresql:
        listeners.append((database.engine, "connect", on_connect))
    database.engine.dispose()
    for listener in listeners:
        event.listen(*listener)
    try:
        yield reads
    finally:
        for listener in listeners:
            event.remove(*listener)
        database.engine.dispose()
