"""When a pull request was open from its branch, and when its people worked on it: see `attribution.clues`."""

from sqlalchemy import Connection, bindparam, delete, select

from attribution.clues import Clues, of_author, of_branch, presences_of
from attribution.evidence import PullRequest
from bot.clock import to_ms
from bot.keys import PullKey, RepositoryKey
from bot.store.database import of_pull, of_repository, rows_in, table
from bot.store.inserts import insert_rows
from bot.store.tables import Presence

presences = table(Presence)

_OF_ONE = select(presences.c.text, presences.c.from_ms, presences.c.until_ms).where(of_pull(presences))
_FORGET = delete(presences).where(of_pull(presences))
_PRESENT = select(presences.c.number).where(
    of_repository(presences),
    presences.c.text.in_(bindparam("texts", expanding=True)),
    presences.c.until_ms >= bindparam("since_ms"),
    presences.c.from_ms <= bindparam("until_ms"),
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


def present(connection: Connection, key: RepositoryKey, clues: Clues) -> set[int]:
    """The numbers of the pull requests that were open from one of the branches, or that one of the authors worked on, then."""
    params = key.params | {"since_ms": to_ms(clues.since), "until_ms": to_ms(clues.until)}
    texts = {*map(of_author, clues.authors), *map(of_branch, clues.branches)}
    return {row.number for row in rows_in(connection, _PRESENT, params, "texts", texts)}
