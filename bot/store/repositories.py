"""Repositories as the App's installations list them, with every name that they had."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update

from bot.store.database import Database, table
from bot.store.tables import Repository, RepositoryName

repositories, names = table(Repository), table(RepositoryName)


class RepositoryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as the App's installation lists it."""

    repository_id: int
    full_name: str
    private: bool
    default_branch: str


def save_repositories(
    database: Database, connection: Connection, installation_id: int, facts: Sequence[RepositoryFacts]
) -> None:
    """The installation covers exactly these now. Those it covered before stay, inactive: their ledger is history."""
    mine = repositories.c.installation_id == installation_id
    connection.execute(update(repositories).where(mine).values(active=False))
    for one in sorted(facts, key=lambda one: one.repository_id):
        save_repository(database, connection, installation_id, one)


def save_repository(database: Database, connection: Connection, installation_id: int, one: RepositoryFacts) -> None:
    state = {"full_name": one.full_name, "private": one.private, "default_branch": one.default_branch, "active": True}
    key = {"installation_id": installation_id, "repository_id": one.repository_id}
    insert = database.insert(repositories).values(
        **key, **state, pulls_seen_until_ms=0, issues_seen_until_ms=0, settings_text="", settings_read_at_ms=0,
        week_done="", week_due_at_ms=0,
    )  # fmt: skip
    connection.execute(insert.on_conflict_do_update(index_elements=["installation_id", "repository_id"], set_=state))
    name = database.insert(names).values(name=one.full_name.lower(), **key)
    connection.execute(
        name.on_conflict_do_update(
            index_elements=["installation_id", "name"], set_={"repository_id": one.repository_id}
        )
    )


def save_alias(database: Database, connection: Connection, installation_id: int, repository_id: int, name: str) -> None:
    """Another name under which work for a repository is told, such as a fork's; never one of a repository of its own."""
    alias = database.insert(names).values(
        installation_id=installation_id, name=name.lower(), repository_id=repository_id
    )
    connection.execute(alias.on_conflict_do_nothing())


def repository(connection: Connection, installation_id: int, repository_id: int) -> Row[Any] | None:
    """The repository's row if the installation covers it now."""
    mine = (repositories.c.installation_id == installation_id) & (repositories.c.repository_id == repository_id)
    return connection.execute(select(repositories).where(mine, repositories.c.active)).first()


def repository_named(connection: Connection, installation_id: int, full_name: str) -> Row[Any] | None:
    """The repository of that name, without case, that the installation covers now."""
    mine = (repositories.c.installation_id == installation_id) & repositories.c.active
    return connection.execute(
        select(repositories).where(mine, func.lower(repositories.c.full_name) == full_name.lower())
    ).first()


def note_repository(connection: Connection, installation_id: int, repository_id: int, **state: object) -> None:
    """Remember how far we have read and done, by column."""
    mine = (repositories.c.installation_id == installation_id) & (repositories.c.repository_id == repository_id)
    connection.execute(update(repositories).where(mine).values(**state))


def covered_names(connection: Connection, installation_id: int) -> dict[str, int]:
    """Repository id by every name, in lower case, of the repositories that the installation covers now."""
    same = (names.c.installation_id == repositories.c.installation_id) & (
        names.c.repository_id == repositories.c.repository_id
    )
    query = select(names.c.name, names.c.repository_id).join(repositories, same)
    rows = connection.execute(query.where(names.c.installation_id == installation_id, repositories.c.active))
    return {row.name: row.repository_id for row in rows}


def names_of(connection: Connection, installation_id: int, repository_id: int) -> set[str]:
    """Every name, in lower case, that a repository has or had."""
    mine = (names.c.installation_id == installation_id) & (names.c.repository_id == repository_id)
    return set(connection.execute(select(names.c.name).where(mine)).scalars())
