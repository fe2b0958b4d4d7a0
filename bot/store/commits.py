"""Commits as the machines that made them know them, in the database."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, select

from attribution.reported_commits import Told, told
from attribution.usage import Usage
from bot.clock import to_ms
from bot.store.database import Database, table
from bot.store.tables import CommitRow

commits = table(CommitRow)

# In one statement: databases bound the number of parameters.
_AT_ONCE = 200


def save_commits(
    database: Database, connection: Connection, installation_id: int, repository_id: int, usages: Iterable[Usage]
) -> list[Told]:
    """Keep the commits that come with usage. Returns those that are new or changed."""
    found = {one.made.sha: one for one in told(usages)}
    before = _known(connection, installation_id, repository_id, sorted(found))
    fresh = [one for sha, one in sorted(found.items()) if before.get(sha) != one]
    insert = database.insert(commits)
    statement = insert.on_conflict_do_update(
        index_elements=["installation_id", "repository_id", "sha"],
        set_={"facts": insert.excluded.facts, "at_ms": insert.excluded.at_ms},
    )
    rows = [
        {
            "installation_id": installation_id, "repository_id": repository_id, "sha": one.made.sha,
            "facts": msgspec.json.encode(one).decode(), "at_ms": to_ms(one.made.authored_at),
        }
        for one in fresh if one.made.authored_at
    ]  # fmt: skip
    if rows:
        connection.execute(statement, rows)
    return fresh


def all_commits(connection: Connection, installation_id: int, repository_id: int) -> list[Told]:
    mine = (commits.c.installation_id == installation_id) & (commits.c.repository_id == repository_id)
    decode = msgspec.json.Decoder(Told).decode
    return [decode(facts) for facts in connection.execute(select(commits.c.facts).where(mine)).scalars()]


def _known(connection: Connection, installation_id: int, repository_id: int, shas: Sequence[str]) -> dict[str, Told]:
    mine = (commits.c.installation_id == installation_id) & (commits.c.repository_id == repository_id)
    decode, found = msgspec.json.Decoder(Told).decode, dict[str, Told]()
    for start in range(0, len(shas), _AT_ONCE):
        named = select(commits.c.facts).where(mine, commits.c.sha.in_(shas[start : start + _AT_ONCE]))
        found |= {one.made.sha: one for one in map(decode, connection.execute(named).scalars())}
    return found
