"""Which statements read a whole table, or all that an account or a repository has in it.

with collected(database) as statements:
    ...
assert whole_reads(database, statements) == []
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from bot.store.database import Database

# Tables whose rows grow with the age of a repository.
GROWING = frozenset(
    {
        "charge", "origin", "request_name", "share", "session", "pull", "issue", "reference", "presence", "commit_fact",
        "commit_name", "command", "correction", "publication",
    }
)  # fmt: skip
_OWNERS = {"account_id", "repository_id"}


@contextmanager
def collected(database: Database) -> Iterator[dict[str, Any]]:
    """Every statement that the database carries out, with the parameters that it first had."""
    statements: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        if statement.split(maxsplit=1)[0] in ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT"):
            statements.setdefault(statement, parameters[0] if is_many else parameters)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def whole_reads(database: Database, statements: Mapping[str, Any]) -> list[str]:
    """Where a plan reads more of a growing table than its rows ask for, with the statement."""
    steps = _on_postgresql if database.is_postgresql else _on_sqlite
    with database.read() as connection:
        return [
            f"{step}: {' '.join(statement.split())[:500]}"
            for statement, parameters in statements.items()
            for step in steps(connection, statement, parameters)
        ]


def _on_sqlite(connection: Any, statement: str, parameters: Any) -> Iterator[str]:
    """https://www.sqlite.org/eqp.html"""
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    details = [row[-1] for row in plan]
    # In the order of an index, LIMIT ends the reading.
    ends_early = "LIMIT" in statement and not any("FOR ORDER BY" in detail for detail in details)
    for detail in details:
        match = re.match(r"(SCAN|SEARCH) (\w+?)(_\d+)?( |$)", detail)
        if match is None or match[2] not in GROWING:
            continue
        terms = set(re.findall(r"(\w+)[=<>]", detail))
        if match[1] == "SCAN" or (terms <= _OWNERS and not ends_early):
            yield detail


def _on_postgresql(connection: Any, statement: str, parameters: Any) -> Iterator[str]:
    """https://www.postgresql.org/docs/current/using-explain.html"""
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).one()
    (root,) = json.loads(plan) if isinstance(plan, str) else plan
    nodes = [root["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
    for node in nodes:
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in GROWING:
            yield f"Seq Scan on {node['Relation Name']}"
