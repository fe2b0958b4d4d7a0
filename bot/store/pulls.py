"""Pull requests: their facts, details, and how far each is handled."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from attribution.evidence import PullRequest
from attribution.outcome import Details
from bot.clock import to_ms
from bot.keys import PullKey, RepositoryKey
from bot.store.database import Database, of_pull, of_repository, one, table
from bot.store.tables import Pull

pulls = table(Pull)

_ONE = select(pulls).where(of_pull(pulls))
_BEFORE = select(pulls.c.facts, pulls.c.updated_at_ms).where(of_pull(pulls)).with_for_update()
_ALL = select(pulls.c.number, pulls.c.facts, pulls.c.details).where(of_repository(pulls))
_OPEN = select(pulls.c.number).where(of_repository(pulls), pulls.c.closed_at_ms.is_(None))
_FACTS = select(pulls.c.facts).where(of_repository(pulls))
_RECENT = _FACTS.where(pulls.c.closed_at_ms.is_(None) | (pulls.c.closed_at_ms >= bindparam("since_ms")))
_CHANGE = update(pulls).where(of_pull(pulls))


def save_pull(
    database: Database, connection: Connection, key: PullKey, facts: PullRequest, details: Details, head_sha: str
) -> bool:
    """Store a pull request's facts. True if what attribution sees has changed. An older answer never replaces a newer one."""
    encoded = msgspec.json.encode(facts).decode()
    updated_at_ms = to_ms(details.updated_at) if details.updated_at else 0
    before = connection.execute(_BEFORE, key.params).first()
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
        **key._asdict(), **state, comments_read_until_ms=0, comment_on=True, comment_due_at_ms=0, skip=""
    )
    connection.execute(insert.on_conflict_do_update(index_elements=[*PullKey._fields], set_=state))
    return before is None or before.facts != encoded


def pull(connection: Connection, key: PullKey) -> Pull | None:
    return one(Pull, connection, _ONE, key.params)


def facts_of_pull(connection: Connection, key: PullKey) -> PullRequest | None:
    row = pull(connection, key)
    return msgspec.json.decode(row.facts, type=PullRequest) if row else None


def details_of_pull(connection: Connection, key: PullKey) -> Details:
    """What a pull request says of itself; nothing where it is not known."""
    row = pull(connection, key)
    return msgspec.json.decode(row.details, type=Details) if row and row.details else Details()


def note(connection: Connection, key: PullKey, **state: object) -> None:
    """Remember how far the conversation is read (`comments_read_until_ms`), whether people want the comment (`comment_on`), and
    why there is none (`skip`)."""
    connection.execute(_CHANGE.values(**state), key.params)


def all_pulls(connection: Connection, key: RepositoryKey) -> tuple[dict[int, PullRequest], dict[int, Details]]:
    """Every pull request of a repository with what it says of itself, by number."""
    decode, decode_details = msgspec.json.Decoder(PullRequest).decode, msgspec.json.Decoder(Details).decode
    rows = connection.execute(_ALL, key.params).all()
    return (
        {row.number: decode(row.facts) for row in rows},
        {row.number: decode_details(row.details) for row in rows if row.details},
    )


def open_pulls(connection: Connection, key: RepositoryKey) -> list[int]:
    """The numbers of the pull requests that are open."""
    return list(connection.execute(_OPEN, key.params).scalars())


def pull_facts(connection: Connection, key: RepositoryKey) -> Iterable[PullRequest]:
    """The facts of every pull request of a repository."""
    decode = msgspec.json.Decoder(PullRequest).decode
    return [decode(facts) for facts in connection.execute(_FACTS, key.params).scalars()]


def pulls_not_closed_before(connection: Connection, key: RepositoryKey, since_ms: int) -> Iterable[PullRequest]:
    """The facts of the pull requests of a repository that are open, or were then."""
    decode = msgspec.json.Decoder(PullRequest).decode
    return [decode(facts) for facts in connection.execute(_RECENT, key.params | {"since_ms": since_ms}).scalars()]
