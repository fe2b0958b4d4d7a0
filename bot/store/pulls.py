"""Pull requests: their facts and details."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from attribution.evidence import PullRequest
from attribution.outcome import Details
from bot.clock import to_ms
from bot.store.database import Database, table
from bot.store.tables import Pull

pulls = table(Pull)


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


def _pull(key: tuple[int, int, int]) -> Any:
    return (pulls.c.installation_id == key[0]) & (pulls.c.repository_id == key[1]) & (pulls.c.number == key[2])
