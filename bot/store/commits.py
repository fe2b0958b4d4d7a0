"""Commits in the database, as the machines that made them report them."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, select

from attribution.reported_commits import ReportedCommit, reported_commits
from attribution.usage import Usage
from bot.clock import to_ms
from bot.keys import RepositoryKey
from bot.store.database import Database, of_repository, table
from bot.store.tables import CommitRow

commits = table(CommitRow)

# In one statement: databases bound the number of parameters.
_BATCH = 200

_ALL = select(commits.c.facts).where(of_repository(commits))
_BY_SHA = _ALL.where(commits.c.sha.in_(bindparam("shas", expanding=True)))


def save_commits(
    database: Database, connection: Connection, key: RepositoryKey, usages: Iterable[Usage]
) -> list[ReportedCommit]:
    """Store the commits that come with usage. Returns those that are new or changed."""
    reports = {commit.report.sha: commit for commit in reported_commits(usages)}
    before = _by_sha(connection, key, sorted(reports))
    fresh = [commit for sha, commit in sorted(reports.items()) if before.get(sha) != commit]
    insert = database.insert(commits)
    statement = insert.on_conflict_do_update(
        index_elements=["account_id", "repository_id", "sha"],
        set_={"facts": insert.excluded.facts, "at_ms": insert.excluded.at_ms},
    )
    rows = [
        key._asdict()
        | {
            "sha": commit.report.sha,
            "facts": msgspec.json.encode(commit).decode(),
            "at_ms": to_ms(commit.report.authored_at),
        }
        for commit in fresh
        if commit.report.authored_at
    ]
    if rows:
        connection.execute(statement, rows)
    return fresh


def all_commits(connection: Connection, key: RepositoryKey) -> list[ReportedCommit]:
    decode = msgspec.json.Decoder(ReportedCommit).decode
    return [decode(facts) for facts in connection.execute(_ALL, key.params).scalars()]


def _by_sha(connection: Connection, key: RepositoryKey, shas: Sequence[str]) -> dict[str, ReportedCommit]:
    decode, by_sha = msgspec.json.Decoder(ReportedCommit).decode, dict[str, ReportedCommit]()
    for start in range(0, len(shas), _BATCH):
        rows = connection.execute(_BY_SHA, key.params | {"shas": shas[start : start + _BATCH]}).scalars()
        by_sha |= {commit.report.sha: commit for commit in map(decode, rows)}
    return by_sha
