"""When a pull request was open from its branch, and when its people worked on it: see `attribution.clues`."""

from sqlalchemy import Connection, bindparam, delete, select

from attribution.clues import Clues, of_author, of_branch, presences_of
from attribution.evidence import PullRequest
from bot.clock import to_ms
from bot.keys import PullKey, RepositoryKey
from bot.store.among import among
from bot.store.database import of_pull, of_repository, rows_in, table
from bot.store.inserts import insert_rows
from bot.store.tables import Presence

presences = table(Presence)

_OF_ONE = select(presences.c.text, presences.c.from_ms, presences.c.until_ms).where(of_pull(presences))
_FORGET = delete(presences).where(of_pull(presences))
_PRESENT = select(presences.c.number).where(
    of_repository(presences),
    among(presences.c.text, "texts"),
    presences.c.until_ms >= bindparam("since_ms"),
    presences.c.from_ms <= bindparam("until_ms"),
)
_PREDECESSOR = (
    select(presences.c.until_ms)
    .where(
        of_repository(presences),
        presences.c.text == bindparam("of_text"),
        presences.c.until_ms < bindparam("before_ms"),
        presences.c.number != bindparam("of_number"),
    )
    .order_by(presences.c.until_ms.desc())
    .limit(1)
)


def save(connection: Connection, key: PullKey, pull: PullRequest) -> None:
    """Store what the facts of a pull request say now. Its own row must be locked by the transaction."""
    before = {row.text: (row.from_ms, row.until_ms) for row in connection.execute(_OF_ONE, key.params)}
    after = {text: (to_ms(start), to_ms(end)) for text, (start, end) in presences_of(pull).items()}
    if before == after:
        return
    if before:
        connection.execute(_FORGET, key.params)
    values = [key._asdict() | {"text": text, "from_ms": start, "until_ms": end} for text, (start, end) in after.items()]
    insert_rows(connection, presences, values)


def predecessor_until_ms(connection: Connection, key: RepositoryKey, pull: PullRequest) -> int | None:
    """Until when another pull request had this one's branch: work before then is that one's, since a reused name inherits nothing
    (`RepositoryIndex.of_branch`). None where the name is new."""
    params = {"of_text": of_branch(pull.head_branch), "of_number": pull.number, "before_ms": to_ms(pull.created_at)}
    return connection.execute(_PREDECESSOR, key.params | params).scalar()


def present(connection: Connection, key: RepositoryKey, clues: Clues) -> set[int]:
    """The numbers of the pull requests that were open from one of the branches, or that one of the authors worked on, then."""
    params = key.params | {"since_ms": to_ms(clues.since), "until_ms": to_ms(clues.until)}
    texts = {*map(of_author, clues.authors), *map(of_branch, clues.branches)}
    return {row.number for row in rows_in(connection, _PRESENT, params, "texts", texts)}
