"""Commits in the database, as the machines that made them report them.

Nobody proves such a report, so it counts for the sessions of its sender alone: it takes no work of others to a pull request, nor
away from one.
"""

from collections.abc import Collection, Iterable

import msgspec
from sqlalchemy import Connection, and_, bindparam, delete, select

from attribution.clues import Clues, names_of
from attribution.reported_commits import ReportedCommit, reported_commits
from attribution.usage import Usage
from bot.clock import to_ms
from bot.keys import RepositoryKey, Sender
from bot.store.database import of_repository, rows_in, table
from bot.store.inserts import insert_rows
from bot.store.tables import CommitName, CommitRow

commits, names = table(CommitRow), table(CommitName)

_ALL = select(commits.c.facts).where(of_repository(commits), commits.c.sender == bindparam("of_sender"))
_OR_CHANGE = """
    ON CONFLICT (account_id, repository_id, sender, sha) DO UPDATE SET
        token_id = excluded.token_id, facts = excluded.facts, author = excluded.author, at_ms = excluded.at_ms"""
_ANYONES_SHAS = select(names.c.sha).where(of_repository(names), names.c.text.in_(bindparam("names", expanding=True)))
_ANYONES = select(commits.c.facts).where(of_repository(commits), commits.c.sha.in_(bindparam("shas", expanding=True)))
_BY_SHA = _ALL.where(commits.c.sha.in_(bindparam("shas", expanding=True)))
_SHAS_BY_NAME = select(names.c.sha).where(
    of_repository(names), names.c.sender == bindparam("of_sender"), names.c.text.in_(bindparam("names", expanding=True))
)
_OF_TOKEN = and_(
    of_repository(commits), commits.c.sender == bindparam("of_sender"), commits.c.token_id == bindparam("of_token")
)
_SENT = select(commits.c.facts).where(_OF_TOKEN)
_FORGET = delete(commits).where(_OF_TOKEN)
_BY_AUTHOR = _ALL.where(
    commits.c.author.in_(bindparam("authors", expanding=True)),
    commits.c.at_ms >= bindparam("since_ms"),
    commits.c.at_ms <= bindparam("until_ms"),
)


def save_commits(
    connection: Connection, key: RepositoryKey, usages: Iterable[Usage], sender: Sender
) -> list[ReportedCommit]:
    """Store the commits that come with a sender's usage. Returns those that are new or changed, as they are and as they were."""
    reports = {commit.report.sha: commit for commit in reported_commits(usages)}
    before = _by_sha(connection, key, sender.name, sorted(reports))
    fresh = [commit for sha, commit in sorted(reports.items()) if before.get(sha) != commit]
    rows = [
        key._asdict()
        | {
            "sender": sender.name,
            "sha": commit.report.sha,
            "token_id": sender.token_id,
            "facts": msgspec.json.encode(commit).decode(),
            "author": commit.author,
            "at_ms": to_ms(commit.report.authored_at),
        }
        for commit in fresh
        if commit.report.authored_at
    ]
    insert_rows(connection, commits, rows, _OR_CHANGE)
    by_name = [
        key._asdict() | {"sender": sender.name, "text": name, "sha": commit.report.sha}
        for commit in fresh
        for name in sorted(names_of([commit.report]))
    ]
    insert_rows(connection, names, by_name, "ON CONFLICT DO NOTHING")
    return fresh + [before[commit.report.sha] for commit in fresh if commit.report.sha in before]


def forget(connection: Connection, key: RepositoryKey, sender: Sender) -> list[ReportedCommit]:
    """Forget the commits that were last reported with this token. Returns them."""
    params = {**key.params, "of_sender": sender.name, "of_token": sender.token_id}
    reports = _decoded(connection.execute(_SENT, params).scalars())
    connection.execute(_FORGET, params)
    return list(reports.values())


def with_names(
    connection: Connection, key: RepositoryKey, sender: str, wanted: Collection[str]
) -> dict[str, ReportedCommit]:
    """The commits with one of these names (`clues.names_of`) that a sender reported, by id."""
    found = rows_in(connection, _SHAS_BY_NAME, {**key.params, "of_sender": sender}, "names", wanted)
    return _by_sha(connection, key, sender, sorted({row.sha for row in found}))


def by_anyone(connection: Connection, key: RepositoryKey, wanted: Collection[str]) -> list[ReportedCommit]:
    """The commits with one of these names, as each sender reported them."""
    shas = {row.sha for row in rows_in(connection, _ANYONES_SHAS, key.params, "names", wanted)}
    decode = msgspec.json.Decoder(ReportedCommit).decode
    return [decode(row.facts) for row in rows_in(connection, _ANYONES, key.params, "shas", shas)]


def by_authors(connection: Connection, key: RepositoryKey, sender: str, clues: Clues) -> dict[str, ReportedCommit]:
    """What a sender reported of that time and these authors, by id."""
    params = {**key.params, "of_sender": sender, "since_ms": to_ms(clues.since), "until_ms": to_ms(clues.until)}
    rows = rows_in(connection, _BY_AUTHOR, params, "authors", clues.authors)
    return _decoded(row.facts for row in rows)


def _by_sha(
    connection: Connection, key: RepositoryKey, sender: str, shas: Collection[str]
) -> dict[str, ReportedCommit]:
    params = {**key.params, "of_sender": sender}
    return _decoded(row.facts for row in rows_in(connection, _BY_SHA, params, "shas", shas))


def _decoded(facts: Iterable[str]) -> dict[str, ReportedCommit]:
    decode = msgspec.json.Decoder(ReportedCommit).decode
    return {commit.report.sha: commit for commit in map(decode, facts)}
