"""Repositories as installations list them, and every name that they had."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, func, select, update

from bot.keys import RepositoryKey
from bot.store import transfer
from bot.store.among import among
from bot.store.database import Database, of_account, of_repository, one, rows, rows_in, table
from bot.store.tables import Account, Repository, RepositoryName

accounts, repositories, names = table(Account), table(Repository), table(RepositoryName)


class Difference(msgspec.Struct, frozen=True):
    """What is different of a repository that was known before."""

    key: RepositoryKey
    is_visibility: bool
    is_default_branch: bool


class RepositoryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as an installation lists it."""

    repository_id: int
    full_name: str
    private: bool
    default_branch: str


_SAME = (names.c.account_id == repositories.c.account_id) & (names.c.repository_id == repositories.c.repository_id)
_IS_COVERED = of_repository(repositories) & repositories.c.active
_ONE = select(repositories).where(_IS_COVERED)
_BY_NAME = select(repositories).where(
    of_account(repositories), repositories.c.active, func.lower(repositories.c.full_name) == bindparam("name")
)
_ALL = select(repositories).where(of_account(repositories)).order_by(repositories.c.full_name)
_DUE = (
    select(repositories)
    .join(accounts, accounts.c.account_id == repositories.c.account_id)
    .where(
        repositories.c.active,
        accounts.c.installation_id != 0,
        ~accounts.c.suspended,
        repositories.c.week_due_at_ms <= bindparam("now_ms"),
    )
)
_COVERED_NAMES = (
    select(names.c.name, names.c.repository_id)
    .join(repositories, _SAME)
    .where(of_account(names), repositories.c.active)
)
_COVERED_IDS = _COVERED_NAMES.where(among(names.c.name, "names"))
_NAMES = select(names.c.name).where(of_repository(names))
_ELSEWHERE = select(repositories.c.account_id).where(
    repositories.c.repository_id == bindparam("of_repository"), repositories.c.account_id != bindparam("of_account")
)
_BEFORE = select(repositories.c.private, repositories.c.default_branch).where(of_repository(repositories))
_CHANGE = update(repositories).where(of_repository(repositories))
_CLOSE_ALL = update(repositories).where(of_account(repositories)).values(active=False)
_LOOK_AGAIN = update(repositories).values(week_due_at_ms=0)


def save_repositories(
    database: Database, connection: Connection, account_id: int, repositories_now: Sequence[RepositoryFacts]
) -> list[Difference]:
    """The installation covers exactly these now. Those it covered before stay, inactive: their ledger is history."""
    connection.execute(_CLOSE_ALL, {"of_account": account_id})
    in_order = sorted(repositories_now, key=lambda facts: facts.repository_id)
    return [save_repository(database, connection, account_id, facts) for facts in in_order]


def save_repository(database: Database, connection: Connection, account_id: int, facts: RepositoryFacts) -> Difference:
    """A repository that another account had before was transferred: its ledger moves with it."""
    key = RepositoryKey(account_id, facts.repository_id)
    for other_id in connection.execute(_ELSEWHERE, key.params).scalars().all():
        transfer.move(connection, RepositoryKey(other_id, facts.repository_id), account_id)
    state = {
        "full_name": facts.full_name,
        "private": facts.private,
        "default_branch": facts.default_branch,
        "active": True,
    }
    blank = {
        "default_sha": None, "pulls_read_until_ms": 0, "issues_read_until_ms": 0, "comments_read_until_ms": 0, "settings_text": "",
        "settings_read_at_ms": 0, "newest_week": "", "week_due_at_ms": 0, "time_zone": "UTC",
        "usual": "", "usual_at_ms": 0,
    }  # fmt: skip
    before = connection.execute(_BEFORE, key.params).first()
    insert = database.insert(repositories).values(**key._asdict(), **state, **blank)
    connection.execute(insert.on_conflict_do_update(index_elements=["account_id", "repository_id"], set_=state))
    name = database.insert(names).values(name=facts.full_name.lower(), **key._asdict())
    connection.execute(
        name.on_conflict_do_update(index_elements=["account_id", "name"], set_={"repository_id": facts.repository_id})
    )
    return Difference(
        key=key,
        is_visibility=before is not None and before.private != facts.private,
        is_default_branch=before is not None and before.default_branch != facts.default_branch,
    )


def save_alias(database: Database, connection: Connection, key: RepositoryKey, name: str) -> None:
    """Another name that sessions give a repository, such as a fork's; never the name of a repository of its own."""
    alias = database.insert(names).values(name=name.lower(), **key._asdict())
    connection.execute(alias.on_conflict_do_nothing())


def repository(connection: Connection, key: RepositoryKey) -> Repository | None:
    """The repository if the installation covers it now."""
    return one(Repository, connection, _ONE, key.params)


def repository_named(connection: Connection, account_id: int, full_name: str) -> Repository | None:
    """The repository of that name, without case, that the installation covers now."""
    return one(Repository, connection, _BY_NAME, {"of_account": account_id, "name": full_name.lower()})


def repositories_of(connection: Connection, account_id: int) -> list[Repository]:
    """All that the account's installation covers or covered, by name."""
    return rows(Repository, connection, _ALL, {"of_account": account_id})


def note(connection: Connection, key: RepositoryKey, **state: object) -> None:
    """Remember how far the repository is read and handled, by column."""
    connection.execute(_CHANGE.values(**state), key.params)


def covered_names(connection: Connection, account_id: int) -> dict[str, int]:
    """Repository id by every name, in lower case, of the repositories that the installation covers now."""
    rows = connection.execute(_COVERED_NAMES, {"of_account": account_id})
    return {row.name: row.repository_id for row in rows}


def covered_ids(connection: Connection, account_id: int, some: Collection[str]) -> dict[str, int]:
    """The same for these names, as far as they are covered."""
    rows = rows_in(connection, _COVERED_IDS, {"of_account": account_id}, "names", some)
    return {row.name: row.repository_id for row in rows}


def names_of(connection: Connection, key: RepositoryKey) -> set[str]:
    """Every name, in lower case, that a repository has or had."""
    return set(connection.execute(_NAMES, key.params).scalars())


def due_for_a_week(connection: Connection, now_ms: int) -> list[Repository]:
    """The repositories whose next week is due to be looked at."""
    return rows(Repository, connection, _DUE, {"now_ms": now_ms})


def look_at_weeks_again(connection: Connection) -> None:
    """Look at every repository again: the operator's settings may have changed."""
    connection.execute(_LOOK_AGAIN)
