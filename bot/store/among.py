"""A list as one parameter of a statement, on both databases."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Boolean, Dialect, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import UserDefinedType


class _ListOf(UserDefinedType[list[Any]]):
    """A list as one text: an array (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO) or JSON. Either is quicker than
    psycopg's array, which looks at each value several times. PostgreSQL takes the text for an array at once, and its planner sees
    which partitions the values are in; SQLAlchemy would say that it is VARCHAR, of which the planner sees nothing."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        return _as_array if dialect.name == "postgresql" else _as_json


def _as_json(values: Collection[Any]) -> str:
    return msgspec.json.encode(list(values)).decode()


def _as_array(values: Collection[Any]) -> str:
    return "{" + ",".join([_quoted(item) if isinstance(item, str) else str(item) for item in values]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002
        """As it is: SQLAlchemy would have SQLite compare it with 1, and no index answers that."""
        return self


@compiles(_Among, "postgresql")
def _(element: Any, compiler: Any, **options: Any) -> str:
    column, values = element.clauses
    # Of the column's own type: PostgreSQL looks other ones up one after the other, for each row, where it takes no index.
    kind = compiler.dialect.type_compiler_instance.process(column.type)
    return f"{compiler.process(column, **options)} = ANY (CAST({compiler.process(values, **options)} AS {kind}[]))"


@compiles(_Among, "sqlite")
def _(element: Any, compiler: Any, **options: Any) -> str:
    # https://www.sqlite.org/json1.html#jeach
    column, values = element.clauses
    of, listed = compiler.process(column, **options), compiler.process(values, **options)
    return f"{of} IN (SELECT value FROM json_each({listed}))"  # noqa: S608 - a mark


def among(column: Any, name: str) -> Any:
    """The column has one of the values of the parameter, a list: the text of the statement is the same for any number of them,
    which an `IN` with a mark for each would have everybody read anew."""
    return _Among(column, bindparam(name, type_=_ListOf()))
