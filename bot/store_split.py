"""Facts about installations, repositories and pull requests, and the ledger's rows. SQL lives here and in `ledger_store`."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update

from attribution.evidence import PullRequest
from attribution.outcome import Details
from bot.clock import to_ms
from bot.store.database import Database, table
from bot.store.tables import Installation, Publication, Pull, Repository, RepositoryName

installations, repositories, names = table(Installation), table(Repository), table(RepositoryName)
pulls, publications = table(Pull), table(Publication)


class RepositoryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as the App's installation lists it."""

    repository_id: int
    full_name: str
    private: bool
    default_branch: str


def save_installation(database: Database, connection: Connection, installation_id: int, account: str) -> None:
    insert = database.insert(installations).values(
        installation_id=installation_id, account=account, active=True, next_write_at_ms=0, not_before_ms=0
    )
    connection.execute(
        insert.on_conflict_do_update(index_elements=["installation_id"], set_={"account": account, "active": True})
    )


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


def deactivate_installation(connection: Connection, installation_id: int) -> None:
    """Uninstalled or suspended: nothing more is read or written for it. Its ledger stays."""
    connection.execute(
        update(installations).where(installations.c.installation_id == installation_id).values(active=False)
    )


def installation(connection: Connection, installation_id: int) -> Row[Any] | None:
    return connection.execute(select(installations).where(installations.c.installation_id == installation_id)).first()


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


def save_pull(
    database: Database,
    connection: Connection,
    key: tuple[int, int, int],
    facts: PullRequest,
    details: Details,
    head_sha: str,
) -> bool:
    """Keep a pull request's facts. True if what attribution sees has changed. An older answer never replaces a newer one."""
    installation_id, repository_id, number = key
    encoded = msgspec.json.encode(facts).decode()
    updated_at_ms = to_ms(details.updated_at) if details.updated_at else 0
    mine = _pull(key)
    before = connection.execute(select(pulls.c.facts, pulls.c.updated_at_ms).where(mine).with_for_update()).first()
    if before and before.updated_at_ms > updated_at_ms:
        return False
    state = {
        "facts": encoded,
        "details": msgspec.json.encode(details).decode(),
        "head_sha": head_sha,
        "created_at_ms": to_ms(facts.created_at),
        "closed_at_ms": to_ms(facts.closed_at) if facts.closed_at else None,
        "updated_at_ms": updated_at_ms,
    }
    insert = database.insert(pulls).values(
        installation_id=installation_id,
        repository_id=repository_id,
        number=number,
        said_until_ms=0,
        comment_on=True,
        **state,
    )
    keys = ["installation_id", "repository_id", "number"]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=state))
    return before is None or before.facts != encoded


def pull(connection: Connection, key: tuple[int, int, int]) -> Row[Any] | None:
    return connection.execute(select(pulls).where(_pull(key))).first()


def facts_of_pull(connection: Connection, key: tuple[int, int, int]) -> PullRequest | None:
    row = pull(connection, key)
    return msgspec.json.decode(row.facts, type=PullRequest) if row else None


def details_of_pull(connection: Connection, key: tuple[int, int, int]) -> Details:
    """What a pull request says of itself; nothing where it is not known."""
    row = pull(connection, key)
    return msgspec.json.decode(row.details, type=Details) if row and row.details else Details()


def note_pull(connection: Connection, key: tuple[int, int, int], **state: object) -> None:
    """Remember how far its conversation is read (`said_until_ms`) and whether people want our comment (`comment_on`)."""
    connection.execute(update(pulls).where(_pull(key)).values(**state))


def known_pulls(
    connection: Connection, installation_id: int, repository_id: int
) -> tuple[dict[int, PullRequest], dict[int, Details]]:
    """Every pull request of a repository with what it says of itself, by number."""
    mine = (pulls.c.installation_id == installation_id) & (pulls.c.repository_id == repository_id)
    decode, decode_details = msgspec.json.Decoder(PullRequest).decode, msgspec.json.Decoder(Details).decode
    rows = connection.execute(select(pulls.c.number, pulls.c.facts, pulls.c.details).where(mine)).all()
    return (
        {row.number: decode(row.facts) for row in rows},
        {row.number: decode_details(row.details) for row in rows if row.details},
    )


def open_pulls(connection: Connection, installation_id: int, repository_id: int) -> list[int]:
    """The numbers of the pull requests that are open."""
    mine = (pulls.c.installation_id == installation_id) & (pulls.c.repository_id == repository_id)
    return list(connection.execute(select(pulls.c.number).where(mine, pulls.c.closed_at_ms.is_(None))).scalars())


def pull_facts(connection: Connection, installation_id: int, repository_id: int) -> Iterable[PullRequest]:
    """The facts of every pull request of a repository."""
    mine = (pulls.c.installation_id == installation_id) & (pulls.c.repository_id == repository_id)
    decoder = msgspec.json.Decoder(PullRequest)
    return [decoder.decode(facts) for facts in connection.execute(select(pulls.c.facts).where(mine)).scalars()]


def pulls_not_closed_before(
    connection: Connection, installation_id: int, repository_id: int, since_ms: int
) -> Iterable[PullRequest]:
    """The facts of the pull requests of a repository that are open, or were then."""
    mine = (pulls.c.installation_id == installation_id) & (pulls.c.repository_id == repository_id)
    late = pulls.c.closed_at_ms.is_(None) | (pulls.c.closed_at_ms >= since_ms)
    decoder = msgspec.json.Decoder(PullRequest)
    return [decoder.decode(facts) for facts in connection.execute(select(pulls.c.facts).where(mine, late)).scalars()]


def publication(connection: Connection, key: tuple[int, int, int], kind: str) -> Row[Any] | None:
    return connection.execute(select(publications).where(_publication(key, kind)).with_for_update()).first()


def save_publication(
    database: Database, connection: Connection, key: tuple[int, int, int], kind: str, **state: object
) -> None:
    installation_id, repository_id, number = key
    blank = {"comment_id": None, "head_sha": "", "body_sha256": "", "state": "live"}
    insert = database.insert(publications).values(
        installation_id=installation_id, repository_id=repository_id, number=number, kind=kind, **(blank | state)
    )
    keys = ["installation_id", "repository_id", "number", "kind"]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=state))


def forget_silence(connection: Connection, key: tuple[int, int, int], kind: str) -> None:
    """A comment that stayed silent, since a person deleted it, may be written anew."""
    silent = _publication(key, kind) & (publications.c.state != "live")
    connection.execute(update(publications).where(silent).values(state="live", comment_id=None, body_sha256=""))


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


def _pull(key: tuple[int, int, int]) -> Any:
    return (pulls.c.installation_id == key[0]) & (pulls.c.repository_id == key[1]) & (pulls.c.number == key[2])


def _publication(key: tuple[int, int, int], kind: str) -> Any:
    mine = (publications.c.installation_id == key[0]) & (publications.c.repository_id == key[1])
    return mine & (publications.c.number == key[2]) & (publications.c.kind == kind)
