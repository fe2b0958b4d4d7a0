"""The kinds of column. Columns are not shared between tables, so each field needs its own: these make them."""

from datetime import date

from sqlalchemy import BigInteger, Date, Integer, Text
from sqlmodel import Field


def key() -> int:
    return Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})


def name() -> str:
    return Field(primary_key=True, sa_type=Text)


def day() -> date:
    return Field(primary_key=True, sa_type=Date)


def big() -> int:
    return Field(default=0, sa_type=BigInteger)


def big_or_none() -> int | None:
    return Field(default=None, sa_type=BigInteger)


def small_key() -> int:
    return Field(primary_key=True, sa_type=Integer, sa_column_kwargs={"autoincrement": False})


def small() -> int:
    """Below 2**31."""
    return Field(default=0, sa_type=Integer)


def small_or_none() -> int | None:
    return Field(default=None, sa_type=Integer)


def text(default: str = "") -> str:
    return Field(default=default, sa_type=Text)


def text_or_none() -> str | None:
    return Field(default=None, sa_type=Text)
