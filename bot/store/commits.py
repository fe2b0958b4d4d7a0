"""Commits in the database, as the machines that made them report them."""

from collections.abc import Collection, Iterable

import msgspec
from sqlalchemy import Connection, bindparam, select

from attribution.clues import Clues, names_of
from attribution.reported_commits import ReportedCommit, reported_commits
from attribution.usage import Usage
from bot.clock import to_ms
from bot.keys import RepositoryKey
from bot.store.database import of_repository, rows_in, table
from bot.store.inserts import insert_rows
from bot.store.tables import CommitName, CommitRow

commits, names = table(CommitRow), table(CommitName)

_ALL = select(commits.c.facts).where(of_repository(commits))
_OR_CHANGE = """
    ON CONFLICT (account_id, repository_id, sha) DO UPDATE SET
        facts = excluded.facts, author = excluded.author, at_ms = excluded.at_ms"""
_BY_SHA = _ALL.where(commits.c.sha.in_(bindparam("shas", expanding=True)))
_SHAS_BY_NAME = select(names.c.sha).where(of_repository(names), names.c.text.in_(bindparam("names", expanding=True)))
_BY_AUTHOR = _ALL.where(
    commits.c.author.in_(bindparam("authors", expanding=True)),
    commits.c.at_ms >= bindparam("since_ms"),
    commits.c.at_ms <= bindparam("until_ms"),
)


def save_commits(connection: Connection, key: RepositoryKey, usages: Iterable[Usage]) -> list[ReportedCommit]:
    """Store the commits that come with usage. Returns those that are new or changed, as they are and as they were."""
    reports = {commit.report.sha: commit for commit in reported_commits(usages)}
    before = _by_sha(connection, key, sorted(reports))
    fresh = [commit for sha, commit in sorted(reports.items()) if before.get(sha) != commit]
    rows = [
        key._asdict()
        | {
            "sha": commit.report.sha,
            "facts": msgspec.json.encode(commit).decode(),
            "author": commit.author,
            "at_ms": to_ms(commit.report.authored_at),
        }
        for commit in fresh
        if commit.report.authored_at
    ]
    insert_rows(connection, commits, rows, _OR_CHANGE)
    by_name = [
        key._asdict() | {"text": name, "sha": commit.report.sha}
        for commit in fresh
        for name in sorted(names_of([commit.report]))
    ]
    insert_rows(connection, names, by_name, "ON CONFLICT DO NOTHING")
    return fresh + [before[commit.report.sha] for commit in fresh if commit.report.sha in before]


def with_names(connection: Connection, key: RepositoryKey, wanted: Collection[str]) -> dict[str, ReportedCommit]:
    """The reported commits with one of these names (`clues.names_of`), by id."""
    return _by_sha(
        connection, key, sorted({row.sha for row in rows_in(connection, _SHAS_BY_NAME, key.params, "names", wanted)})
    )


def by_authors(connection: Connection, key: RepositoryKey, clues: Clues) -> dict[str, ReportedCommit]:
    """What the authors reported of that time, by id."""
    params = key.params | {"since_ms": to_ms(clues.since), "until_ms": to_ms(clues.until)}
    rows = rows_in(connection, _BY_AUTHOR, params, "authors", clues.authors)
    return _decoded(row.facts for row in rows)


def _by_sha(connection: Connection, key: RepositoryKey, shas: Collection[str]) -> dict[str, ReportedCommit]:
    return _decoded(row.facts for row in rows_in(connection, _BY_SHA, key.params, "shas", shas))


def _decoded(facts: Iterable[str]) -> dict[str, ReportedCommit]:
    decode = msgspec.json.Decoder(ReportedCommit).decode
    return {commit.report.sha: commit for commit in map(decode, facts)}
