"""Commits as the machines that made them report them, in the database."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, select

from attribution.reported_commits import ReportedCommit, reported_commits
from attribution.usage import Usage
from bot.clock import to_ms
from bot.store.database import Database, table
from bot.store.tables import CommitRow

commits = table(CommitRow)

# In one statement: databases bound the number of parameters.
_AT_ONCE = 200


def save_commits(
    database: Database, connection: Connection, installation_id: int, repository_id: int, usages: Iterable[Usage]
) -> list[ReportedCommit]:
    """Keep the commits that come with usage. Returns those that are new or changed."""
    by_sha = {commit.report.sha: commit for commit in reported_commits(usages)}
    before = _known(connection, installation_id, repository_id, sorted(by_sha))
    news = [commit for sha, commit in sorted(by_sha.items()) if before.get(sha) != commit]
    insert = database.insert(commits)
    statement = insert.on_conflict_do_update(
        index_elements=["installation_id", "repository_id", "sha"],
        set_={"facts": insert.excluded.facts, "at_ms": insert.excluded.at_ms},
    )
    rows = [
        {
            "installation_id": installation_id, "repository_id": repository_id, "sha": commit.report.sha,
            "facts": msgspec.json.encode(commit).decode(), "at_ms": to_ms(commit.report.authored_at),
        }
        for commit in news if commit.report.authored_at
    ]  # fmt: skip
    if rows:
        connection.execute(statement, rows)
    return news


def all_commits(connection: Connection, installation_id: int, repository_id: int) -> list[ReportedCommit]:
    mine = (commits.c.installation_id == installation_id) & (commits.c.repository_id == repository_id)
    decode = msgspec.json.Decoder(ReportedCommit).decode
    return [decode(facts) for facts in connection.execute(select(commits.c.facts).where(mine)).scalars()]


def _known(
    connection: Connection, installation_id: int, repository_id: int, shas: Sequence[str]
) -> dict[str, ReportedCommit]:
    mine = (commits.c.installation_id == installation_id) & (commits.c.repository_id == repository_id)
    decode, by_sha = msgspec.json.Decoder(ReportedCommit).decode, dict[str, ReportedCommit]()
    for start in range(0, len(shas), _AT_ONCE):
        named = select(commits.c.facts).where(mine, commits.c.sha.in_(shas[start : start + _AT_ONCE]))
        by_sha |= {commit.report.sha: commit for commit in map(decode, connection.execute(named).scalars())}
    return by_sha
